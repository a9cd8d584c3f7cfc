// One guard a node: the flock(2) on `<state dir>/lock`. Node has no flock, so flock(1) locks a descriptor that it
// inherits; the lock belongs to the open file and lives on in this process when flock(1) has ended. A stand-by is
// started under `flock --no-fork`, and finds the lock already held by a descriptor that it inherited.

import { spawn } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensureDir } from 'fs-extra/esm';

/** Held until the process ends, or `release` is called. */
export interface GuardLock {
  /** This process was started with it: it is a stand-by's. */
  readonly inherited: boolean;
  release(): void;
}

export function guardLockPath(stateDir: string): string {
  return join(stateDir, 'lock');
}

/** The lock, if flock(1) started this process with it held. */
export function inheritedLock(path: string): GuardLock | undefined {
  let wanted: { dev: number; ino: number };
  try {
    wanted = statSync(path);
  } catch {
    return undefined;
  }
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd <= 2) continue;
    try {
      const { dev, ino } = fstatSync(fd);
      if (dev === wanted.dev && ino === wanted.ino) return { inherited: true, release: () => closeSync(fd) };
    } catch {
      // The descriptor that read the directory is gone by now.
    }
  }
  return undefined;
}

/**
 * Takes the lock, waiting at most `waitMs` for its holder to let go. Undefined when somebody else holds it still, or the
 * signal ended the wait.
 * Errors: the lock file cannot be made, or flock(1) is missing.
 */
export async function takeLock(
  path: string,
  waitMs: number,
  signal?: AbortSignal,
): Promise<GuardLock | undefined> {
  await ensureDir(dirname(path), 0o700);
  // For reading only, as flock(1) itself does: a disk that has turned read-only must not keep a recovery from starting.
  const fd = openSync(path, constants.O_RDONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  const wait = waitMs === 0 ? ['--nonblock'] : ['--wait', String(waitMs / 1_000)];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn('flock', ['--exclusive', ...wait, '3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
    });
    const end = (): boolean => child.kill();
    signal?.addEventListener('abort', end);
    if (signal?.aborted) end();
    child.on('close', () => signal?.removeEventListener('abort', end));
    child.on('error', (error) => reject(new Error(`flock(1) from util-linux is needed: ${error.message}`)));
    child.on('close', resolve);
  });
  if (code === 0) return { inherited: false, release: () => closeSync(fd) };
  closeSync(fd);
  return undefined;
}
