// The directories on the way to the material are root's alone: a file in a volume has the mode its pod needs, which may
// be readable for everybody, and what keeps others out is the way to it.

import { join } from 'node:path';
import type { Drift } from './check-volume.ts';
import { type Disk, lstatOrAbsent } from './disk.ts';
import { formatFile, nodeFile, quarantineDir, workloadsDir } from './layout.ts';
import { isOurTemporary } from './temporary-name.ts';
import { copyOf } from './twin-file.ts';

export const PRIVATE_DIRECTORY = { mode: 0o700, uid: 0, gid: 0 } as const;

/** Those of `paths` that are directories and open to others, or somebody else's. */
export async function openDirectories(disk: Disk, paths: readonly string[]): Promise<Drift[]> {
  const found: Drift[] = [];
  for (const path of paths) {
    const stat = await lstatOrAbsent(disk, path);
    if (stat?.type !== 'directory') continue;
    const foreign = disk.setsOwners && (stat.uid !== 0 || stat.gid !== 0);
    if (foreign || stat.mode !== PRIVATE_DIRECTORY.mode) found.push({ path, wanted: PRIVATE_DIRECTORY });
  }
  return found;
}

/** Whether there is nothing but ours in the state directory: one that is shared with others is not closed to them. */
export async function holdsOnlyOurs(disk: Disk, root: string): Promise<boolean> {
  const files = [formatFile(root), nodeFile(root)].flatMap((path) => [path, copyOf(path)]);
  const ours = new Set([...files, workloadsDir(root), quarantineDir(root), join(root, 'lock')]);
  return (await disk.readdir(root)).every((name) => ours.has(join(root, name)) || isOurTemporary(name));
}
