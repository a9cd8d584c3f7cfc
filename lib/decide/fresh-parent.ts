// A parent that the kubelet has only just begun to start, seen in the runtime alone. An apiserver that came up a moment
// ago needs a second or more to list pods, while a parent's container binds its ports 0.3 s after its sandbox: seen on a
// real node, the API's word came half a second too late and etcd's parent died on the bound port.

import type { WorkloadMemory } from '../types/memory.ts';
import type { Observation, RuntimePod } from '../types/observation.ts';
import { hasImages } from './facts.ts';
import type { Situation } from './situation.ts';

/** The UID of such a parent. Undefined while it may still wait for an image, or for a workload that needs no ports. */
export function freshParentUid(
  memory: WorkloadMemory,
  { facts, observation }: Situation,
): string | undefined {
  if (!observation.runtime.known || memory.options.standbyLock !== undefined || memory.options.overlap)
    return undefined;
  const { images } = observation.runtime.value;
  const manifest = observation.stored.find((w) => w.key === facts.key)?.revisions[0]?.manifest;
  if (manifest?.spec?.hostNetwork !== true || !hasImages(images, manifest)) return undefined;
  const dying = dyingUids(observation);
  return facts.parentPods.find(
    ({ pod, state }) =>
      state !== 'crashed' && isStarting(pod, observation.wallClockMs) && !dying.has(pod.uid),
  )?.pod.uid;
}

/** A pod on its way out looks like one that came in: nothing of it has ended yet. */
function dyingUids({ parents }: Observation): ReadonlySet<string> {
  const dying = parents.known ? parents.value.filter((p) => p.deleting || p.finished) : [];
  return new Set(dying.map((p) => p.uid));
}

/**
 * On a quiet node a container is made 0.05 s after its sandbox, started 0.1 s later, and binds its ports 0.1 s after
 * that; a checkpoint is gone 0.1 s after it was told. One that has run for longer has met the bound ports, and to
 * withdraw then would only add its back-off to the outage.
 */
const BINDS_WITHIN_MS = 300;

function isStarting(pod: RuntimePod, nowMs: number): boolean {
  return (
    pod.sandboxReady &&
    pod.containers.every(
      ({ state, createdAtMs }) =>
        state === 'created' || (state === 'running' && Math.abs(nowMs - createdAtMs) < BINDS_WITHIN_MS),
    )
  );
}
