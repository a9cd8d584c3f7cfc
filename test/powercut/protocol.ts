// What guest and host say to each other over the second serial line, one JSON a line. The guest says what it found when
// it opened the store, then `done` for every operation that resolved, and begins the next one only when the host has
// confirmed that: a serial line buffers, and an acknowledgement in a buffer that dies with the guest was never given.

import type { StoreFinding } from '../../lib/types/store.ts';
import type { Content } from './content.ts';

export type GuestMessage =
  | { readonly say: 'opening' }
  | {
      readonly say: 'opened';
      readonly content: Content;
      readonly findings: readonly StoreFinding[];
      readonly openMs: number;
    }
  | { readonly say: 'done'; readonly operation: number }
  | { readonly say: 'failed'; readonly error: string };

/** Faults put into the guest on purpose, to see that the power cut finds them. */
export type Mutation = 'none' | 'no-fsync' | 'no-flush';

/** The guest's environment, from the kernel's command line. */
export const PARAMETERS = {
  seed: 'POWERCUT_SEED',
  firstOperation: 'POWERCUT_FIRST',
  mutation: 'POWERCUT_MUTATION',
  fileSystem: 'POWERCUT_FS',
  mountOptions: 'POWERCUT_MOUNT',
} as const;

/** Where the guest's init mounts the disk that loses its power. */
export const STATE_MOUNT = '/state';
