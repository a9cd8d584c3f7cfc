// Plays a story on a model disk with a power cut before every system call that writes, and after every operation.

import { openStore } from '../../lib/store/open-store.ts';
import type { StoreWriter } from '../../lib/types/store.ts';
import { STATE } from './fixtures.ts';
import { diskOf, type Image } from './image.ts';
import { CrashError, judgeAcknowledged, judgeCut, judgeReader, type State, stateOf } from './judge.ts';
import { ModelDisk } from './model-disk.ts';
import { type CutOptions, cut } from './power-cut.ts';
import type { Step } from './story.ts';

export interface Tally {
  /** Different disks that were opened. */
  states: number;
  /** Places at which the power was cut. */
  cuts: number;
}

export interface CrashOptions extends CutOptions {
  /** Of the disks after a cut, so many are also recovered with a second cut in the middle of that: one in `everyNth`. */
  readonly secondCutEveryNth: number;
}

/** The reader surveys with the writer's code, so that a part of the disks is enough. */
const READER_EVERY_NTH = 4;

/** The images of all cuts in the course of `work`. */
export async function imagesDuring(
  disk: ModelDisk,
  options: CutOptions,
  tally: Tally,
  work: () => Promise<unknown>,
): Promise<Image[]> {
  const images: Image[] = [];
  const known = new Set<number>();
  const cutNow = (): void => {
    tally.cuts += 1;
    images.push(...cut(disk, options, known));
  };
  disk.onCall = (call) => {
    if (call.writes) cutNow();
  };
  try {
    await work();
  } finally {
    disk.onCall = () => undefined;
  }
  return images;
}

async function judgeAll(
  images: readonly Image[],
  allowed: readonly State[],
  options: CrashOptions,
  tally: Tally,
): Promise<void> {
  for (const [index, image] of images.entries()) {
    tally.states += 1;
    await judgeCut(image, allowed);
    if (index % READER_EVERY_NTH === 0) await judgeReader(image, allowed);
    if (index % options.secondCutEveryNth !== 0) continue;
    const disk = diskOf(image);
    const again = await imagesDuring(disk, { ...options, exhaustiveMax: 64, samples: 8 }, tally, () =>
      openStore(STATE, { fs: disk }),
    );
    for (const second of again) {
      tally.states += 1;
      await judgeCut(second, allowed);
    }
  }
}

/** All disks after a cut once `after` was acknowledged. */
export async function judgeNow(
  disk: ModelDisk,
  after: State,
  options: CutOptions,
  tally: Tally,
): Promise<void> {
  tally.cuts += 1;
  for (const image of cut(disk, options, new Set())) {
    tally.states += 1;
    await judgeAcknowledged(image, after);
  }
}

async function judgeStep(
  disk: ModelDisk,
  before: State | undefined,
  options: CrashOptions,
  tally: Tally,
  work: () => Promise<StoreWriter>,
): Promise<State> {
  let store: StoreWriter | undefined;
  const images = await imagesDuring(disk, options, tally, async () => {
    store = await work();
  });
  if (store === undefined) throw new Error('the step has not opened a store');
  const after = stateOf(store, disk);
  await judgeAll(images, before === undefined ? [after] : [before, after], options, tally);
  await judgeNow(disk, after, options, tally);
  return after;
}

/** Throws a CrashError that names the step when any disk after any cut shows a state that is neither before nor after. */
export async function playWithCuts(
  story: readonly Step[],
  options: CrashOptions,
  tally: Tally,
  disk = new ModelDisk(),
): Promise<void> {
  let name = 'open on an empty disk';
  try {
    let opened: StoreWriter | undefined;
    let state = await judgeStep(disk, undefined, options, tally, async () => {
      opened = await openStore(STATE, { fs: disk });
      return opened;
    });
    for (const step of story) {
      name = step.name;
      state = await judgeStep(disk, state, options, tally, async () => {
        if (opened === undefined) throw new Error('no store');
        await step.run(opened);
        return opened;
      });
    }
  } catch (error) {
    throw error instanceof CrashError ? new CrashError(`${name}: ${error.message}`) : error;
  }
}
