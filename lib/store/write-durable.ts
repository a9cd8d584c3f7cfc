// One file replaced so that after a power cut it is the old one or the new one, whole: temporary name beside the
// target, everything written, owner and mode set, fsync, rename, fsync of the directory. Deletion likewise durable.
// Used for the store's records and by lib/act for manifests in the static pod directory.

import { basename, dirname, join } from 'node:path';
import { type Disk, errnoOf, type NewFile } from './disk.ts';
import { realDisk } from './real-disk.ts';
import { asStoreError } from './store-error.ts';
import { unfinishedName } from './temporary-name.ts';

export interface FileAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Root's alone. */
export const PRIVATE_FILE: FileAttributes = { mode: 0o600, uid: 0, gid: 0 };

async function createFresh(disk: Disk, path: string): Promise<NewFile> {
  try {
    return await disk.create(path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    // Left by a crash of ours: the name has our prefix, and there is one writer.
    await disk.unlink(path);
    return await disk.create(path);
  }
}

/** A new file with its final content, owner and mode, synced. Its name is not durable until its directory is synced. */
export async function writeNewFile(
  disk: Disk,
  path: string,
  content: Uint8Array,
  attributes: FileAttributes,
): Promise<void> {
  const file = await createFresh(disk, path);
  try {
    for (let written = 0; written < content.length; ) {
      written += await file.write(content.subarray(written));
    }
    // The owner first: chown(2) clears setuid and setgid bits.
    await file.chown(attributes.uid, attributes.gid);
    await file.chmod(attributes.mode);
    await file.fsync();
  } finally {
    await file.close();
  }
}

/** Replaces or creates `path`; resolves when that survives a power cut. The directory must exist. */
export async function writeDurable(
  path: string,
  content: Uint8Array | string,
  attributes: FileAttributes = PRIVATE_FILE,
  disk: Disk = realDisk,
): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const unfinished = join(dirname(path), unfinishedName(basename(path)));
  try {
    await writeNewFile(disk, unfinished, bytes, attributes);
    await disk.rename(unfinished, path);
    await disk.fsyncDirectory(dirname(path));
  } catch (error) {
    // On a full disk the half-written copy would take the last of the space.
    await disk.unlink(unfinished).catch(() => undefined);
    throw asStoreError(error, 'write', path);
  }
}

/** Removes a file (not a directory); resolves when that survives a power cut. A file that is not there is fine. */
export async function unlinkDurable(path: string, disk: Disk = realDisk): Promise<void> {
  try {
    await disk.unlink(path).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
    await disk.fsyncDirectory(dirname(path));
  } catch (error) {
    throw asStoreError(error, 'remove', path);
  }
}
