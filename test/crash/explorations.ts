// Runs explorations in processes of their own, as many at a time as there are processors.

import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Exploration } from './explore.ts';

const run = promisify(execFile);
const EXPLORE = join(import.meta.dirname, 'explore.ts');
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

export async function explore(...args: readonly string[]): Promise<Exploration> {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', EXPLORE, ...args], {
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return JSON.parse(stdout) as Exploration;
}

/** Each of `jobs`, a few at a time; results in their order. */
export async function inParallel<T, R>(jobs: readonly T[], work: (job: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const waiting = [...jobs.entries()];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker));
  return results;
}
