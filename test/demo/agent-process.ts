// The real agent as a child process, as a node service would run it. The only place of the demo that knows its flags.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusReport } from '../../lib/status/report.ts';
import { askAgent } from '../../lib/status/socket.ts';
import type { EmbeddedPaths } from '../world/embedded.ts';

const root = join(import.meta.dirname, '../..');

export class AgentProcess {
  private readonly paths: EmbeddedPaths;
  private readonly command: readonly string[];
  private readonly nodeName: string;
  private readonly logFile: string;
  private child: ChildProcess | undefined;

  constructor(command: readonly string[], paths: EmbeddedPaths, nodeName: string, logFile: string) {
    this.command = command;
    this.paths = paths;
    this.nodeName = nodeName;
    this.logFile = logFile;
  }

  start(): void {
    const log = openSync(this.logFile, 'a');
    this.child = this.spawn(['run', '--proving', '2s'], ['ignore', log, log]);
    closeSync(log);
  }

  /** Of the process that runs. */
  get pid(): number {
    const pid = this.child?.pid;
    if (pid === undefined) throw new Error('the agent does not run');
    return pid;
  }

  /** Undefined while it runs, else how it ended. */
  get ended(): string | undefined {
    const { exitCode = null, signalCode = null } = this.child ?? {};
    if (exitCode === null && signalCode === null) return undefined;
    return exitCode === null ? `the agent was ended by ${signalCode}` : `the agent exited with ${exitCode}`;
  }

  /** kill -9, as a power loss does; resolves when it is gone. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** What `agent status` prints, by a process of its own as a person would call it. */
  async statusTable(): Promise<string> {
    const child = this.spawn(['status'], ['ignore', 'pipe', 'ignore']);
    let table = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      table += chunk.toString();
    });
    await new Promise((resolve) => child.once('close', resolve));
    return table.trimEnd();
  }

  /** The daemon's verdict, asked where `agent status` asks it; false while no daemon answers. */
  async isRecoverable(): Promise<boolean> {
    const answer = await askAgent(this.paths.runDir, 'GET', '/status').catch(() => undefined);
    return answer !== undefined && (JSON.parse(answer) as StatusReport).recoverable;
  }

  logTail(lines: number): string {
    return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  private spawn(args: readonly string[], stdio: StdioOptions): ChildProcess {
    const [program = '', ...prefix] = this.command;
    return spawn(program, [...prefix, ...args, ...this.nodeFlags()], { cwd: root, stdio });
  }

  private nodeFlags(): string[] {
    const { paths } = this;
    return [
      ['--kubeconfig', paths.kubeconfig],
      ['--node-name', this.nodeName],
      ['--static-pod-dir', paths.staticPodDir],
      ['--state-dir', paths.stateDir],
      ['--run-dir', paths.runDir],
      ['--kubelet-config', paths.kubeletConfig],
      ['--container-runtime-endpoint', `unix://${paths.criSocket}`],
      ['--boot-id-file', paths.bootIdFile],
    ].flat();
  }
}
