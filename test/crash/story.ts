// Sequences of operations that between them call everything the store can do, and random ones by seed.

import type { StoreWriter } from '../../lib/types/store.ts';
import { APISERVER, checkpointOf, ETCD, recordOf, revisionId, tokenVolume } from './fixtures.ts';
import type { Random } from './power-cut.ts';

export interface Step {
  readonly name: string;
  readonly run: (store: StoreWriter) => Promise<unknown>;
}

const step = (name: string, run: Step['run']): Step => ({ name, run });

/** From the first checkpoint of two workloads to the end of both. */
export const LIFE: readonly Step[] = [
  step('putNode', (s) => s.putNode({ bootId: 'boot-1', nodeUid: 'node-1' })),
  step('addRevision 1', (s) => s.addRevision(checkpointOf(APISERVER, 1), 1)),
  step('putRecord candidate 1', (s) => s.putRecord(APISERVER, recordOf(undefined, undefined, 1))),
  step('putRecord proven 1', (s) => s.putRecord(APISERVER, recordOf(1))),
  step('addRevision 2 with a token', (s) => s.addRevision(checkpointOf(APISERVER, 2, true), 2)),
  step('putRecord proven 2', (s) => s.putRecord(APISERVER, recordOf(2, 1))),
  step('refreshVolume', (s) => s.refreshVolume(APISERVER, revisionId(2), tokenVolume(2))),
  step('refreshVolume again', (s) => s.refreshVolume(APISERVER, revisionId(2), tokenVolume(3))),
  step('putRecord before any revision', (s) => s.putRecord(ETCD, recordOf(undefined))),
  step('addRevision of etcd', (s) => s.addRevision(checkpointOf(ETCD, 5, true), 5)),
  step('putNode again', (s) => s.putNode({ bootId: 'boot-2', nodeUid: 'node-1' })),
  step('removeRevision 1', (s) => s.removeRevision(APISERVER, revisionId(1))),
  step('verify', (s) => s.verify(APISERVER, revisionId(2))),
  step('removeRevision of etcd', (s) => s.removeRevision(ETCD, revisionId(5))),
  step('removeWorkload etcd', (s) => s.removeWorkload(ETCD)),
  step('removeWorkload apiserver', (s) => s.removeWorkload(APISERVER)),
];

/** What LIFE has stored when both workloads stand: the ground for tests of what happens next. */
export const PROVEN_TWO = LIFE.slice(0, 10);

/** Each operation once, on the ground of PROVEN_TWO. */
export const NEXT: readonly Step[] = [
  step('putNode', (s) => s.putNode({ bootId: 'boot-3' })),
  step('putRecord', (s) => s.putRecord(APISERVER, recordOf(2, 1, 3))),
  step('addRevision', (s) => s.addRevision(checkpointOf(APISERVER, 3, true), 3)),
  step('refreshVolume', (s) => s.refreshVolume(APISERVER, revisionId(2), tokenVolume(9))),
  step('removeRevision', (s) => s.removeRevision(APISERVER, revisionId(1))),
  step('removeWorkload', (s) => s.removeWorkload(ETCD)),
];

export function randomStory(random: Random, length: number): Step[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  let stamp = 10;
  return Array.from({ length }, () => {
    stamp += 1;
    const now = stamp;
    const key = pick([APISERVER, ETCD]);
    const number = pick([1, 2, 3]);
    return pick([
      step(`addRevision ${key} ${number}`, (s) =>
        s.addRevision(checkpointOf(key, number, number === 2), now),
      ),
      step(`putRecord ${key} ${number}`, (s) => s.putRecord(key, recordOf(number))),
      step(`removeRevision ${key} ${number}`, (s) => s.removeRevision(key, revisionId(number))),
      step(`removeWorkload ${key}`, (s) => s.removeWorkload(key)),
      // Refused where there is no such volume; that must leave everything as it is, too.
      step(`refreshVolume ${key}`, (s) =>
        s.refreshVolume(key, revisionId(2), tokenVolume(now)).catch(() => undefined),
      ),
      step('putNode', (s) => s.putNode({ bootId: `boot-${now}` })),
    ]);
  });
}
