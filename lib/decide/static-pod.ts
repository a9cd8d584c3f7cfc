// What the static pod directory must look like for a workload's phase, against what it looks like. Level-triggered:
// whatever could not be placed or taken away is seen and asked for again.

import type { Action } from '../types/action.ts';
import type { RevisionId } from '../types/checkpoint.ts';
import type { Phase, WorkloadMemory } from '../types/memory.ts';
import type { WorkloadFacts } from './facts.ts';
import { restPhase, without } from './moves.ts';
import { FRESH } from './record.ts';
import { isUp } from './run-state.ts';

/** The revision whose manifest stands, or is to stand, in the static pod directory. */
export function placedRevision(phase: Phase): RevisionId | undefined {
  if (phase.name === 'active' || phase.name === 'retiring') return phase.revision;
  return phase.name === 'held' ? phase.active : undefined;
}

/**
 * What the static pod directory says is taken over by a process that has just started: a manifest is placed before the
 * record of it is on disk, and taken away before that is. One that nobody remembers (a lost state directory or record)
 * is taken over at any time: it may be all that keeps the API alive.
 */
export function adopted(memory: WorkloadMemory | undefined, facts: WorkloadFacts): WorkloadMemory {
  const before = memory ?? FRESH;
  if (!facts.manifest.known) return before;
  const { phase, recalled } = before;
  const known = without(before, 'recalled');
  if (facts.manifest.value === undefined) {
    // Withdrawn, and the process ended before that was written down: its parent may serve by now.
    return recalled && phase.name === 'active' ? { ...known, phase: restPhase(known) } : known;
  }
  const { revision } = facts.manifest.value;
  // An outage within its grace was met, and the process ended before that was written down.
  if (recalled && phase.name === 'retiring')
    return { ...known, phase: { ...phase, from: 'active', revision } };
  const open = phase.name === 'none' || (recalled && (phase.name === 'standby' || phase.name === 'handover'));
  if (!open) return known;
  return { ...known, phase: { name: 'active', revision, reason: 'found in the static pod directory' } };
}

export function reconcile(
  { phase, options }: WorkloadMemory,
  facts: WorkloadFacts,
  why: string | undefined,
): Action[] {
  // Rule 1: while the runtime is silent nothing is put or taken, not even again.
  if (!facts.manifest.known || !facts.checkpointRuns.known) return [];
  const there = facts.manifest.value;
  const placed = placedRevision(phase);
  if (placed === undefined) {
    const lingers = lingersInVain(phase, facts);
    if (there === undefined && !facts.torn && !lingers) return [];
    const hurried = lingers || (phase.name === 'handover' && !options.overlap);
    const stopSandboxes = hurried ? facts.checkpointSandboxes : [];
    const reason = why ?? `not active: ${phase.name}`;
    return [{ type: 'withdraw', workload: facts.key, reason, stopSandboxes }];
  }
  if (there?.revision === placed || !facts.revisions.has(placed)) return [];
  return [
    { type: 'activate', workload: facts.key, revision: placed, reason: why ?? 'its manifest was missing' },
  ];
}

/**
 * Withdrawn beside its parent, an apiserver takes its whole grace period to end. When the parent is down meanwhile, it
 * only keeps its successor from being activated (rule 2).
 */
function lingersInVain(phase: Phase, { parentRuns, checkpointRuns }: WorkloadFacts): boolean {
  const up = checkpointRuns.known && isUp(checkpointRuns.value);
  const down = parentRuns.known && (parentRuns.value === 'absent' || parentRuns.value === 'crashed');
  return phase.name === 'handover' && up && down;
}
