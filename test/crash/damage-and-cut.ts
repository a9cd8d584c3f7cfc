// Something has rotted, the writer opens and puts it away, and the power goes in the middle of that.

import { openStore } from '../../lib/store/open-store.ts';
import { imagesDuring, judgeNow, type Tally } from './crash-run.ts';
import { APISERVER, checkpointOf, revisionId, STATE } from './fixtures.ts';
import { describe, diskOf, type Image } from './image.ts';
import { ground, type MakeDisk, told } from './interruption.ts';
import { CrashError, shownBy, stateOf } from './judge.ts';
import { errno } from './model-disk.ts';
import type { CutOptions } from './power-cut.ts';

const WORKLOAD = 'workloads/kube-system/kube-apiserver';

/** One of each kind of file; the lists of two are damaged together. */
const DAMAGED: readonly (readonly string[])[] = [
  [`${WORKLOAD}/revisions/${revisionId(2)}/digests.json`],
  [`${WORKLOAD}/revisions/${revisionId(2)}/volumes/certs/..1/tls.key`],
  [`${WORKLOAD}/record.json`],
  [`${WORKLOAD}/record.copy.json`],
  [`${WORKLOAD}/record.json`, `${WORKLOAD}/record.copy.json`],
  ['node.json'],
  ['format.json'],
  ['format.json', 'format.copy.json'],
];

/** The image with one bit of a file turned. */
export function withBitFlipped(image: Image, path: readonly string[]): Image {
  if (image.type === 'file' && path.length === 0) {
    const data = image.data.slice();
    const middle = Math.floor(data.length / 2);
    data[middle] = (data[middle] ?? 0) ^ 1;
    return { ...image, data };
  }
  const [name, ...rest] = path;
  const child = image.type === 'directory' && name !== undefined ? image.entries.get(name) : undefined;
  if (image.type !== 'directory' || child === undefined || name === undefined) throw new Error(`no ${name}`);
  return { ...image, entries: new Map([...image.entries, [name, withBitFlipped(child, rest)]]) };
}

async function openDamaged(
  makeDisk: MakeDisk,
  image: Image,
  options: CutOptions,
  tally: Tally,
): Promise<void> {
  const disk = makeDisk(image);
  const images = await imagesDuring(disk, options, tally, () => openStore(STATE, { fs: disk }));
  const store = await openStore(STATE, { fs: disk });
  const after = stateOf(store, disk);
  for (const each of images) {
    tally.states += 1;
    const shown = shownBy(await openStore(STATE, { fs: diskOf(each) }));
    if (shown !== after.shown) {
      throw new CrashError(
        `a third state after a cut while putting it away\n${describe(each)}\n${shown}\n${after.shown}`,
      );
    }
  }
  await judgeNow(disk, after, options, tally);
}

/** A revision the disk would not read is stored anew in its place. */
async function replaceUnreadable(makeDisk: MakeDisk, options: CutOptions, tally: Tally): Promise<void> {
  const disk = makeDisk(await ground());
  disk.onCall = ({ name, path }) => {
    if (name === 'readFile' && path.includes(`${revisionId(2)}/digests.json`)) throw errno('EIO', path);
  };
  const store = await openStore(STATE, { fs: disk });
  disk.onCall = () => undefined;
  await store.addRevision(checkpointOf(APISERVER, 2, true), 20);
  await judgeNow(disk, stateOf(store, disk), options, tally);
}

export async function damageAndCut(makeDisk: MakeDisk, options: CutOptions, tally: Tally): Promise<void> {
  const image = await ground();
  for (const paths of DAMAGED) {
    const damaged = paths.reduce((now, path) => withBitFlipped(now, ['state', ...path.split('/')]), image);
    await told(`damaged: ${paths.join(', ')}`, () => openDamaged(makeDisk, damaged, options, tally));
  }
  await told('an unreadable revision is replaced', () => replaceUnreadable(makeDisk, options, tally));
}
