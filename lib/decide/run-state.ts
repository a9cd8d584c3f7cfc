// How a pod runs, by the container runtime alone, and whose pod it is. What always holds: only an ended container
// counts as stopped, or one that was made and is not started (facts.ts). A state that the runtime could not tell is not
// an end (rule 1).

import type { RuntimeContainer, RuntimePod } from '../types/observation.ts';
import { ANNOTATION_OF, splitWorkloadKey, type WorkloadKey } from '../types/workload.ts';

/**
 * - absent: no live sandbox, and no container that outlived it
 * - leaving: it runs, but was deleted and has closed its ports. An apiserver that is told to end does so once its
 *   pre-shutdown hooks are done, and lives on, for the watches that are open, for its whole grace period of 30 s
 * - starting: a live sandbox in which no container of its own has been created yet; init containers may be at work
 * - crashed: a live sandbox whose containers have all ended; the kubelet, if it knows of it, will start them again after a
 *   back-off
 * - limping: some containers run, others have ended (a side-car beside a crash loop)
 * - running: every container there is runs, or has just been created
 */
export type RunState = 'absent' | 'leaving' | 'starting' | 'crashed' | 'limping' | 'running';

const RANK: Record<RunState, number> = {
  absent: 0,
  leaving: 1,
  starting: 2,
  crashed: 3,
  limping: 4,
  running: 5,
};

/** Pods that have a sandbox now. */
export function begunUids(pods: readonly RuntimePod[]): ReadonlySet<string> {
  return new Set(pods.filter(({ sandboxReady }) => sandboxReady).map(({ uid }) => uid));
}

/** `inits` are the names of its init containers: that those have ended says nothing. */
export function runState(pod: RuntimePod | undefined, inits: ReadonlySet<string>): RunState {
  if (pod === undefined) return 'absent';
  // After a power cut containerd still lists a container that was about to start as created, in a dead sandbox.
  if (!pod.sandboxReady) return pod.containers.some((c) => c.state === 'running') ? 'running' : 'absent';
  const own = pod.containers.filter((c) => !inits.has(c.name));
  if (own.length === 0) {
    const failing = pod.containers.some((c) => c.attempt > 0) && !pod.containers.some(lives);
    return failing ? 'crashed' : 'starting';
  }
  if (own.every(lives)) return 'running';
  return own.some(lives) ? 'limping' : 'crashed';
}

function lives({ state }: RuntimeContainer): boolean {
  return state !== 'exited';
}

/** Something of the pod has its ports, or may have. */
export function isUp(state: RunState): boolean {
  return state === 'running' || state === 'limping';
}

export function bestOf(states: readonly RunState[]): RunState {
  return states.reduce<RunState>((a, b) => (RANK[b] > RANK[a] ? b : a), 'absent');
}

/**
 * The pods in the runtime that are parents of this workload. The UID decides where the API told it; otherwise the
 * generated name does, since the runtime does not know controllers. One that asks for no checkpoint any more counts:
 * it does the work, and needs the ports, of the one before it.
 */
export function parentsOf(
  pods: readonly RuntimePod[],
  key: WorkloadKey,
  uids: ReadonlySet<string>,
): RuntimePod[] {
  const { namespace, name } = splitWorkloadKey(key);
  const isNamedSo = (pod: RuntimePod): boolean =>
    pod.namespace === namespace &&
    (pod.name === name || (pod.name.startsWith(name) && isGenerated(pod.name.slice(name.length))));
  return pods.filter((pod) => {
    if (pod.annotations[ANNOTATION_OF] !== undefined) return false;
    if (uids.has(pod.uid)) return true;
    return pod.annotations['kubernetes.io/config.source'] !== 'file' && isNamedSo(pod);
  });
}

/**
 * `-<suffix>` of a DaemonSet's pod or `-<hash>-<suffix>` of a Deployment's. Hashes have no vowels
 * (apimachinery's SafeEncodeString), so that `etcd-manager-x7f2k` is not taken for a pod of `etcd`.
 */
function isGenerated(ending: string): boolean {
  return /^-([bcdfghjklmnpqrstvwxz0-9]{1,10}-)?[a-z0-9]{5}$/.test(ending);
}
