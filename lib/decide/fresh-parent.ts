// A parent that the kubelet has only just begun to start, seen in the runtime alone. An apiserver that came up a moment
// ago needs a second or more to list pods, while a parent's container binds its ports 0.3 s after its sandbox: seen on a
// real node, the API's word came half a second too late and etcd's parent died on the bound port.

import type { WorkloadMemory } from '../types/memory.ts';
import type { Observation, Parent, RuntimePod } from '../types/observation.ts';
import { hasImages } from './facts.ts';
import { willHaveContainer } from './kubelet-starts.ts';
import { manifestOf } from './needs.ts';
import type { Situation } from './situation.ts';

/** The UID of such a parent. Undefined while it may still wait for an image, or for a workload that needs no ports. */
export function freshParentUid(memory: WorkloadMemory, situation: Situation): string | undefined {
  const { facts, observation } = situation;
  if (!observation.runtime.known || memory.options.standbyLock !== undefined || memory.options.overlap)
    return undefined;
  const { images } = observation.runtime.value;
  const manifest = manifestOf(facts.key, observation);
  if (manifest?.spec?.hostNetwork !== true || !hasImages(images, manifest)) return undefined;
  const dying = dyingUids(observation);
  return facts.parentPods.find(
    ({ pod, state }) => state !== 'crashed' && isStarting(pod, memory, situation) && !dying.has(pod.uid),
  )?.pod.uid;
}

/** A pod on its way out looks like one that came in: nothing of it has ended yet. */
function dyingUids({ parents }: Observation): ReadonlySet<string> {
  const dying = parents.known ? parents.value.filter((p) => p.deleting || p.finished) : [];
  return new Set(dying.map((p) => p.uid));
}

/**
 * A container is made 5 to 60 ms after its sandbox, started 60 to 150 ms later, and has met the bound ports when the
 * runtime calls it running; a checkpoint is gone 0.1 to 0.3 s after it was told. To withdraw for one that runs would only
 * add its back-off to the outage.
 */
function isStarting(pod: RuntimePod, memory: WorkloadMemory, situation: Situation): boolean {
  const { sandboxReady, containers } = pod;
  const noneRuns = containers.every(({ state }) => state === 'created');
  return sandboxReady && noneRuns && willHaveContainer(pod, memory, situation);
}

/**
 * The kubelet has begun to start the parent, and nothing that takes minutes stands between it and its ports. A
 * container that is there already has met the bound ports: to withdraw then would only add its back-off to the outage.
 */
export function begun(memory: WorkloadMemory, situation: Situation, parent: Parent): boolean {
  const { facts, observation, settings } = situation;
  if (!facts.parentState.known || !observation.runtime.known) return false;
  // One that runs beside the checkpoint for so long did not die on a bound port: it waits for it.
  if (facts.parentState.value === 'running') return memory.runningMs >= settings.restartPatienceMs;
  const pod = facts.parentPods.find(({ pod: { uid } }) => uid === parent.uid)?.pod;
  if (facts.parentState.value !== 'starting' || pod === undefined) return false;
  return willHaveContainer(pod, memory, situation) && hasImages(observation.runtime.value.images, parent.pod);
}
