// The agent as it ships, on a node of the embedded world whose state directory may be any file system: with what the
// tests of faults ask and do. Both end with the test's process, however that ends.

import { execFile, spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'undici';
import type { StatusReport } from '../../lib/status/report.ts';
import { socketPath } from '../../lib/status/socket.ts';
import type { VerifyReport } from '../../lib/store/verify-store.ts';
import { AgentProcess } from '../demo/agent-process.ts';
import { type Embedded, startEmbedded } from '../world/embedded.ts';

const BUNDLE = join(import.meta.dirname, '../../dist/agent.mjs');
/** A killed test must not leave its agent behind. */
const COMMAND = ['setpriv', '--pdeathsig', 'KILL', process.execPath, BUNDLE];

/** The pod that a secret belongs to, and the key that the tests change in it. */
export const ROTATED = { workload: 'kube-system/kube-scheduler', secret: 'kube-scheduler', key: 'tls.key' };

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  seconds = 60,
): Promise<void> {
  for (const end = performance.now() + seconds * 1000; !(await holds()); await delay(50)) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
  }
}

export class NodeUnderTest {
  readonly agent: AgentProcess;
  readonly stateDir: string;
  readonly logFile: string;
  private readonly world: Embedded;
  /** One connection for all questions: an agent without file descriptors cannot accept another. */
  private readonly client: Client;

  private constructor(world: Embedded, logFile: string) {
    this.world = world;
    this.stateDir = world.paths.stateDir;
    this.logFile = logFile;
    this.client = new Client('http://agent', {
      socketPath: socketPath(world.paths.runDir),
      headersTimeout: 3_000,
    });
    this.agent = new AgentProcess(COMMAND, world.paths, world.nodeName, logFile);
  }

  /** `mountState` puts a file system in the place of the state directory. */
  static async start(
    directory: string,
    mountState: (stateDir: string) => Promise<void> = async () => undefined,
  ): Promise<NodeUnderTest> {
    mkdirSync(directory);
    const stateDir = join(directory, 'var/lib/checkpoint-agent');
    mkdirSync(dirname(stateDir), { recursive: true });
    await mountState(stateDir);
    const world = await startEmbedded({ dir: directory, timeFactor: 0.2 });
    const node = new NodeUnderTest(world, join(directory, 'agent.log'));
    node.agent.start();
    await until('every workload has a proven checkpoint', () => node.agent.isRecoverable());
    return node;
  }

  async close(): Promise<void> {
    await this.client.destroy();
    await this.agent.kill();
    await this.world.close();
  }

  /** What `agent status` is told. Undefined when no daemon answers. */
  async status(): Promise<StatusReport | undefined> {
    try {
      const { statusCode, body } = await this.client.request({ method: 'GET', path: '/status' });
      const text = await body.text();
      return statusCode === 200 ? (JSON.parse(text) as StatusReport) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Until `agent status` says it among the problems. */
  async reports(expected: RegExp): Promise<void> {
    let problems: readonly string[] = [];
    const said = async (): Promise<boolean> => {
      problems = (await this.status())?.problems ?? problems;
      return problems.some((problem) => expected.test(problem));
    };
    await until(`status says ${expected}`, said).catch((error: Error) => {
      throw new Error(`${error.message}; it says: ${JSON.stringify(problems, null, 2)}`);
    });
  }

  /** `agent verify`, by a process of its own as a person would call it. */
  async verify(): Promise<VerifyReport> {
    const args = ['verify', '--state-dir', this.stateDir, '-o', 'json'];
    const stdout = await new Promise<string>((resolve) => {
      execFile(process.execPath, [BUNDLE, ...args], (_error, text) => resolve(text));
    });
    return JSON.parse(stdout) as VerifyReport;
  }

  async proven(): Promise<string | undefined> {
    return (await this.verify()).workloads.find((each) => each.workload === ROTATED.workload)?.proven;
  }

  /** Agent, kubelet and containers are gone at once, and the machine is on again. */
  async losePower(): Promise<void> {
    await this.agent.kill();
    this.world.powerOff();
    this.world.powerOn();
  }

  /** `agent recover`, as the systemd unit calls it before the kubelet. */
  async recover(): Promise<{ code: number | null; stderr: string }> {
    const { paths, nodeName } = this.world;
    const child = spawn(
      process.execPath,
      [
        ...[BUNDLE, 'recover', '--kubeconfig', paths.kubeconfig, '--node-name', nodeName],
        ...['--static-pod-dir', paths.staticPodDir, '--state-dir', paths.stateDir, '--run-dir', paths.runDir],
        ...['--kubelet-config', paths.kubeletConfig, '--boot-id-file', paths.bootIdFile],
        ...['--container-runtime-endpoint', `unix://${paths.criSocket}`],
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, stderr };
  }

  placedManifests(): string[] {
    return readdirSync(this.world.paths.staticPodDir).filter((name) => name.startsWith('checkpoint-agent_'));
  }

  /** Until every workload runs by its parent again, its checkpoint standing by. */
  async atRest(): Promise<void> {
    await until('all parents are back', async () => {
      const workloads = (await this.status())?.workloads ?? [];
      return workloads.length === 4 && workloads.every(({ state }) => state === 'standby');
    });
  }

  /** Somebody rotates a secret: the scheduler's key has these bytes from now on. */
  rotateSecret(bytes: string): void {
    this.world.run(() => {
      const { store } = this.world.world;
      const secret = store.list('secrets').find(({ metadata }) => metadata?.name === ROTATED.secret);
      if (secret === undefined) throw new Error(`no secret ${ROTATED.secret}`);
      const data = { ...secret.data, [ROTATED.key]: Buffer.from(bytes).toString('base64') };
      store.put('secrets', { ...secret, data });
    });
  }
}
