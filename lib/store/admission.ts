// What may be stored at all: names that cannot leave their place, no more than the bounds, and only when there is room
// for it and for the records that must still be written after it. Asked before anything is begun.

import type { CompiledCheckpoint, MaterialVolume, RevisionId } from '../types/checkpoint.ts';
import type { StoredRevision } from '../types/store.ts';
import { manifestBytes } from './build-revision.ts';
import type { Disk } from './disk.ts';
import { isMaterialPath, isVolumeName, revisionDir, revisionsDir } from './layout.ts';
import { materialBytes } from './revision-digests.ts';
import { StoreError } from './store-error.ts';
import { isOurTemporary } from './temporary-name.ts';

export const REVISIONS_MAX = 8;
export const REVISION_BYTES_MAX = 64 * 1024 * 1024;

/** For the proven revision, the one before it, the candidate, and the one that comes. */
export const WORKLOAD_BYTES_MAX = 4 * REVISION_BYTES_MAX;

/** Kept free for records: they say what to do when everything else is full. */
export const RESERVE_BYTES = 1024 * 1024;

/** A file takes whole blocks, and an inode; so does a directory. */
const BLOCK_BYTES = 4096;

/** Directories and small files of a revision, and of a volume, beside its own files. */
const REVISION_EXTRA_FILES = 6;
const VOLUME_EXTRA_FILES = 6;

function checkVolume(volume: MaterialVolume, path: string): void {
  const refusal = (why: string): StoreError =>
    new StoreError('store', `${path}/${volume.name.slice(0, 80)}`, '', why);
  if (!isVolumeName(volume.name)) throw refusal('the name of the volume is not a DNS label');
  for (const path of volume.mountPoints ?? []) {
    if (!isMaterialPath(path))
      throw refusal(`the mount point ${JSON.stringify(path.slice(0, 80))} would leave it`);
    if (volume.files.some((file) => path === file.path || path.startsWith(`${file.path}/`)))
      throw refusal(`there is a file where ${JSON.stringify(path.slice(0, 80))} is mounted`);
  }
  const paths = new Set<string>();
  for (const file of volume.files) {
    const shown = JSON.stringify(file.path.slice(0, 80));
    if (!isMaterialPath(file.path)) throw refusal(`the path ${shown} would leave the volume`);
    if (paths.has(file.path)) throw refusal(`the path ${shown} is there twice`);
    paths.add(file.path);
  }
  for (const path of paths) {
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      if (paths.has(path.slice(0, slash)))
        throw refusal(`${JSON.stringify(path.slice(0, slash))} is a file and a directory`);
    }
  }
}

/** Throws for a checkpoint that can never be stored. */
export function checkCheckpoint(root: string, checkpoint: CompiledCheckpoint): void {
  const path = revisionDir(root, checkpoint.workload, checkpoint.revision);
  const names = checkpoint.volumes.map((volume) => volume.name);
  if (new Set(names).size !== names.length)
    throw new StoreError('store', path, '', 'two volumes have the same name');
  for (const volume of checkpoint.volumes) checkVolume(volume, path);
  const bytes = revisionBytes(checkpoint);
  if (bytes > REVISION_BYTES_MAX) {
    const why = `it has ${bytes} bytes, the bound is ${REVISION_BYTES_MAX}: a checkpoint holds configuration, not data`;
    throw new StoreError('store', path, 'EFBIG', why);
  }
}

export function revisionBytes(checkpoint: CompiledCheckpoint): number {
  return manifestBytes(checkpoint).length + materialBytes(checkpoint.volumes);
}

/** Throws when the workload, with this revision, would have more bytes than it may. */
export function checkBytes(
  root: string,
  checkpoint: CompiledCheckpoint,
  stored: readonly StoredRevision[],
): void {
  const bytes = stored.reduce((sum, each) => sum + each.bytes, revisionBytes(checkpoint));
  if (bytes <= WORKLOAD_BYTES_MAX) return;
  const why = `the workload would have ${bytes} bytes, the bound is ${WORKLOAD_BYTES_MAX}: remove a revision first`;
  throw new StoreError('store another revision in', revisionsDir(root, checkpoint.workload), 'EFBIG', why);
}

/** Throws when the workload has as many revisions as it may: dropping one is the caller's decision. */
export async function checkCount(disk: Disk, root: string, checkpoint: CompiledCheckpoint): Promise<void> {
  const path = revisionsDir(root, checkpoint.workload);
  const names = await disk.readdir(path);
  const others = names.filter(
    (name) => !isOurTemporary(name) && (name as RevisionId) !== checkpoint.revision,
  );
  if (others.length < REVISIONS_MAX) return;
  throw new StoreError(
    'store another revision in',
    path,
    '',
    `there are ${others.length} already: remove one first`,
  );
}

/** Throws when `volumes` and `bytes` besides would leave less than the reserve. */
export async function checkSpace(
  disk: Disk,
  root: string,
  volumes: readonly MaterialVolume[],
  bytes: number,
): Promise<void> {
  const files =
    REVISION_EXTRA_FILES +
    volumes.reduce((sum, volume) => sum + VOLUME_EXTRA_FILES + 2 * volume.files.length, 0);
  const needed = bytes + files * BLOCK_BYTES + RESERVE_BYTES;
  const free = await disk.freeSpace(root);
  if (free.bytes < needed) {
    const remedy = `needs ${needed} free bytes and there are ${free.bytes}: free some space; it is tried again by itself`;
    throw new StoreError('write to', root, 'ENOSPC', remedy);
  }
  if (free.inodes !== undefined && free.inodes < files) {
    const remedy = `needs ${files} free inodes and there are ${free.inodes}: remove some files; it is tried again by itself`;
    throw new StoreError('write to', root, 'ENOSPC', remedy);
  }
}
