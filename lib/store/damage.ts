// Damage is what the disk says for certain: missing, of another kind, other bytes. A disk that does not answer (EIO,
// EMFILE, ENOMEM) says nothing: what it holds is not used now, and not moved away for it either.

import { errnoOf } from './disk.ts';

export class DamageError extends Error {
  override readonly name = 'DamageError';
  readonly path: string;
  readonly problem: string;

  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.path = path;
    this.problem = problem;
  }
}

const CERTAIN: Readonly<Record<string, string>> = {
  ENOENT: 'is missing',
  ENOTDIR: 'is no directory',
  EISDIR: 'is a directory',
  ELOOP: 'is a symlink',
  EINVAL: 'is of another kind',
  EFBIG: 'is larger than it was written',
  ENXIO: 'is a device or socket',
};

/** Runs a read; errors that prove damage become a DamageError, others pass. */
export async function readDamaged<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const problem = CERTAIN[errnoOf(error)];
    if (problem === undefined) throw error;
    throw new DamageError(path, problem);
  }
}
