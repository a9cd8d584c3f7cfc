// V8 collects garbage when it allocates. A daemon at rest hardly does, and would keep what its last busy minute left
// (20 MiB were seen) resident for days; so it collects by itself, now and then, while nothing is under way.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Memory } from '../types/memory.ts';

/** A collection takes about 15 ms: nothing at this distance, and nothing to be in the way of a handover. */
const EVERY_MS = 60_000;

/** Ends with `clearInterval`. */
export function collectAtRest(memory: () => Memory | undefined): NodeJS.Timeout {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const timer = setInterval(() => {
    if (isAtRest(memory())) collect();
  }, EVERY_MS);
  return timer.unref();
}

export function isAtRest(memory: Memory | undefined): boolean {
  if (memory === undefined || memory.apiAwayMs > 0) return false;
  return [...memory.workloads.values()].every(
    ({ phase, options }) =>
      phase.name === 'standby' ||
      phase.name === 'held' ||
      phase.name === 'none' ||
      (phase.name === 'active' && options.standbyLock !== undefined),
  );
}
