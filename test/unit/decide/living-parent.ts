// A parent that the API names, and what the runtime shows of it.

import type { Parent, RuntimePod } from '../../../lib/types/observation.ts';
import { type ParentTraits, type PodState, runtimePod } from './pods.ts';

/** A parent as the API has it, and how it stands in the runtime. */
export interface LivingParent {
  parent: Parent;
  readonly traits: ParentTraits;
  state: PodState;
  restarts: number;
  /** Of how many sandboxes the present one is the successor. */
  sandboxes: number;
  /** One of the sandboxes before holds a container that ended. */
  endedBefore?: boolean;
  /** By the wall clock; absent: before the scene began. */
  createdAtMs?: number;
}

export function sandboxOf({ parent, sandboxes }: LivingParent): string {
  return sandboxes === 0 ? `sandbox-${parent.uid}` : `sandbox-${parent.uid}-${sandboxes}`;
}

export function podOf(living: LivingParent): RuntimePod {
  const { parent, state, restarts, createdAtMs, endedBefore } = living;
  const made = runtimePod(parent.workload, parent.name, parent.uid, state, restarts);
  const before = endedBefore === true ? { endedBefore } : {};
  const pod = { ...made, ...before, sandboxId: sandboxOf(living) };
  if (createdAtMs === undefined) return pod;
  return { ...pod, containers: pod.containers.map((c) => ({ ...c, createdAtMs })) };
}
