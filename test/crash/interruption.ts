// The process ends, or one system call fails, and the power goes only later: what the page cache showed meanwhile must
// not have been taken for what is on the disk.

import { openStore } from '../../lib/store/open-store.ts';
import type { NodeRecord, StoreWriter } from '../../lib/types/store.ts';
import { judgeNow, type Tally } from './crash-run.ts';
import { STATE } from './fixtures.ts';
import { diskOf, type Image, imageOf } from './image.ts';
import { CrashError, shownBy, stateOf } from './judge.ts';
import { errno, ModelDisk, type SystemCall } from './model-disk.ts';
import type { CutOptions } from './power-cut.ts';
import { NEXT, PROVEN_TWO, type Step } from './story.ts';

export type MakeDisk = (image: Image) => ModelDisk;

/** Two workloads with proven revisions, everything on the disk. */
export async function ground(): Promise<Image> {
  const disk = new ModelDisk();
  const store = await openStore(STATE, { fs: disk });
  for (const step of PROVEN_TWO) await step.run(store);
  return imageOf(disk.root);
}

const LATER: NodeRecord = { bootId: 'later' };

async function countCalls(image: Image, step: Step, counted: (call: SystemCall) => boolean): Promise<number> {
  const disk = diskOf(image);
  const store = await openStore(STATE, { fs: disk });
  let calls = 0;
  disk.onCall = (call) => {
    if (counted(call)) calls += 1;
  };
  await step.run(store);
  return calls;
}

/** From the `nth` counted call on (or only there) every call fails. */
function failFrom(
  disk: ModelDisk,
  nth: number,
  counted: (call: SystemCall) => boolean,
  onlyOnce: boolean,
): void {
  let calls = 0;
  disk.onCall = (call) => {
    if (counted(call)) calls += 1;
    if (calls < nth) return;
    if (onlyOnce) disk.onCall = () => undefined;
    throw errno('EIO', call.path);
  };
}

async function shownAfter(image: Image, step?: Step): Promise<string> {
  const store = await openStore(STATE, { fs: diskOf(image) });
  await step?.run(store);
  return shownBy(store);
}

function demand(condition: boolean, story: string): void {
  if (!condition) throw new CrashError(story);
}

/** kill -9 before each call that writes; the next process goes on on what the page cache shows; then the power goes. */
export async function killAndGoOn(makeDisk: MakeDisk, options: CutOptions, tally: Tally): Promise<void> {
  const image = await ground();
  const writes = (call: SystemCall): boolean => call.writes;
  for (const step of NEXT) {
    const allowed = [await shownAfter(image), await shownAfter(image, step)];
    const calls = await countCalls(image, step, writes);
    for (let nth = 1; nth <= calls; nth += 1) {
      const story = `${step.name}, killed before write ${nth}`;
      const disk = makeDisk(image);
      const killed = await openStore(STATE, { fs: disk });
      failFrom(disk, nth, writes, false);
      await step.run(killed).catch(() => undefined);
      disk.onCall = () => undefined;
      const next = await openStore(STATE, { fs: disk });
      demand(
        allowed.includes(shownBy(next)),
        `${story}: the next process sees a third state\n${shownBy(next)}`,
      );
      await next.putNode(LATER);
      await told(story, () => judgeNow(disk, stateOf(next, disk), options, tally));
    }
  }
}

/** EIO in place of each call, reads as well; nothing else is lost; the same operation is tried again; the power goes. */
export async function failAndTryAgain(makeDisk: MakeDisk, options: CutOptions, tally: Tally): Promise<void> {
  const image = await ground();
  const every = (): boolean => true;
  for (const step of NEXT) {
    const [before, after] = [await shownAfter(image), await shownAfter(image, step)];
    const calls = await countCalls(image, step, every);
    for (let nth = 1; nth <= calls; nth += 1) {
      const story = `${step.name}, EIO at call ${nth}`;
      const disk = makeDisk(image);
      const store = await openStore(STATE, { fs: disk });
      failFrom(disk, nth, every, true);
      await step
        .run(store)
        .catch((error: Error) => demand(error.name === 'StoreError', `${story}: ${error.stack}`));
      disk.onCall = () => undefined;
      const found = await shownAfter(imageOf(disk.root));
      demand(found === before || found === after, `${story}: a third state\n${found}`);
      await retry(step, store, story);
      demand(shownBy(store) === after, `${story}: the next try does not bring it about\n${shownBy(store)}`);
      await told(story, () => judgeNow(disk, stateOf(store, disk), options, tally));
    }
  }
}

async function retry(step: Step, store: StoreWriter, story: string): Promise<void> {
  try {
    await step.run(store);
  } catch (error) {
    throw new CrashError(`${story}: the next try fails, too: ${String(error)}`);
  }
}

export async function told(story: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof CrashError ? new CrashError(`${story}: ${error.message}`) : error;
  }
}
