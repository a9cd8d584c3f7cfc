// How to look at something that a writer may be changing, without a lock: again and again, until it stands still.
// Damage does, a writer at work does not: what it shows between two steps is never the same for long.

import { setTimeout as pause } from 'node:timers/promises';

/** Only for a writer that never rests; then what was seen last has to do. */
const LOOKS_MAX = 100;

/** Something wrong must be seen so many times in a row; something well, twice. */
const WRONG_LOOKS_MIN = 3;
const LOOKS_MIN = 2;

export interface Seen {
  /** The same for two looks that saw the same. */
  readonly outline: string;
  readonly wrong: boolean;
}

/** `patienceMs` lies between two looks when something is wrong: longer than a writer takes from one file to the next. */
export async function settledLook<T>(
  look: () => Promise<T>,
  judge: (found: T) => Seen,
  patienceMs: number,
): Promise<T> {
  let found = await look();
  let seen = judge(found);
  let agreeing = 1;
  for (let looks = 1; looks < LOOKS_MAX; looks += 1) {
    if (agreeing >= (seen.wrong ? WRONG_LOOKS_MIN : LOOKS_MIN)) break;
    if (seen.wrong && patienceMs > 0) await pause(patienceMs);
    found = await look();
    const now = judge(found);
    agreeing = now.outline === seen.outline ? agreeing + 1 : 1;
    seen = now;
  }
  return found;
}
