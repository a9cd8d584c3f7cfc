// What failed its checksum is moved here, to be looked at by a person, never to be used again. Bounded in number and
// bytes. It may hold secrets: a revision in it goes as soon as the record does not name it any more.

import { basename, dirname, join } from 'node:path';
import type { WorkloadKey } from '../types/workload.ts';
import { directoryExists, ensureDirectory, removeDirectoryDurable } from './directories.ts';
import { type Disk, lstatOrAbsent } from './disk.ts';
import { isRevision, quarantineDir, workloadQuarantineDir } from './layout.ts';
import { isOurTemporary } from './temporary-name.ts';

export const QUARANTINE_ENTRIES_MAX = 8;
export const QUARANTINE_BYTES_MAX = 64 * 1024 * 1024;

interface Entry {
  readonly path: string;
  /** Counts up over the whole quarantine: the order in which things came. */
  readonly sequence: number;
  /** What it was called, such as a revision's id. */
  readonly was: string;
}

async function filesBelow(disk: Disk, path: string): Promise<string[]> {
  const stat = await lstatOrAbsent(disk, path);
  if (stat?.type !== 'directory') return [];
  return (await disk.readdir(path)).map((name) => join(path, name));
}

/** Every entry, oldest first. */
export async function quarantined(disk: Disk, root: string): Promise<Entry[]> {
  const found: Entry[] = [];
  const namespaces = await filesBelow(disk, quarantineDir(root));
  const workloads = (await Promise.all(namespaces.map((path) => filesBelow(disk, path)))).flat();
  const inWorkloads = (await Promise.all(workloads.map((path) => filesBelow(disk, path)))).flat();
  for (const path of inWorkloads) {
    const match = /^([0-9]{1,9})-(.+)$/.exec(basename(path));
    if (match?.[1] === undefined || match[2] === undefined) continue;
    found.push({ path, sequence: Number(match[1]), was: match[2] });
  }
  return found.sort((a, b) => a.sequence - b.sequence);
}

async function treeBytes(disk: Disk, path: string): Promise<number> {
  const stat = await lstatOrAbsent(disk, path);
  if (stat === undefined) return 0;
  if (stat.type !== 'directory') return stat.size;
  let bytes = 0;
  for (const child of await filesBelow(disk, path)) bytes += await treeBytes(disk, child);
  return bytes;
}

/** Oldest out first, until `path` (the newest) is within the bounds; it goes itself when it alone is too large. */
async function evict(disk: Disk, root: string): Promise<void> {
  const entries = await quarantined(disk, root);
  const sized = await Promise.all(
    entries.map(async (entry) => ({ entry, bytes: await treeBytes(disk, entry.path) })),
  );
  let bytes = sized.reduce((sum, each) => sum + each.bytes, 0);
  let count = sized.length;
  for (const each of sized) {
    if (count <= QUARANTINE_ENTRIES_MAX && bytes <= QUARANTINE_BYTES_MAX) return;
    await removeDirectoryDurable(disk, each.entry.path, root);
    bytes -= each.bytes;
    count -= 1;
  }
}

/**
 * Moves a file or directory into quarantine and returns where it is. `key` is undefined for files of the node (no namespace begins with `_`).
 */
export async function quarantine(
  disk: Disk,
  root: string,
  key: WorkloadKey | undefined,
  path: string,
): Promise<string> {
  const home =
    key === undefined ? join(quarantineDir(root), '_node', 'files') : workloadQuarantineDir(root, key);
  await ensureDirectory(disk, root, home);
  const last = (await quarantined(disk, root)).at(-1)?.sequence ?? 0;
  const target = join(home, `${last + 1}-${basename(path).slice(0, 200)}`);
  await disk.rename(path, target);
  await disk.fsyncDirectory(home);
  await disk.fsyncDirectory(dirname(path));
  await evict(disk, root);
  return target;
}

/** Removes everything that is kept of a workload. */
export function dropQuarantined(disk: Disk, root: string, key: WorkloadKey): Promise<void> {
  return drop(disk, root, key, () => true);
}

/** Removes the revisions that are kept of a workload and are not in `needed`: their secrets may have been rotated. */
export function dropQuarantinedRevisions(
  disk: Disk,
  root: string,
  key: WorkloadKey,
  needed: ReadonlySet<string>,
): Promise<void> {
  return drop(disk, root, key, (was) => isRevision(was) && !needed.has(was));
}

async function drop(
  disk: Disk,
  root: string,
  key: WorkloadKey,
  goes: (was: string) => boolean,
): Promise<void> {
  const home = workloadQuarantineDir(root, key);
  if (!(await directoryExists(disk, root, home))) return;
  for (const path of await filesBelow(disk, home)) {
    const was = basename(path).replace(/^[0-9]+-/, '');
    if (isOurTemporary(basename(path)) || goes(was)) await removeDirectoryDurable(disk, path, root);
  }
}
