// Removes what a crash left: our temporary names, payloads no `..data` shows, empty directories. Only names that are
// certainly ours. The names that stay can be made durable: after kill -9 the page cache may show a rename whose fsync
// never came, and nothing may be built on that.

import { join } from 'node:path';
import { removeTree } from './directories.ts';
import { type Disk, errnoOf, lstatOrAbsent } from './disk.ts';
import {
  DATA_LINK,
  DATA_LINK_UNFINISHED,
  isNamespace,
  isRevision,
  isWorkloadName,
  materialDir,
  payloadStamp,
  quarantineDir,
  tokensDir,
  workloadsDir,
} from './layout.ts';
import { isOurTemporary } from './temporary-name.ts';

/** Whether what it was shown is gone now. */
type Visit = (name: string, path: string) => Promise<boolean>;

export interface Swept {
  /** Leftovers that were removed. */
  readonly removed: readonly string[];
  /** Directories that stay, each after those in it. */
  readonly directories: readonly string[];
}

class Sweep implements Swept {
  readonly removed: string[] = [];
  readonly directories: string[] = [];
  private readonly disk: Disk;

  constructor(disk: Disk) {
    this.disk = disk;
  }

  /** Temporary names out, children visited, the directory itself out when it is empty then. */
  async directory(path: string, visit: Visit, keepEmpty = false): Promise<boolean> {
    if ((await lstatOrAbsent(this.disk, path))?.type !== 'directory') return false;
    let left = 0;
    for (const name of await this.disk.readdir(path)) {
      const child = join(path, name);
      const gone = isOurTemporary(name) ? await this.remove(child) : await visit(name, child);
      if (!gone) left += 1;
    }
    if (left === 0 && !keepEmpty && (await this.removeIfEmpty(path))) return true;
    this.directories.push(path);
    return false;
  }

  async revision(path: string): Promise<void> {
    const shown = new Map<string, number>();
    const volumes: Visit = async (volume, directory) => {
      const stamp = await this.volume(directory);
      if (stamp !== undefined) shown.set(volume, stamp);
      return false;
    };
    await this.directory(materialDir(path), volumes, true);
    const tokens: Visit = async (name, file) => {
      const match = /^(.+)\.([0-9]+)\.json$/.exec(name);
      const stamp = shown.get(match?.[1] ?? '');
      return stamp !== undefined && Number(match?.[2]) !== stamp && (await this.remove(file));
    };
    await this.directory(tokensDir(path), tokens, true);
  }

  /** The stamp that is shown; undefined when that cannot be told, and then nothing is removed. */
  private async volume(directory: string): Promise<number | undefined> {
    if ((await lstatOrAbsent(this.disk, directory))?.type !== 'directory') return undefined;
    const names = await this.disk.readdir(directory);
    const stamp = await this.shownStamp(directory, names);
    if (stamp === undefined) return undefined;
    for (const name of names) {
      const other = payloadStamp(name);
      const isLeft = name === DATA_LINK_UNFINISHED || (other !== undefined && other !== stamp);
      if (isLeft || isOurTemporary(name)) await this.remove(join(directory, name));
    }
    this.directories.push(directory);
    return stamp;
  }

  private async shownStamp(directory: string, names: readonly string[]): Promise<number | undefined> {
    if (!names.includes(DATA_LINK)) return undefined;
    const link = join(directory, DATA_LINK);
    if ((await lstatOrAbsent(this.disk, link))?.type !== 'symlink') return undefined;
    const target = await this.disk.readlink(link);
    return names.includes(target) ? payloadStamp(target) : undefined;
  }

  private async remove(path: string): Promise<true> {
    await removeTree(this.disk, path);
    this.removed.push(path);
    return true;
  }

  private async removeIfEmpty(path: string): Promise<boolean> {
    try {
      await this.disk.rmdir(path);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOTEMPTY') return false;
      throw error;
    }
  }
}

const nothing: Visit = async () => false;

export async function sweep(disk: Disk, root: string): Promise<Swept> {
  const work = new Sweep(disk);
  const workload: Visit = async (name, path) => {
    if (name !== 'revisions') return false;
    return await work.directory(path, async (id, directory) => {
      if (isRevision(id)) await work.revision(directory);
      return false;
    });
  };
  await work.directory(workloadsDir(root), async (namespace, path) => {
    if (!isNamespace(namespace)) return false;
    return await work.directory(path, async (name, directory) => {
      return isWorkloadName(name) && (await work.directory(directory, workload));
    });
  });
  await work.directory(quarantineDir(root), (_namespace, path) =>
    work.directory(path, (_name, directory) => work.directory(directory, nothing)),
  );
  await work.directory(root, nothing, true);
  return work;
}

/** Makes every name durable that a sweep found: those in its directories. One that went meanwhile has none. */
export async function syncNames(disk: Disk, { directories }: Swept): Promise<void> {
  for (const path of directories) {
    try {
      await disk.fsyncDirectory(path);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}
