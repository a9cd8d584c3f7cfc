// Where a run keeps its disks and images. It goes when the process ends, also by Ctrl-C; what a killed run has left
// behind is removed by the next one.

import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'checkpoint-agent-powercut-';

/** A fresh directory; its name says which process it belongs to. */
export function workDirectory(): string {
  for (const name of readdirSync(tmpdir())) {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) remove(join(tmpdir(), name));
  }
  const directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  process.once('exit', () => remove(directory));
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
    ['SIGHUP', 1],
  ] as const) {
    process.once(signal, () => process.exit(128 + number));
  }
  return directory;
}

function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
