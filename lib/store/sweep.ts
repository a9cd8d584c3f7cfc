// Removes what a crash left: our temporary names, payloads no `..data` shows, empty directories. Only names that are
// certainly ours. With `sync`, every name found is made durable too: after kill -9 the page cache may show a rename
// whose fsync never came, and nothing may be built on that.

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

type Visit = (name: string, path: string) => Promise<void>;

class Sweep {
  readonly removed: string[] = [];
  private readonly disk: Disk;
  private readonly sync: boolean;

  constructor(disk: Disk, sync: boolean) {
    this.disk = disk;
    this.sync = sync;
  }

  /** Temporary names out, children visited, the directory itself out when it is empty then, else synced. */
  async directory(path: string, visit: Visit, keepEmpty = false): Promise<void> {
    if ((await lstatOrAbsent(this.disk, path))?.type !== 'directory') return;
    for (const name of await this.disk.readdir(path)) {
      const child = join(path, name);
      if (isOurTemporary(name)) await this.remove(child);
      else await visit(name, child);
    }
    if (!keepEmpty && (await this.removeIfEmpty(path))) return;
    if (this.sync) await this.disk.fsyncDirectory(path);
  }

  async revision(path: string): Promise<void> {
    const shown = new Map<string, number>();
    await this.directory(
      materialDir(path),
      async (volume, directory) => {
        const stamp = await this.volume(directory);
        if (stamp !== undefined) shown.set(volume, stamp);
      },
      true,
    );
    const tokens: Visit = async (name, file) => {
      const match = /^(.+)\.([0-9]+)\.json$/.exec(name);
      const stamp = shown.get(match?.[1] ?? '');
      if (stamp !== undefined && Number(match?.[2]) !== stamp) await this.remove(file);
    };
    await this.directory(tokensDir(path), tokens, true);
  }

  /** The stamp that is shown; undefined when that cannot be told, and then nothing is removed. */
  private async volume(directory: string): Promise<number | undefined> {
    const stamp = await this.shownStamp(directory);
    if (stamp === undefined) return undefined;
    const visit: Visit = async (name, path) => {
      const other = payloadStamp(name);
      if (name === DATA_LINK_UNFINISHED || (other !== undefined && other !== stamp)) await this.remove(path);
    };
    await this.directory(directory, visit, true);
    return stamp;
  }

  private async shownStamp(directory: string): Promise<number | undefined> {
    if ((await lstatOrAbsent(this.disk, directory))?.type !== 'directory') return undefined;
    const link = join(directory, DATA_LINK);
    if ((await lstatOrAbsent(this.disk, link))?.type !== 'symlink') return undefined;
    const target = await this.disk.readlink(link);
    const stamp = payloadStamp(target);
    if (stamp === undefined || (await lstatOrAbsent(this.disk, join(directory, target))) === undefined)
      return undefined;
    return stamp;
  }

  private async remove(path: string): Promise<void> {
    await removeTree(this.disk, path);
    this.removed.push(path);
  }

  private async removeIfEmpty(path: string): Promise<boolean> {
    if ((await this.disk.readdir(path)).length > 0) return false;
    try {
      await this.disk.rmdir(path);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOTEMPTY') return false;
      throw error;
    }
  }
}

const nothing: Visit = async () => undefined;

/** Returns the paths of the leftovers that were removed. */
export async function sweep(
  disk: Disk,
  root: string,
  options: { readonly sync: boolean },
): Promise<string[]> {
  const work = new Sweep(disk, options.sync);
  const workload: Visit = async (name, path) => {
    if (name !== 'revisions') return;
    await work.directory(path, async (id, directory) => {
      if (isRevision(id)) await work.revision(directory);
    });
  };
  await work.directory(workloadsDir(root), async (namespace, path) => {
    if (!isNamespace(namespace)) return;
    await work.directory(path, async (name, directory) => {
      if (isWorkloadName(name)) await work.directory(directory, workload);
    });
  });
  await work.directory(quarantineDir(root), async (_namespace, path) => {
    await work.directory(path, (_name, directory) => work.directory(directory, nothing));
  });
  await work.directory(root, nothing, true);
  return work.removed;
}
