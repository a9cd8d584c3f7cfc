// Whether the kubelet makes containers of the API's pods yet. It makes their sandboxes before that: it must have listed the
// services, which it tries in a back-off of up to 30 s while no API answers (kubelet_pods.go getServiceEnvVarMap). To
// withdraw a checkpoint for such a sandbox costs the API for as long as it takes, or for ever, since it cannot list them
// then.

import type { Memory, WorkloadMemory } from '../types/memory.ts';
import type { Observation, RuntimePod } from '../types/observation.ts';
import { stallsMs } from './facts.ts';
import { isHandingOver, type Situation } from './situation.ts';

/** A sandbox that has stood empty for longer has a container that the kubelet refuses for now. */
const EMPTY_MS_MAX = 200;

/** It has a container, or its sandbox was made so lately that one is about to follow. */
export function willHaveContainer(
  pod: RuntimePod,
  memory: WorkloadMemory,
  { kubeletStarts }: Situation,
): boolean {
  return pod.containers.length > 0 || (kubeletStarts && stallsMs(pod, memory) < EMPTY_MS_MAX);
}

/** How long the API has answered, counting on through the absence that a handover costs. */
export function servingTime(memory: Memory, { api, sinceLastPassMs }: Observation): number {
  const answers = api.name === 'serving' || isHandingOver(memory);
  return answers ? memory.apiServingMs + sinceLastPassMs : 0;
}

/** It may have been started anew while the API was away, so what it made before says nothing. */
export function doesKubeletStart(
  memory: Memory,
  servingMs: number,
  { runtime, wallClockMs }: Observation,
): boolean {
  if (servingMs === 0) return false;
  if (memory.kubeletStarts === true) return true;
  if (!runtime.known) return false;
  return runtime.value.pods.some(
    ({ containers, annotations }) =>
      annotations['kubernetes.io/config.source'] !== 'file' &&
      containers.some(({ createdAtMs }) => wallClockMs - createdAtMs < servingMs),
  );
}
