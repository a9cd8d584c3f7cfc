// Directories of the store: made durable on the way down, removed so that a cut leaves nothing half there. A symlink
// standing where a directory should is never entered (each component below the state directory is looked at).

import { basename, dirname, join, relative, sep } from 'node:path';
import { type Disk, errnoOf, lstatOrAbsent } from './disk.ts';
import { StoreError } from './store-error.ts';
import { removedName } from './temporary-name.ts';

function components(root: string, path: string): string[] {
  let current = root;
  return relative(root, path)
    .split(sep)
    .filter((segment) => segment !== '')
    .map((segment) => {
      current = join(current, segment);
      return current;
    });
}

async function isDirectory(disk: Disk, path: string): Promise<boolean> {
  const stat = await lstatOrAbsent(disk, path);
  if (stat === undefined || stat.type === 'directory') return stat !== undefined;
  throw new StoreError('enter', path, '', `it is a ${stat.type}, not a directory of the store: remove it`);
}

/** Whether `path` below `root` is there and is reached through directories only. */
export async function directoryExists(disk: Disk, root: string, path: string): Promise<boolean> {
  for (const component of components(root, path)) {
    if (!(await isDirectory(disk, component))) return false;
  }
  return true;
}

/** Makes what is missing of `path` below `root`, 0700, each name durable. */
export async function ensureDirectory(disk: Disk, root: string, path: string): Promise<void> {
  for (const component of components(root, path)) {
    if (await isDirectory(disk, component)) continue;
    await disk.mkdir(component);
    await disk.fsyncDirectory(dirname(component));
  }
}

/** Removes whatever has this name, durable or not. Symlinks are removed, not followed. */
export async function removeTree(disk: Disk, path: string): Promise<void> {
  const stat = await lstatOrAbsent(disk, path);
  if (stat === undefined) return;
  if (stat.type !== 'directory') return await disk.unlink(path);
  for (const name of await disk.readdir(path)) await removeTree(disk, join(path, name));
  await disk.rmdir(path);
}

/**
 * Removes empty directories from `path` up to, not including, `top`. Returns the lowest that stays, not yet synced.
 * Throws when a symlink stands on the way: rmdir(2) would go through it.
 */
export async function removeEmpty(disk: Disk, path: string, top: string): Promise<string> {
  for (let current = path; current !== top; current = dirname(current)) {
    if (!(await directoryExists(disk, top, current))) continue;
    try {
      await disk.rmdir(current);
    } catch (error) {
      if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return current;
      throw error;
    }
  }
  return top;
}

/**
 * Removes a directory and then its parents that are empty, below `top`. It is gone at one instant, by a rename to a
 * name that is removed at the next opening; when this resolves no copy of its content is reachable after a power cut.
 */
export async function removeDirectoryDurable(disk: Disk, path: string, top: string): Promise<void> {
  const parent = dirname(path);
  if (!(await directoryExists(disk, top, parent))) return;
  const doomed = join(parent, removedName(basename(path)));
  await removeTree(disk, doomed);
  if ((await lstatOrAbsent(disk, path)) !== undefined) {
    await disk.rename(path, doomed);
    await disk.fsyncDirectory(parent);
    await removeTree(disk, doomed);
  }
  await disk.fsyncDirectory(await removeEmpty(disk, parent, top));
}
