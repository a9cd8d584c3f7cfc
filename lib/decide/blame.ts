// Whose fault it is that a handover failed or the API is away. Content that is blamed gets no ports until somebody changes
// it. One that is good and had bad luck must not be: on a real node an apiserver was refused them for good that had failed
// beside an etcd that was late.

import type { RevisionId } from '../types/checkpoint.ts';
import type { Memory, Phase, WorkloadMemory } from '../types/memory.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { countFailure } from './moves.ts';
import { revisionOf, type Situation } from './situation.ts';

/** Remembers whose failure it was, so that unproven content does not cost the same outage twice. */
export function blame(memory: WorkloadMemory, uid: string, revision: RevisionId | undefined): WorkloadMemory {
  return {
    ...countFailure(memory),
    failedParent: { uid, ...(revision === undefined ? {} : { revision }) },
    strikes: { uid, count: strikesOf(memory, uid) + 1 },
  };
}

/** Failures of another pod are not held against this one: on a real node they stopped the update after it for good. */
export function strikesOf({ strikes }: WorkloadMemory, uid: string): number {
  return strikes?.uid === uid ? strikes.count : 0;
}

/** An apiserver that is withdrawn is gone within seconds; what has been withdrawn for longer is not why the API left. */
const WITHDRAWN_BEFORE_MS_MAX = 10_000;

function withdrawnJustBefore({ phase }: WorkloadMemory, apiAwayMs: number): boolean {
  return phase.name === 'handover' && phase.waited.elapsedMs - apiAwayMs <= WITHDRAWN_BEFORE_MS_MAX;
}

/**
 * Workloads that the API may be away for: each that, at any time since it went, was in a handover that began just before,
 * was taken back from one, or had been down for longer. A controller dies for want of the API, and so later. A process
 * that has started since does not know who it was.
 */
export function suspects(memory: Memory, apiAwayMs: number): ReadonlySet<WorkloadKey> {
  if (apiAwayMs === 0 || memory.apiSeen === undefined) return NOBODY;
  const before = memory.suspects ?? NOBODY;
  const others = [...memory.workloads].filter(
    ([key, w]) =>
      !before.has(key) &&
      (withdrawnJustBefore(w, apiAwayMs) ||
        w.downMs >= apiAwayMs ||
        (w.phase.name === 'active' && w.failedParent !== undefined && w.stoppedMs < apiAwayMs)),
  );
  return others.length === 0 ? before : new Set([...before, ...others.map(([key]) => key)]);
}

const NOBODY: ReadonlySet<WorkloadKey> = new Set();

/**
 * The revision that cost the API, where no other can have: a controller-manager that dies because the apiserver is
 * handed over beside it must not be refused its ports for ever.
 */
export function culprit(
  memory: WorkloadMemory,
  { parentUid }: Phase & { name: 'handover' },
  situation: Situation,
): RevisionId | undefined {
  const alone = situation.suspects.size === 1 && withdrawnJustBefore(memory, situation.apiAwayMs);
  // What is known is the content of the parent that the API named last.
  if (!alone || memory.parent?.uid !== parentUid) return undefined;
  return revisionOf(situation) ?? memory.candidate;
}
