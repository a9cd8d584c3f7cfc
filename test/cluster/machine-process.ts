// A daemon on a machine, from the host's side: started through nsenter, ended by a signal, and dead with
// the machine's first process, whatever happens here.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { letGo } from './claim.ts';
import { plainEnvironment } from './command.ts';
import { waitUntil } from './wait-until.ts';

/** A process on the machine that runs until someone ends it. */
export interface MachineProcess {
  readonly running: boolean;
  /** SIGKILL, and wait until it is gone. Its children live on, as with `systemctl kill --kill-whom=main`. */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** Runs argv, an nsenter into a machine, until it is killed. */
export async function startProcess(argv: readonly string[], logFile: string): Promise<MachineProcess> {
  const log = openSync(logFile, 'a');
  const [program, ...rest] = argv;
  const nsenter = spawn(program ?? '', rest, {
    detached: true,
    cwd: '/',
    env: plainEnvironment,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  let running = true;
  const ended = new Promise<void>((resolve) => {
    nsenter.once('exit', () => {
      running = false;
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    nsenter.once('spawn', resolve);
    nsenter.once('error', reject);
  });
  letGo(nsenter);
  return {
    get running() {
      return running;
    },
    async kill(signal = 'SIGKILL') {
      if (!running) return;
      nsenter.ref();
      // nsenter only waits in the host's process table; the daemon is its child in the machine's.
      const daemon = await Promise.race([onlyChild(nsenter.pid ?? 0), ended]);
      if (daemon !== undefined) process.kill(daemon, signal);
      await ended;
    },
  };
}

/** The first child of a process that has only one: what nsenter and unshare fork into their namespaces. */
export function onlyChild(pid: number): Promise<number> {
  return waitUntil(
    `process ${pid} has a child`,
    async () => {
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
      return children.trim() === '' ? undefined : Number(children.trim().split(' ')[0]);
    },
    { timeoutMs: 5000, intervalMs: 5 },
  );
}
