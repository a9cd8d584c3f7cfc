// A parent that the API has said to be deleted, and whose API is gone since. What always holds: only the API's own word,
// given while it served, makes a parent one of these.

import type { Action } from '../types/action.ts';
import type { WorkloadMemory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';
import { saysNo, type WorkloadFacts } from './facts.ts';
import { without } from './moves.ts';
import { answersAt, manifestOf } from './needs.ts';
import { isUp } from './run-state.ts';
import { outage, type Situation } from './situation.ts';

/**
 * Once its API is gone nobody says again that the parent was deleted, and the API may be gone by the time that is
 * heard: an apiserver that is told to end closes its port tens of milliseconds later (genericapiserver.go,
 * RunPreShutdownHooks). Its last word was missed on a real node, and it was waited for until its grace period of 30 s was
 * over.
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
 * out of reach, and this pod does not say itself that it is not ready: there it may be one that others still use.
 */
export function hurryActions({ leavingUid }: WorkloadMemory, situation: Situation): Action[] {
  const { facts, observation, settings, apiAwayMs } = situation;
  const { api } = observation;
  if (leavingUid === undefined || api.name !== 'away' || !outage(situation)) return [];
  const silent = saysNo(leavingUid, observation);
  if (!silent && api.cause !== 'refused' && api.cause !== 'failing') return [];
  if (apiAwayMs < settings.restartPatienceMs && !(silent && keepsPort(facts, observation))) return [];
  return facts.parentPods
    .filter(({ pod, state }) => pod.uid === leavingUid && (isUp(state) || state === 'leaving'))
    .map(({ pod }) => ({ type: 'hurry-parent', workload: facts.key, sandboxId: pod.sandboxId }));
}

/**
 * The apiserver of this node, told to end when its etcd was gone: its pre-shutdown hooks write to etcd, so that it keeps
 * its port, and the requests of the kubelet, for its whole grace period, and its successor would die on that port.
 */
function keepsPort({ key }: WorkloadFacts, observation: Observation): boolean {
  const { api, apiPortHere } = observation;
  const isHeld = api.name === 'away' && api.cause !== 'refused';
  return isHeld && answersAt(manifestOf(key, observation), apiPortHere);
}
