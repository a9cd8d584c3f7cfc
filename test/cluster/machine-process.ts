// A daemon on a machine, from the host's side: started through nsenter, ended by a signal, and dead with
// the machine's first process, whatever happens here.
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { letGo } from './claim.ts';
import { waitUntil } from './wait-until.ts';

/** A daemon on the machine that runs until someone ends it. */
export interface MachineProcess {
  readonly running: boolean;
  /**
   * SIGKILL, and wait until it is gone; nothing starts it again. Its children live on, as with
   * `systemctl kill --kill-whom=main`.
   */
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export interface DaemonOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Start it again so long after it has ended, as a unit with Restart=always. Default: never. */
  readonly restartMs?: number;
}

/** Runs argv, an nsenter into a machine, until it is killed. */
export async function startProcess(
  argv: readonly string[],
  logFile: string,
  { env, restartMs }: DaemonOptions,
): Promise<MachineProcess> {
  let current = await spawnDaemon(argv, logFile, env);
  let restart: NodeJS.Timeout | undefined;
  let wanted = true;
  const watch = (): void => {
    void current.ended.then(() => {
      if (!wanted || restartMs === undefined) return;
      restart = setTimeout(() => {
        appendFileSync(logFile, `unit: started again, ${restartMs} ms after it had ended\n`);
        void spawnDaemon(argv, logFile, env).then((next) => {
          restart = undefined;
          current = next;
          watch();
        });
      }, restartMs);
      restart.unref();
    });
  };
  watch();
  return {
    get running() {
      return current.running || restart !== undefined;
    },
    async kill(signal = 'SIGKILL') {
      wanted = false;
      clearTimeout(restart);
      restart = undefined;
      await current.kill(signal);
    },
  };
}

interface Daemon {
  readonly running: boolean;
  readonly ended: Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

async function spawnDaemon(
  argv: readonly string[],
  logFile: string,
  env: NodeJS.ProcessEnv,
): Promise<Daemon> {
  const log = openSync(logFile, 'a');
  const [program, ...rest] = argv;
  const nsenter = spawn(program ?? '', rest, {
    detached: true,
    cwd: '/',
    env,
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
    ended,
    async kill(signal) {
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
