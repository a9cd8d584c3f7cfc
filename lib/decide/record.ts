// What of the memory is durable, and when it must be written down: before the actions that depend on it, and not for
// every tick of a timer.

import type { Action } from '../types/action.ts';
import type { Memory, WorkloadMemory, WorkloadRecord } from '../types/memory.ts';
import type { StoredWorkload } from '../types/store.ts';
import type { WorkloadKey } from '../types/workload.ts';

/** A workload nobody knows anything about. */
export const FRESH: WorkloadMemory = {
  phase: { name: 'none' },
  options: { overlap: false, allowSecretEnv: false, dropLabels: false },
  failedHandovers: 0,
  stoppedMs: 0,
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
  return { workloads, apiAwayMs: 0, ...node };
}

export function recall(stored: StoredWorkload | undefined): WorkloadMemory | undefined {
  if (stored?.record !== undefined) return { ...FRESH, ...stored.record, recalled: true };
  return stored !== undefined && stored.revisions.length > 0 ? FRESH : undefined;
}

/** The action that makes the disk remember this, when it does not. */
export function save(key: WorkloadKey, memory: WorkloadMemory, stored: StoredWorkload | undefined): Action[] {
  const record = recordOf(memory);
  if (stored?.record !== undefined && comparable(stored.record) === comparable(record)) return [];
  return [{ type: 'save-record', workload: key, record }];
}

function recordOf(memory: WorkloadMemory): WorkloadRecord {
  const {
    stoppedMs,
    runningMs,
    servingMs,
    unservedMs,
    backOffMs,
    recalled,
    leavingUid,
    restart,
    note,
    noteMs,
    ...record
  } = memory;
  return record;
}

/** Running timers are written down every few seconds: so much is repeated after a crash, never skipped (rule 7). */
const TIMER_GRAIN_MS = 5_000;

function comparable(record: WorkloadRecord): string {
  const { phase } = record;
  if (phase.name !== 'retiring' && phase.name !== 'handover') return JSON.stringify(sorted(record));
  const grains = Math.floor(phase.waited.elapsedMs / TIMER_GRAIN_MS);
  return JSON.stringify(sorted({ ...record, phase: { ...phase, waited: grains } }));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sorted(v)]),
  );
}
