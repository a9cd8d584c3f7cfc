// The moves a workload can make: each gives the memory after it and the reason in words.

import type { RevisionId } from '../types/checkpoint.ts';
import type { Phase, WorkloadMemory } from '../types/memory.ts';
import type { Observation, RuntimePod } from '../types/observation.ts';

export interface Transition {
  /** The memory after it, with the next phase. */
  readonly memory: WorkloadMemory;
  /** Why, in words, for status, log and Event. Only where something was decided. */
  readonly reason?: string;
  /** The parent's pod in the runtime whose crash back-off is to be ended. */
  readonly restart?: RuntimePod;
  /** Retired, and nothing of its checkpoint is left to run: everything of the workload may go. */
  readonly remove?: boolean;
}

export function restPhase(memory: WorkloadMemory): Phase {
  return memory.proven === undefined ? { name: 'none' } : { name: 'standby' };
}

export function rest(memory: WorkloadMemory): Transition {
  return { memory: { ...memory, phase: restPhase(memory) } };
}

export function stay(memory: WorkloadMemory, note?: string): Transition {
  return { memory: note === undefined ? memory : { ...memory, note } };
}

export function go(memory: WorkloadMemory, phase: Phase, reason: string): Transition {
  return { memory: { ...memory, phase }, reason };
}

/** Activation and withdrawal begin a new count of everything that led to them. */
function recount(memory: WorkloadMemory): WorkloadMemory {
  return { ...memory, backOffMs: 0, unservedMs: 0, stoppedMs: 0 };
}

export function activate(memory: WorkloadMemory, revision: RevisionId, reason: string): Transition {
  return go(recount(memory), { name: 'active', revision, reason }, reason);
}

/** `restartAfterMs`: how long the parent may be down before its back-off is ended; undefined when it may not be. */
export function beginHandover(
  memory: WorkloadMemory,
  parentUid: string,
  reason: string,
  restartAfterMs?: number,
): Transition {
  const phase: Phase = { name: 'handover', parentUid, waited: { elapsedMs: 0 } };
  const { restartAfterMs: _, ...known } = recount(memory);
  return go({ ...known, ...(restartAfterMs === undefined ? {} : { restartAfterMs }) }, phase, reason);
}

export function handedOver(memory: WorkloadMemory, reason: string): Transition {
  return go({ ...forgive(memory), unservedMs: 0 }, restPhase(memory), reason);
}

/** A parent that serves again owes nothing, but for content that may yet crash within its proving time, again and again. */
export function forgive(memory: WorkloadMemory): WorkloadMemory {
  if (memory.candidate !== undefined) return memory;
  const { failedParent: _, ...rested } = memory;
  return { ...rested, failedHandovers: 0 };
}

/** Remembers whose failure it was, so that unproven content does not cost the same outage twice. */
export function blame(memory: WorkloadMemory, uid: string, revision: RevisionId | undefined): WorkloadMemory {
  return {
    ...memory,
    failedHandovers: memory.failedHandovers + 1,
    failedParent: { uid, ...(revision === undefined ? {} : { revision }) },
  };
}

/** A kubelet that sees no ended container of a pod starts it without a back-off (10 s doubling to 300 s otherwise). */
export function restart({ restartAfterMs: _, ...memory }: WorkloadMemory, pod: RuntimePod): Transition {
  return {
    memory: { ...memory, stoppedMs: 0 },
    restart: pod,
    reason: 'its parent is down with its ports free: its back-off is ended, the kubelet starts it anew',
  };
}

export function waitOn(
  memory: WorkloadMemory,
  phase: Phase & { name: 'handover' | 'retiring' },
  { sinceLastPassMs }: Observation,
): Transition {
  const waited = { elapsedMs: phase.waited.elapsedMs + sinceLastPassMs };
  return { memory: { ...memory, phase: { ...phase, waited } } };
}
