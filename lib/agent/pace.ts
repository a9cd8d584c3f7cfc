// How soon the next pass comes: tightly while something is changing, gently at rest. Events come sooner by themselves.

import { begunUids } from '../decide/run-state.ts';
import type { Memory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';

/**
 * Passes begin no closer together, whatever has been heard: a pod that starts, or a record that is written, is heard of
 * several times within milliseconds. Two of five passes of the simulation came within 20 ms of the one before.
 */
export const SPACING_MS = 20;
const TIGHT_MS = 50;
const STARTING_MS = 200;
const PROVING_MS = 1_000;
/** What is urgent at rest comes as an event: a watch that ends, a pod that changes. The rest is counted in tens of seconds. */
const REST_MS = 4_000;

/** Milliseconds until the next pass. */
export function nextPassInMs(memory: Memory, observation: Observation): number {
  const { api, bootId } = observation;
  const phases = [...memory.workloads.values()].filter((w) => w.options.standbyLock === undefined);
  // The first boot pass is still to come, and people wait for it.
  if (bootId.known && bootId.value !== memory.bootId) return TIGHT_MS;
  const placed = phases.some(
    ({ phase }) => phase.name === 'active' || (phase.name === 'retiring' && phase.revision !== undefined),
  );
  const handingOver = phases.some(({ phase }) => phase.name === 'handover');
  const ready = api.name === 'serving' && api.starting === undefined;
  // The tenths of a second between a parent's sandbox and its container are all that a handover has. Before an API is
  // ready none begins, but beside another; and what starts then on a small node, an apiserver above all, pays for each pass.
  if (placed && (ready || handingOver)) return awaited(memory, observation) ? SPACING_MS : TIGHT_MS;
  if (placed || handingOver || api.name !== 'serving') return STARTING_MS;
  // Its end is what the kubelet, the controllers and, at the only apiserver's update, everybody waits for.
  if (phases.some(({ leavingUid }) => leavingUid !== undefined)) return STARTING_MS;
  const counting = phases.some((w) => w.candidate !== undefined || w.phase.name === 'retiring');
  return counting ? PROVING_MS : REST_MS;
}

/** An active checkpoint's parent is there by the API's word, and its sandbox may come at any moment. */
function awaited(memory: Memory, { parents, runtime }: Observation): boolean {
  if (!parents.known || !runtime.known) return false;
  const begun = begunUids(runtime.value.pods);
  return parents.value.some(({ workload, uid, finished, deleting, options }) => {
    const active =
      memory.workloads.get(workload)?.phase.name === 'active' && options.standbyLock === undefined;
    return active && !finished && !deleting && !begun.has(uid);
  });
}
