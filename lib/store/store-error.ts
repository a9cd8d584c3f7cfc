// What goes wrong with the disk, in words for the person who has to repair it: the path, the cause, the remedy.
// Never a byte of content: most files here are secrets.

import { errnoOf } from './disk.ts';

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'the file system is full: free some space; it is tried again by itself',
  EDQUOT: 'the disk quota is used up: raise it or free some space; it is tried again by itself',
  EROFS: 'the file system is mounted read-only: look for the cause with dmesg, then remount it writable',
  EUCLEAN: 'the file system is damaged: look at dmesg, then check it with fsck or xfs_repair',
  EIO: 'the disk reports an input/output error: look at dmesg and replace the disk',
  EMFILE: 'too many open files in this process: raise its limit (LimitNOFILE=); it is tried again by itself',
  ENFILE: 'too many open files on this machine: raise fs.file-max; it is tried again by itself',
  EACCES: 'permission denied: the agent must run as root and own its state directory',
  EPERM: 'not permitted: the agent must run as root, and the file must not be immutable (lsattr)',
  ELOOP: 'a symlink stands where a file or directory of the store should: remove it',
  ENOTDIR: 'something that is no directory stands on the way: move it away',
};

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly path: string;
  readonly code: string;
  readonly remedy: string;

  constructor(doing: string, path: string, code: string, remedy: string) {
    super(`cannot ${doing} ${path}: ${remedy}${code === '' ? '' : ` (${code})`}`);
    this.path = path;
    this.code = code;
    this.remedy = remedy;
  }
}

/** An error of a system call as a StoreError; one that already is a StoreError stays as it is. */
export function asStoreError(error: unknown, doing: string, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = errnoOf(error);
  const culprit = (error as NodeJS.ErrnoException | undefined)?.path ?? path;
  const message = error instanceof Error ? error.message : String(error);
  return new StoreError(doing, culprit, code, REMEDIES[code] ?? message);
}
