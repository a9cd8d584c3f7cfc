// An older layout is brought to the present one, and the power goes in the middle of that. No older layout has been
// released, so this one is made up: its revisions stood beside the record, not in a directory of their own.

import { join } from 'node:path';
import { directoryExists, ensureDirectory } from '../../lib/store/directories.ts';
import type { Migration } from '../../lib/store/format.ts';
import { isRevision, revisionsDir } from '../../lib/store/layout.ts';
import { openStore } from '../../lib/store/open-store.ts';
import { type CrashOptions, imagesDuring, judgeNow, type Tally } from './crash-run.ts';
import { APISERVER, ETCD, STATE } from './fixtures.ts';
import { describe, diskOf, type Image } from './image.ts';
import { ground, type MakeDisk, told } from './interruption.ts';
import { CrashError, shownBy, stateOf } from './judge.ts';

/** Each step bears being done twice: what was moved stays moved, and is synced again. */
export const intoOwnDirectory: Migration = async (disk, root) => {
  for (const key of [APISERVER, ETCD]) {
    const revisions = revisionsDir(root, key);
    const workload = join(revisions, '..');
    if (!(await directoryExists(disk, root, workload))) continue;
    await ensureDirectory(disk, root, revisions);
    for (const name of (await disk.readdir(workload)).filter(isRevision)) {
      await disk.rename(join(workload, name), join(revisions, name));
    }
    await disk.fsyncDirectory(revisions);
    await disk.fsyncDirectory(workload);
  }
};

/** The image with the content of every directory `revisions` in its place. */
export function inOlderLayout(image: Image): Image {
  if (image.type !== 'directory') return image;
  const entries = [...image.entries].flatMap(([name, child]): [string, Image][] => {
    if (name === 'revisions' && child.type === 'directory') return [...child.entries];
    return [[name, inOlderLayout(child)]];
  });
  return { ...image, entries: new Map(entries) };
}

/** Wherever it is cut, the next opening carries it to its end, and nothing is lost. */
export async function migrateAndCut(makeDisk: MakeDisk, options: CrashOptions, tally: Tally): Promise<void> {
  const migrations = [intoOwnDirectory];
  const open = (disk: ReturnType<MakeDisk>) => openStore(STATE, { fs: disk, migrations });
  const image = await ground();
  const expected = shownBy(await openStore(STATE, { fs: diskOf(image) }));
  const disk = makeDisk(inOlderLayout(image));
  const images = await imagesDuring(disk, options, tally, () => open(disk));
  const after = stateOf(await open(disk), disk);
  for (const each of [inOlderLayout(image), ...images]) {
    tally.states += 1;
    const shown = shownBy(await open(diskOf(each)));
    if (shown !== expected)
      throw new CrashError(`the migration loses something\n${describe(each)}\n${shown}`);
  }
  await told('a migration that has ended', () => judgeNow(disk, after, options, tally));
}
