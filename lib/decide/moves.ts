// The moves a workload can make: each gives the memory after it and the reason in words.

import type { RevisionId } from '../types/checkpoint.ts';
import type { Phase, WorkloadMemory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';

export interface Transition {
  /** The memory after it, with the next phase. */
  readonly memory: WorkloadMemory;
  /** Why, in words, for status, log and Event. Only where something was decided. */
  readonly reason?: string;
  /** Retired, and nothing of its checkpoint is left to run: everything of the workload may go. */
  readonly remove?: boolean;
}

export function restPhase(memory: WorkloadMemory): Phase {
  return memory.proven === undefined ? { name: 'none' } : { name: 'standby' };
}

export function rest(memory: WorkloadMemory): Transition {
  const phase = restPhase(memory);
  return { memory: memory.phase.name === phase.name ? memory : { ...memory, phase } };
}

export function stay(memory: WorkloadMemory, note?: string): Transition {
  return { memory: note === undefined ? memory : { ...memory, note } };
}

export function go(memory: WorkloadMemory, phase: Phase, reason: string): Transition {
  return { memory: { ...memory, phase }, reason };
}

type Optional = {
  [K in keyof WorkloadMemory]-?: undefined extends WorkloadMemory[K] ? K : never;
}[keyof WorkloadMemory];

/**
 * The memory with these fields: the same object when it has them already. V8 (11.3) copies an object of many shapes in
 * half a microsecond, and takes nearly as long again for each field that a literal sets beside the copy.
 */
export function having(memory: WorkloadMemory, fields: Partial<WorkloadMemory>): WorkloadMemory {
  for (const name in fields) {
    const field = name as keyof WorkloadMemory;
    if (memory[field] !== fields[field]) return { ...memory, ...fields };
  }
  return memory;
}

/** The memory without this field: the same object when it has none, as at nearly every pass. */
export function without(memory: WorkloadMemory, field: Optional): WorkloadMemory {
  if (memory[field] === undefined) return memory;
  const { [field]: _, ...rest } = memory;
  return rest as WorkloadMemory;
}

/** Activation and withdrawal begin a new count of everything that led to them. */
function recount(memory: WorkloadMemory): WorkloadMemory {
  return { ...without(memory, 'restart'), backOffMs: 0, unservedMs: 0, stoppedMs: 0 };
}

export function activate(memory: WorkloadMemory, revision: RevisionId, reason: string): Transition {
  return go(recount(memory), { name: 'active', revision, reason }, reason);
}

/** `restart`: whether its back-off may be ended should it lose the race for its ports. */
export function beginHandover(
  memory: WorkloadMemory,
  parentUid: string,
  reason: string,
  { restart }: { readonly restart: boolean },
): Transition {
  const phase: Phase = { name: 'handover', parentUid, waited: { elapsedMs: 0 } };
  const allowed = restart ? { restart: { uid: parentUid, state: 'allowed' as const } } : {};
  return go({ ...recount(memory), ...allowed }, phase, reason);
}

export function handedOver(memory: WorkloadMemory, reason: string): Transition {
  return go({ ...forgive(memory), unservedMs: 0 }, restPhase(memory), reason);
}

/** A parent that serves again owes nothing, but for content that may yet crash within its proving time, again and again. */
export function forgive(memory: WorkloadMemory): WorkloadMemory {
  if (memory.candidate !== undefined) return memory;
  return { ...without(without(memory, 'failedParent'), 'strikes'), failedHandovers: 0 };
}

/** The next handover is given longer. */
export function countFailure(memory: WorkloadMemory): WorkloadMemory {
  return { ...memory, failedHandovers: memory.failedHandovers + 1 };
}

export function waitOn(
  memory: WorkloadMemory,
  phase: Phase & { name: 'handover' | 'retiring' },
  { sinceLastPassMs }: Observation,
): Transition {
  const waited = { elapsedMs: phase.waited.elapsedMs + sinceLastPassMs };
  return { memory: { ...memory, phase: { ...phase, waited } } };
}
