// A parent that the API has said to be deleted, and whose API is gone since. What always holds: only the API's own word,
// given while it served, makes a parent one of these.

import type { Action } from '../types/action.ts';
import type { WorkloadMemory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';
import type { WorkloadFacts } from './facts.ts';
import { without } from './moves.ts';
import { isUp } from './run-state.ts';
import { outage, type Situation } from './situation.ts';

/**
 * Once its API is gone nobody says again that the parent was deleted, and the API may be gone by the time that is
 * heard: an apiserver (1.20) that is deleted closes its port 10 ms later. Its last word was missed on a real node, and
 * it was waited for until its grace period of 30 s was over.
 */
export function withLeaving(
  memory: WorkloadMemory,
  { key }: WorkloadFacts,
  { parents, lastParents }: Observation,
): WorkloadMemory {
  const leaving = lastParents.find((p) => p.workload === key && p.deleting);
  if (leaving !== undefined) return { ...memory, leavingUid: leaving.uid };
  return parents.known ? without(memory, 'leavingUid') : memory;
}

/**
 * With the apiserver gone, the grace period it was given helps nobody: an etcd that was told to end was seen to take 18 s,
 * and there was no API in all that time. One that has had a moment to end by itself is killed. Not where the API is only
 * out of reach: there it may be one that others still use.
 */
export function hurryActions({ leavingUid }: WorkloadMemory, situation: Situation): Action[] {
  const { facts, settings, apiAwayMs, observation } = situation;
  const { api } = observation;
  const gone = api.name === 'away' && (api.cause === 'refused' || api.cause === 'failing');
  if (leavingUid === undefined || !gone || !outage(situation) || apiAwayMs < settings.restartPatienceMs) {
    return [];
  }
  return facts.parentPods
    .filter(({ pod, state }) => pod.uid === leavingUid && (isUp(state) || state === 'leaving'))
    .map(({ pod }) => ({ type: 'hurry-parent', workload: facts.key, sandboxId: pod.sandboxId }));
}
