// An apiserver that has lost its etcd accepts requests and never answers them, and the kubelet makes such a request for
// each new static pod (its mirror pod) before it starts the pod, with no time limit of its own. So the etcd that would
// help was seen to wait 22 s on a real node. What always holds: only a server that answers nobody is ended, and only for
// what it cannot serve without. A controller that waits has died for want of this very API, more often than not.

import type { Action } from '../types/action.ts';
import type { Memory, WorkloadMemory } from '../types/memory.ts';
import type { AwayCause, Observation, RuntimePod } from '../types/observation.ts';
import { ANNOTATION_OF, type WorkloadKey } from '../types/workload.ts';
import { without } from './moves.ts';
import { answersAt, connectsTo, manifestOf } from './needs.ts';
import { isUp } from './run-state.ts';
import type { Situation } from './situation.ts';

/** Somebody listens, and no request comes to an end. */
const HANGS: ReadonlySet<AwayCause> = new Set(['timed-out', 'failing', 'cut-off', 'throttled']);

/** A kubelet that is free has made the sandbox of a static pod 0.3 s after its file. */
const STARTS_WITHIN_MS = 1_500;

/** A parent that died on its ports is started anew 1.3 s later, if need be, and ran 1.4 s after that at most (real node). */
const STARTS_AGAIN_WITHIN_MS = 3_000;

/**
 * What the kubelet does not start: a checkpoint that was placed, and in a handover the parent. The kubelet was seen to
 * wait with the mirror pod of such a checkpoint; and, in its housekeeping, with that of what was withdrawn, and with
 * everything else meanwhile.
 */
export function waitingForKubelet(
  { workloads, apiAwayMs }: Memory,
  { directory, runtime }: Observation,
): readonly WorkloadKey[] {
  if (apiAwayMs === 0 || !directory.known || !runtime.known) return [];
  const placed = new Set(directory.value.ours.map(({ workload }) => workload));
  const begun = new Set(
    runtime.value.pods.filter((p) => p.sandboxReady).map((p) => p.annotations[ANNOTATION_OF]),
  );
  const waiting: WorkloadKey[] = [];
  for (const [workload, { phase, stoppedMs, downMs }] of workloads) {
    if (phase.name === 'handover' && downMs >= STARTS_AGAIN_WITHIN_MS) waiting.push(workload);
    if (phase.name !== 'active' || !placed.has(workload) || begun.has(workload)) continue;
    // Activation began the count of its stop anew.
    if (downMs > 0 && stoppedMs >= STARTS_WITHIN_MS) waiting.push(workload);
  }
  return waiting;
}

/**
 * It answers nothing before it serves, 5 to 7 s after its start (three starts on two slow cores), and ends by itself when
 * its etcd has not come for 20 s (its first client of it). Far longer than a start, since to end one too early costs a
 * whole one.
 */
const STARTS_UP_MS = 20_000;

/**
 * How old a server must be to be ended: it listens a second after its start, so that the kubelet waited for one that had
 * been made 0.7 s after its etcd had ended, and the API was away for 28 s (three updates of ten). Each time it has
 * longer, since the kubelet's back-off grows with each end.
 */
function oldEnoughMs(attempt: number): number {
  return Math.min(STARTS_WITHIN_MS * 2 ** attempt, STARTS_UP_MS);
}

/** Ends this workload's pods where they are the server that the kubelet waits for: it starts them anew at once. */
export function endHangingServer(
  memory: WorkloadMemory,
  situation: Situation,
): { memory: WorkloadMemory; actions: Action[] } {
  const { facts, observation, waitingForKubelet } = situation;
  const { api, apiPortHere, runtime, wallClockMs } = observation;
  const hangs = api.name === 'away' && HANGS.has(api.cause);
  if (!hangs || !runtime.known) return { memory, actions: [] };
  const manifest = manifestOf(facts.key, observation);
  if (!answersAt(manifest, apiPortHere)) return { memory, actions: [] };
  if (!waitingForKubelet.some((other) => connectsTo(manifest, manifestOf(other, observation)))) {
    return { memory, actions: [] };
  }
  const parents = facts.parentPods.filter(({ state }) => isUp(state)).map(({ pod }) => pod);
  const checkpoints = runtime.value.pods.filter(
    ({ annotations, sandboxReady }) => annotations[ANNOTATION_OF] === facts.key && sandboxReady,
  );
  const old = [...parents, ...checkpoints].filter(({ containers }) =>
    containers.some(
      ({ state, createdAtMs, attempt }) =>
        state === 'running' && wallClockMs - createdAtMs > oldEnoughMs(attempt),
    ),
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
