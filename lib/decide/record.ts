// What of the memory is durable, and when it must be written down: before the actions that depend on it, and not for
// every tick of a timer.

import type { Action } from '../types/action.ts';
import type { Memory, Phase, WorkloadMemory, WorkloadRecord } from '../types/memory.ts';
import type { StoredWorkload } from '../types/store.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { without } from './moves.ts';

/** A workload nobody knows anything about. */
export const FRESH: WorkloadMemory = {
  phase: { name: 'none' },
  options: { overlap: false, allowSecretEnv: false, dropLabels: false },
  failedHandovers: 0,
  stoppedMs: 0,
  downMs: 0,
  runningMs: 0,
  servingMs: 0,
  unservedMs: 0,
  backOffMs: 0,
};

/** The memory of a process that has just started: what the disk remembers. */
export function remember(
  stored: readonly StoredWorkload[],
  node: { bootId?: string; nodeUid?: string },
): Memory {
  const workloads = new Map<WorkloadKey, WorkloadMemory>();
  for (const workload of stored) {
    const memory = recall(workload);
    if (memory !== undefined) workloads.set(workload.key, memory);
  }
  return { workloads, apiAwayMs: 0, apiServingMs: 0, ...node };
}

export function recall(stored: StoredWorkload | undefined): WorkloadMemory | undefined {
  if (stored?.record !== undefined) return { ...FRESH, ...stored.record, recalled: true };
  return stored !== undefined && stored.revisions.length > 0 ? FRESH : undefined;
}

/** Every field of a record; what a process knows beside them is not written down. */
const FIELDS: { readonly [field in keyof Required<WorkloadRecord>]: true } = {
  phase: true,
  options: true,
  proven: true,
  previous: true,
  candidate: true,
  parent: true,
  failedHandovers: true,
  failedParent: true,
  strikes: true,
  nodeUid: true,
};
const fields = Object.keys(FIELDS) as readonly (keyof WorkloadRecord)[];

/** The action that makes the disk remember this, when it does not. */
export function save(key: WorkloadKey, memory: WorkloadMemory, stored: StoredWorkload | undefined): Action[] {
  // A candidate is named only when it is on disk: storing it may have failed, and verify would miss it.
  const isStored = stored?.revisions.some(({ revision }) => revision === memory.candidate) === true;
  const wanted = isStored ? memory : without(memory, 'candidate');
  if (stored?.record !== undefined && isSaid(stored.record, wanted)) return [];
  return [{ type: 'save-record', workload: key, record: recordOf(wanted) }];
}

function recordOf(memory: WorkloadRecord): WorkloadRecord {
  const entries = fields.map((field) => [field, memory[field]]).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as WorkloadRecord;
}

/** Running timers are written down every few seconds: so much is repeated after a crash, never skipped (rule 7). */
const TIMER_GRAIN_MS = 5_000;

/** Whether the disk says what is to be said, but for a few seconds of a running timer. */
function isSaid(said: WorkloadRecord, wanted: WorkloadRecord): boolean {
  return fields.every((field) =>
    field === 'phase'
      ? isSame(grained(said.phase), grained(wanted.phase))
      : isSame(said[field], wanted[field]),
  );
}

function grained(phase: Phase): unknown {
  if (phase.name !== 'retiring' && phase.name !== 'handover') return phase;
  return { ...phase, alone: undefined, waited: Math.floor(phase.waited.elapsedMs / TIMER_GRAIN_MS) };
}

/** Of plain JSON; a field that is undefined counts as absent, as on the disk. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  for (const key in left) if (!isSame(left[key], right[key])) return false;
  for (const key in right) if (left[key] === undefined && right[key] !== undefined) return false;
  return true;
}
