// The host itself: which boot this is, and a clock that no one sets.

import { readFileSync } from 'node:fs';
import { known, type Observed, unknown } from '../types/observed.ts';

/** The kernel makes a new one at each boot; a container sees its host's. */
export const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

export async function readBootId(file: string = BOOT_ID_FILE): Promise<Observed<string>> {
  try {
    // Not through the thread pool: there a look would wait for fsyncs of seconds.
    const bootId = readFileSync(file, 'utf8').trim();
    return bootId === '' ? unknown(`boot id ${file} is empty`) : known(bootId);
  } catch (error) {
    return unknown(`boot id ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'failed'})`);
  }
}

/** Milliseconds that only ever go forward; CLOCK_MONOTONIC, which stands still while the host is suspended. */
export function monotonicMs(): number {
  return performance.now();
}
