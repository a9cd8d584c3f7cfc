// A parent that died on bound ports, and waits in a back-off of up to 300 s: the kubelet is made to start it anew. What
// always holds: only a parent of which nothing runs is restarted, and until it is seen to start it is asked for again.

import type { Action } from '../types/action.ts';
import type { WorkloadMemory } from '../types/memory.ts';
import type { RuntimePod } from '../types/observation.ts';
import type { WorkloadFacts } from './facts.ts';
import { without } from './moves.ts';

/** This parent's pod, while all of its containers have ended. */
export function downParent({ parentPods }: WorkloadFacts, uid: string): RuntimePod | undefined {
  const parent = parentPods.find(({ pod }) => pod.uid === uid);
  return parent?.state === 'crashed' ? parent.pod : undefined;
}

export function restarting(memory: WorkloadMemory, { uid, sandboxId }: RuntimePod): WorkloadMemory {
  return { ...memory, restart: { uid, state: 'under-way', sandboxId }, stoppedMs: 0 };
}

/**
 * Its containers are removed before its sandbox is ended, and what is left between the two looks like a pod that has
 * just begun. On a real node etcd was taken out of its place for one, and its parent came 5 s later.
 */
export function isBeingRestarted({ containers, sandboxId }: RuntimePod, memory?: WorkloadMemory): boolean {
  const restart = memory?.restart;
  return restart?.state === 'under-way' && restart.sandboxId === sandboxId && containers.length === 0;
}

/** Without what was asked for and has come about; from there on the kubelet's time to start it counts anew. */
export function followRestart(before: WorkloadMemory, facts: WorkloadFacts): WorkloadMemory {
  if (!facts.parentRuns.known) return before;
  const memory = isNextBegun(before, facts) ? without(before, 'endedSandbox') : before;
  const { restart } = memory;
  if (restart?.state !== 'under-way') return memory;
  const { uid, sandboxId: id } = restart;
  if (downParent(facts, uid)?.sandboxId === id) return memory;
  return { ...without(memory, 'restart'), stoppedMs: 0 };
}

/** Or the pod is gone, or it has run on for so long that nobody ended its sandbox. */
function isNextBegun({ endedSandbox, runningMs }: WorkloadMemory, { parentPods }: WorkloadFacts): boolean {
  if (endedSandbox === undefined) return false;
  const pod = parentPods.find(({ pod: { uid } }) => uid === endedSandbox.uid)?.pod;
  if (pod === undefined) return true;
  const isNext = pod.sandboxId !== endedSandbox.id;
  return pod.sandboxReady && (isNext ? pod.containers.length > 0 : runningMs >= KUBELET_LOOKS_MS);
}

/**
 * The kubelet looks at the runtime every second (kubelet.go genericPlegRelistPeriod). A container that has died since its
 * last look, and one that is missing, are the same to it: it starts another in the same sandbox, with no back-off. On a
 * real node the sandbox was ended while it did so. The start failed, its back-off began, and the API was away for 40 s.
 */
export const KUBELET_LOOKS_MS = 1_300;

/**
 * A pod whose sandbox and container came and went between two looks is looked at twice, so that the start may come a second
 * later still, when the sandbox is being ended. What then failed to start is removed as well: on a real node its back-off
 * held etcd up for 10 s, in which the handover failed, and the API was away for 32 s.
 */
function isStartSpoilt({ endedSandbox }: WorkloadMemory, pod: RuntimePod): boolean {
  if (endedSandbox?.uid !== pod.uid) return false;
  const { sandboxId, sandboxReady, containers, endedBefore } = pod;
  return sandboxId === endedSandbox.id
    ? !sandboxReady && containers.length > 0 && containers.every(({ state }) => state === 'exited')
    : containers.length === 0 && endedBefore === true;
}

/**
 * Starts anew what is to be. A sandbox counts as ended from when that is asked for: it takes tenths of a second, beside the
 * passes, and one that was seen to start in it meanwhile was left in its back-off (real node: the API was away for 40 s).
 */
export function restartParents(
  before: WorkloadMemory,
  facts: WorkloadFacts,
): { memory: WorkloadMemory; actions: Action[] } {
  const { restart, backOffMs } = before;
  const asked = restart?.state === 'under-way' ? downParent(facts, restart.uid) : undefined;
  const actions: Action[] = [];
  let memory = before;
  for (const { pod } of facts.parentPods) {
    const { uid, sandboxId, containers } = pod;
    const restartParent = { type: 'restart-parent', workload: facts.key, uid } as const;
    if (pod === asked && backOffMs >= KUBELET_LOOKS_MS) {
      actions.push({ ...restartParent, sandboxId });
      memory = { ...before, endedSandbox: { uid, id: sandboxId } };
    } else if (isStartSpoilt(before, pod) || (pod === asked && containers.length > 0)) {
      actions.push(restartParent);
    }
  }
  return { memory, actions };
}
