// An apiserver that has lost its etcd accepts requests and never answers them, and the kubelet makes such a request for
// each new static pod (its mirror pod) before it starts the pod. So the etcd that would help was seen to wait 22 s on a
// real node (1.20). What always holds: only a server that answers nobody is ended, and only for what was down before.

import type { V1Pod } from '@kubernetes/client-node';
import type { Action } from '../types/action.ts';
import type { Memory, WorkloadMemory } from '../types/memory.ts';
import type { AwayCause, Observation, RuntimePod } from '../types/observation.ts';
import { ANNOTATION_OF } from '../types/workload.ts';
import { without } from './moves.ts';
import { isUp } from './run-state.ts';
import type { Situation } from './situation.ts';

/** Somebody listens, and no request comes to an end. */
const HANGS: ReadonlySet<AwayCause> = new Set(['timed-out', 'failing', 'cut-off', 'throttled']);

/** A kubelet that is free has made the sandbox of a static pod 0.3 s after its file. */
const STARTS_WITHIN_MS = 1_500;

/** A checkpoint whose workload went before the API did has been placed, and the kubelet does not start it. */
export function isKubeletHeldUp(
  { workloads, apiAwayMs }: Memory,
  { directory, runtime }: Observation,
): boolean {
  if (!directory.known || !runtime.known) return false;
  const placed = new Set(directory.value.ours.map(({ workload }) => workload));
  const begun = new Set(
    runtime.value.pods.filter((p) => p.sandboxReady).map((p) => p.annotations[ANNOTATION_OF]),
  );
  return [...workloads].some(
    ([key, { phase, stoppedMs, downMs }]) =>
      phase.name === 'active' &&
      placed.has(key) &&
      !begun.has(key) &&
      // Activation began this count anew.
      stoppedMs >= STARTS_WITHIN_MS &&
      downMs >= apiAwayMs,
  );
}

/**
 * One that starts answers nothing before it serves, 5 to 7 s after its start (three starts on two slow cores, 1.20). The
 * kubelet was seen to wait with the mirror pod of such a parent's checkpoint, and the parent to be ended for that, 5.4 s
 * after its start. Far longer than a start, since to end one too early costs a whole one.
 */
const STARTS_UP_MS = 20_000;

/**
 * Ends this workload's pods where they are the server that the kubelet waits for: it starts them anew at once. Only those
 * that were there before the API was away, so that each is ended once, and that have had the time to start.
 */
export function endHangingServer(
  memory: WorkloadMemory,
  situation: Situation,
): { memory: WorkloadMemory; actions: Action[] } {
  const { facts, observation, kubeletHeldUp, apiAwayMs } = situation;
  const { api, apiPortHere, stored, runtime, wallClockMs } = observation;
  const hangs = api.name === 'away' && HANGS.has(api.cause);
  if (!kubeletHeldUp || !hangs || apiPortHere === undefined || !runtime.known) return { memory, actions: [] };
  const manifest = stored.find(({ key }) => key === facts.key)?.revisions[0]?.manifest;
  if (!probedPorts(manifest).has(apiPortHere)) return { memory, actions: [] };
  const parents = facts.parentPods.filter(({ state }) => isUp(state)).map(({ pod }) => pod);
  const checkpoints = runtime.value.pods.filter(
    ({ annotations, sandboxReady }) => annotations[ANNOTATION_OF] === facts.key && sandboxReady,
  );
  const oldMs = Math.max(apiAwayMs, STARTS_UP_MS);
  const old = [...parents, ...checkpoints].filter(({ containers }) =>
    containers.some((c) => c.state === 'running' && wallClockMs - c.createdAtMs > oldMs),
  );
  if (old.length === 0) return { memory, actions: [] };
  const parent = parents.find((pod) => old.includes(pod));
  return {
    memory: parent === undefined ? memory : { ...memory, ended: runningIn(parent) },
    actions: [{ type: 'restart-server', workload: facts.key, containers: old.flatMap(runningIn) }],
  };
}

function runningIn({ containers }: RuntimePod): string[] {
  return containers.filter(({ state }) => state === 'running').map(({ id }) => id);
}

/** Without what has come up again, or is stood in for. */
export function withEnded(memory: WorkloadMemory, { parentPods }: Situation['facts']): WorkloadMemory {
  const { ended, phase } = memory;
  if (ended === undefined) return memory;
  if (phase.name === 'active') return without(memory, 'ended');
  const again = parentPods.some(
    ({ pod, state }) => isUp(state) && runningIn(pod).some((id) => !ended.includes(id)),
  );
  return again ? without(memory, 'ended') : memory;
}

/** A port by its name is none of the host network, where probes have numbers. */
function probedPorts(pod: V1Pod | undefined): ReadonlySet<number> {
  const containers = pod?.spec?.containers ?? [];
  const probes = containers.flatMap((c) => [c.readinessProbe, c.livenessProbe, c.startupProbe]);
  return new Set(probes.map((probe) => Number(probe?.httpGet?.port ?? probe?.tcpSocket?.port)));
}
