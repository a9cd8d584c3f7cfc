// Which revision is candidate, which is proven, which are kept. What always holds: a proven revision is replaced only
// by one whose parent has served for the proving time (rule 3), and never by one that is not intact on disk.

import type { Action } from '../types/action.ts';
import type { RevisionId } from '../types/checkpoint.ts';
import type { ParentIdentity, WorkloadMemory } from '../types/memory.ts';
import type { Observation, Parent } from '../types/observation.ts';
import type { Settings } from '../types/settings.ts';
import { conflicts, type WorkloadFacts } from './facts.ts';
import { withLeaving } from './leaving.ts';
import { having, without } from './moves.ts';
import { isSame } from './record.ts';
import { placedRevision } from './static-pod.ts';

/** The revision to activate: the newest proven one that is intact, else its predecessor, else the only copy there is. */
export function bestRevision(memory: WorkloadMemory, facts: WorkloadFacts): RevisionId | undefined {
  const order = [memory.proven?.revision, memory.previous, memory.candidate, ...facts.revisions];
  return order.find((revision) => revision !== undefined && facts.revisions.has(revision));
}

/** Follows the parent: stores what it is now as candidate, counts how long it has served, and proves it. */
export function followParent(
  memory: WorkloadMemory,
  facts: WorkloadFacts,
  observation: Observation,
  settings: Settings,
): { memory: WorkloadMemory; actions: Action[] } {
  const parent = facts.parent.known ? facts.parent.value : undefined;
  const followed = withLeaving(memory, facts, observation);
  if (parent === undefined) return { memory: having(followed, { servingMs: 0 }), actions: [] };
  const actions: Action[] = [];
  const compiled = observation.compiled.get(facts.key);
  let next = having(followed, {
    options: parent.options,
    parent: identityOf(parent, memory),
    ...(memory.parent?.uid === parent.uid ? {} : { servingMs: 0, backOffMs: 0 }),
  });
  if (compiled === undefined) return { memory: having(next, { servingMs: 0 }), actions };
  if (!compiled.known) return { memory: having(next, { note: compiled.reason, servingMs: 0 }), actions };
  if (!compiled.value.ok) {
    const note = compiled.value.refusals.map((r) => `${r.field}: ${r.why}`).join('; ');
    return { memory: having(next, { note: `cannot be carried: ${note}`, servingMs: 0 }), actions };
  }
  const { checkpoint } = compiled.value;
  const revision = checkpoint.revision;
  if (!facts.revisions.has(revision)) {
    actions.push({ type: 'store-revision', workload: facts.key, checkpoint });
  }
  if (revision === next.proven?.revision) {
    return { memory: having(without(next, 'candidate'), { servingMs: 0 }), actions };
  }
  if (revision !== next.candidate) next = { ...next, candidate: revision, servingMs: 0 };
  // Beside an active checkpoint on the same ports, a probe's answer would be the checkpoint's.
  const alone = next.phase.name !== 'active' || !conflicts(parent);
  const serving = alone && facts.parentServes.known && facts.parentServes.value;
  next = having(next, { servingMs: serving ? next.servingMs + observation.sinceLastPassMs : 0 });
  if (next.servingMs >= settings.provingMs && facts.revisions.has(revision)) {
    next = {
      ...without(next, 'candidate'),
      proven: { revision, atMs: observation.wallClockMs },
      ...(next.proven ? { previous: next.proven.revision } : {}),
    };
  }
  return { memory: next, actions };
}

/** What a record that was lost may have called proven, its predecessor and its candidate. */
const OLDEST_KEPT = 3;

/**
 * The revisions nobody needs any more: all but the proven one, the one before it, the candidate and the active one.
 * Without an intact proven one, the oldest stay as well, and what was stored since and never proven goes.
 */
export function retention(memory: WorkloadMemory, facts: WorkloadFacts): Action[] {
  if (!facts.manifest.known) return [];
  const proven = memory.proven?.revision;
  const kept = new Set([
    proven,
    memory.previous,
    memory.candidate,
    placedRevision(memory.phase),
    facts.manifest.value?.revision,
  ]);
  // A checkpoint whose containers still run mounts its revision's files.
  if (!facts.checkpointRuns.known) return [];
  if (facts.checkpointRuns.value !== 'absent' && memory.phase.name !== 'active') return [];
  const others = [...facts.revisions].filter((revision) => !kept.has(revision));
  const isProvenIntact = proven !== undefined && facts.revisions.has(proven);
  return (isProvenIntact ? others : others.slice(0, -OLDEST_KEPT)).map((revision) => ({
    type: 'remove-revision',
    workload: facts.key,
    revision,
  }));
}

/** The very one that is remembered, while it is the same. */
function identityOf(parent: Parent, memory: WorkloadMemory): ParentIdentity {
  const identity = {
    namespace: parent.namespace,
    name: parent.name,
    uid: parent.uid,
    ...(parent.controller ? { controller: parent.controller } : {}),
  };
  return memory.parent !== undefined && isSame(memory.parent, identity) ? memory.parent : identity;
}
