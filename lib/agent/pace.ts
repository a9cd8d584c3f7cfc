// How soon the next pass comes: tightly while something is changing, gently at rest. Events come sooner by themselves.

import type { Memory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';

const HAIR_MS = 20;
const TIGHT_MS = 50;
const BUSY_MS = 100;
const AWAY_MS = 200;
const PROVING_MS = 1_000;
/** What is urgent at rest comes as an event: a watch that ends, a pod that changes. The rest is counted in tens of seconds. */
const REST_MS = 4_000;

/** Milliseconds until the next pass. */
export function nextPassInMs(memory: Memory, observation: Observation): number {
  const { api, bootId } = observation;
  const phases = [...memory.workloads.values()].filter((w) => w.options.standbyLock === undefined);
  // The first boot pass is still to come, and people wait for it.
  if (bootId.known && bootId.value !== memory.bootId) return TIGHT_MS;
  // The seconds between a parent's sandbox and its container are all a handover has.
  const moving = phases.some(
    ({ phase }) =>
      phase.name === 'handover' ||
      phase.name === 'active' ||
      (phase.name === 'retiring' && phase.revision !== undefined),
  );
  if (awaited(memory, observation)) return HAIR_MS;
  if (moving) return api.name === 'serving' ? TIGHT_MS : BUSY_MS;
  if (api.name !== 'serving') return AWAY_MS;
  // Its end is what the kubelet, the controllers and, at the only apiserver's update, everybody waits for.
  if (phases.some(({ leavingUid }) => leavingUid !== undefined)) return AWAY_MS;
  const counting = phases.some((w) => w.candidate !== undefined || w.phase.name === 'retiring');
  return counting ? PROVING_MS : REST_MS;
}

/** An active checkpoint's parent is there by the API's word, and its sandbox may come at any moment. */
function awaited(memory: Memory, { parents, runtime }: Observation): boolean {
  if (!parents.known || !runtime.known) return false;
  const live = new Set(runtime.value.pods.filter((pod) => pod.sandboxReady).map((pod) => pod.uid));
  return parents.value.some(({ workload, uid, finished, deleting, options }) => {
    const active =
      memory.workloads.get(workload)?.phase.name === 'active' && options.standbyLock === undefined;
    return active && !finished && !deleting && !live.has(uid);
  });
}
