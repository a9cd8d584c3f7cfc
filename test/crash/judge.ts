// Opens a disk after a cut and says what is wrong with it. Allowed are the states given, nothing else: as a reader sees
// them, as the writer sees them after its recovery, and byte for byte on the disk after that.

import { openStore } from '../../lib/store/open-store.ts';
import { readStore } from '../../lib/store/read-store.ts';
import type { StoreReader } from '../../lib/types/store.ts';
import { STATE } from './fixtures.ts';
import { describe, diskOf, fingerprint, type Image, imageOf } from './image.ts';
import type { ModelDisk } from './model-disk.ts';

export interface State {
  /** What the store shows, as text. */
  readonly shown: string;
  /** What is on the disk. */
  readonly disk: Image;
}

export function shownBy(store: StoreReader): string {
  return JSON.stringify([store.workloads(), store.node()]);
}

export function stateOf(store: StoreReader, disk: ModelDisk): State {
  return { shown: shownBy(store), disk: imageOf(disk.root) };
}

export class CrashError extends Error {
  override readonly name = 'CrashError';
}

function demand(
  condition: boolean,
  problem: string,
  image: Image,
  allowed: readonly State[],
  got: () => string,
): void {
  if (condition) return;
  const story = [`disk after the cut:\n${describe(image)}`, `got:\n${got()}`];
  for (const [index, state] of allowed.entries())
    story.push(`allowed ${index}:\n${state.shown}\n${describe(state.disk)}`);
  throw new CrashError(`${problem}\n${story.join('\n')}`);
}

/** Before anything was recovered, for one who holds no lock. */
export async function judgeReader(image: Image, allowed: readonly State[]): Promise<void> {
  const reader = await readStore(STATE, { fs: diskOf(image), patienceMs: 0 });
  const read = shownBy(reader);
  const known = allowed.some((state) => state.shown === read);
  demand(known, 'a reader sees a third state', image, allowed, () => read);
  // Only a second copy may be behind: a cut alone damages nothing.
  const wrong = reader.findings().filter((finding) => !finding.path.endsWith('.copy.json'));
  demand(wrong.length === 0, 'a cut alone looks like damage', image, allowed, () => JSON.stringify(wrong));
}

/** After a cut in the middle of an operation: before or after. */
export async function judgeCut(image: Image, allowed: readonly State[]): Promise<void> {
  const disk = diskOf(image);
  const store = await openStore(STATE, { fs: disk });
  const shown = shownBy(store);
  const matching = allowed.filter((state) => state.shown === shown);
  demand(matching.length > 0, 'the store opens to a third state', image, allowed, () => shown);
  const left = imageOf(disk.root);
  demand(
    matching.some((state) => fingerprint(state.disk) === fingerprint(left)),
    'recovery left something over or took something away',
    image,
    allowed,
    () => describe(left),
  );
}

/** After a cut when the operation had resolved: exactly that, without any recovery. */
export async function judgeAcknowledged(image: Image, after: State): Promise<void> {
  const there = fingerprint(image) === fingerprint(after.disk);
  demand(there, 'an acknowledged operation is not on the disk', image, [after], () => '');
}
