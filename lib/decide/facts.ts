// What one observation says about one workload, read once and named, so that the state machine reads like a
// table of situations. Whatever was not observed stays unknown here; nothing turns an error into "not running".

import type { V1Pod } from '@kubernetes/client-node';
import type { RevisionId } from '../types/checkpoint.ts';
import type { WorkloadMemory } from '../types/memory.ts';
import type { ActiveManifest, Observation, Parent, RuntimePod, Wanted } from '../types/observation.ts';
import { known, type Observed, unknown } from '../types/observed.ts';
import type { StoredWorkload } from '../types/store.ts';
import { ANNOTATION_OF, manifestFileName, OPTION_STANDBY_LOCK, type WorkloadKey } from '../types/workload.ts';
import { isBeingRestarted } from './restart.ts';
import { bestOf, isUp, parentsOf, type RunState, runState } from './run-state.ts';

export interface WorkloadFacts {
  readonly key: WorkloadKey;
  /** The newest parent that is neither finished nor being deleted; unknown when the API did not say. */
  readonly parent: Observed<Parent | undefined>;
  /** How parents of this workload run, the best of them. */
  readonly parentRuns: Observed<RunState>;
  /** Each parent of it that the runtime knows, and how it runs. */
  readonly parentPods: readonly { readonly pod: RuntimePod; readonly state: RunState }[];
  /** How the parent runs that the API names, or named last. */
  readonly parentState: Observed<RunState>;
  /** Whether that parent serves by itself; unknown while the checkpoint could be answering in its place. */
  readonly parentServes: Observed<boolean>;
  /** How the checkpoint runs. */
  readonly checkpointRuns: Observed<RunState>;
  /** Its live sandboxes. */
  readonly checkpointSandboxes: readonly string[];
  readonly manifest: Observed<ActiveManifest | undefined>;
  /** The workload's file is there, and is none of our manifests. */
  readonly torn: boolean;
  readonly wanted: Observed<Wanted>;
  /** Intact revisions on disk, newest first. */
  readonly revisions: ReadonlySet<RevisionId>;
}

export function factsOf(
  key: WorkloadKey,
  observation: Observation,
  memory: WorkloadMemory | undefined,
  settleMs: number,
): WorkloadFacts {
  const { parents, directory } = observation;
  const stored = observation.stored.find((w) => w.key === key);
  const parent = parents.known ? known(liveParent(parents.value, key)) : parents;
  const file = manifestFileName(key);
  const run = runs(key, observation, memory, parent, stored, settleMs);
  // Spelled out, as in decide.ts.
  return {
    key,
    parent,
    parentRuns: run.parentRuns,
    parentPods: run.parentPods,
    parentState: run.parentState,
    parentServes: run.parentServes,
    checkpointRuns: run.checkpointRuns,
    checkpointSandboxes: run.checkpointSandboxes,
    manifest: directory.known ? known(directory.value.ours.find((m) => m.workload === key)) : directory,
    torn: directory.known && directory.value.broken.some((b) => b.file.split('/').at(-1) === file),
    wanted: observation.wanted.get(key) ?? unknown('not asked'),
    revisions: new Set(stored?.revisions.map((r) => r.revision) ?? []),
  };
}

type Runs = Pick<
  WorkloadFacts,
  'parentRuns' | 'parentPods' | 'parentState' | 'parentServes' | 'checkpointRuns' | 'checkpointSandboxes'
>;

function runs(
  key: WorkloadKey,
  observation: Observation,
  memory: WorkloadMemory | undefined,
  parent: WorkloadFacts['parent'],
  stored: StoredWorkload | undefined,
  settleMs: number,
): Runs {
  const { parents, runtime } = observation;
  if (!runtime.known) {
    return {
      parentRuns: runtime,
      parentPods: [],
      parentState: runtime,
      parentServes: runtime,
      checkpointRuns: runtime,
      checkpointSandboxes: [],
    };
  }
  const { pods } = runtime.value;
  const uids = new Set<string>();
  if (parents.known) for (const p of parents.value) if (p.workload === key) uids.add(p.uid);
  if (memory?.parent !== undefined) uids.add(memory.parent.uid);
  const inits = initNames(parent, stored);
  const stateOf = (one: RuntimePod | undefined): RunState => {
    const state = runState(one, inits);
    if (one !== undefined && isLeftCreated(one, observation)) return 'crashed';
    if (state === 'starting' && one !== undefined) {
      if (isBeingRestarted(one, memory)) return 'crashed';
      if (stallsMs(one, memory) >= STALLED_MS && nothingToPull(observation, parent, stored)) return 'crashed';
    }
    return isUp(state) && isLeaving(one, observation, memory) ? 'leaving' : state;
  };

  // While the API is silent, the parent it named last is still the one whose crash or start matters.
  const uid = parent.known ? parent.value?.uid : memory?.parent?.uid;
  const pod = pods.find((p) => p.uid === uid);
  const checkpoints = pods.filter((p) => p.annotations[ANNOTATION_OF] === key);
  const checkpoint = bestOf(checkpoints.map((p) => runState(p, inits)));
  const parentState = !parent.known && uid === undefined ? unknown(parent.reason) : known(stateOf(pod));
  const ambiguous = isUp(checkpoint) && memory?.options.standbyLock === undefined && usesHostPorts(parent);
  const parentPods = parentsOf(pods, key, uids).map((p) => ({ pod: p, state: stateOf(p) }));
  return {
    parentRuns: known(bestOf(parentPods.map(({ state }) => state))),
    parentPods,
    parentState,
    parentServes: ambiguous
      ? unknown('its checkpoint still runs and may be what answers')
      : serves(observation, memory, parent, pod, parentState, settleMs),
    checkpointRuns: known(checkpoint),
    checkpointSandboxes: checkpoints.filter((p) => p.sandboxReady).map((p) => p.sandboxId),
  };
}

/**
 * A container is made tenths of a second after its sandbox. On a real node an apiserver had just come back, and the
 * kubelet had not listed the services yet: it made the sandboxes of four parents, refused their containers
 * (CreateContainerConfigError, kubelet_pods.go getServiceEnvVarMap) and then held them back for 16 to 20 s: what fails so
 * is tried again after 10 to 15 s (pod_workers.go completeWork).
 */
const STALLED_MS = 5_000;

/** How long a sandbox of a parent has been seen without a container. */
export function stallsMs({ sandboxId, containers }: RuntimePod, memory?: WorkloadMemory): number {
  const empty = memory?.emptySandbox;
  return containers.length === 0 && empty?.id === sandboxId ? empty.ms : 0;
}

/**
 * A container is started 60 to 150 ms after it was made (real node); this leaves room for a disk that stalls. Where
 * the kubelet died in between, nobody starts it: the next kubelet knows the API's pods from the API alone, and without
 * one never makes another. It counts as ended, since nothing of it runs.
 */
const CREATED_MS_MAX = 10_000;

function isLeftCreated({ sandboxReady, containers }: RuntimePod, { wallClockMs }: Observation): boolean {
  const others = containers.filter(({ state }) => state !== 'exited');
  return (
    sandboxReady &&
    others.length > 0 &&
    others.every((c) => c.state === 'created' && wallClockMs - c.createdAtMs >= CREATED_MS_MAX)
  );
}

function nothingToPull(
  { runtime }: Observation,
  parent: WorkloadFacts['parent'],
  stored: StoredWorkload | undefined,
): boolean {
  const pod = (parent.known ? parent.value?.pod : undefined) ?? stored?.revisions[0]?.manifest;
  return pod !== undefined && runtime.known && hasImages(runtime.value.images, pod);
}

/**
 * By the API's last word it was deleted; nobody listens at the API's address since, and it does not answer its own probe.
 * The API's word alone is not enough: a kubelet that lost the API before it heard it lets the pod run on, and serve.
 */
function isLeaving(
  pod: RuntimePod | undefined,
  observation: Observation,
  memory: WorkloadMemory | undefined,
): boolean {
  const { api, parents } = observation;
  const refused = api.name === 'away' && api.cause === 'refused';
  if (!refused || parents.known || pod === undefined || pod.uid !== memory?.leavingUid) return false;
  return saysNo(pod.uid, observation);
}

/** By its own probe. An apiserver that was told to end answers no from then on (/readyz), an etcd when it has stopped. */
export function saysNo(uid: string, { probes }: Observation): boolean {
  const probe = probes.get(uid);
  return probe?.known === true && !probe.value;
}

/** Containers of a pod in the runtime do not say which of them are init containers; the pod they were made from does. */
function initNames(parent: WorkloadFacts['parent'], stored: StoredWorkload | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  const take = (pod: V1Pod | undefined): void => {
    for (const { name } of pod?.spec?.initContainers ?? []) names.add(name);
  };
  if (parent.known) take(parent.value?.pod);
  for (const { manifest } of stored?.revisions ?? []) take(manifest);
  return names;
}

/** The newest parent that can still run. */
export function liveParent(parents: readonly Parent[], key: WorkloadKey): Parent | undefined {
  let newest: Parent | undefined;
  for (const parent of parents) {
    if (parent.workload !== key || parent.finished || parent.deleting) continue;
    if (newest === undefined || isNewer(parent, newest)) newest = parent;
  }
  return newest;
}

function isNewer(a: Parent, b: Parent): boolean {
  return a.createdAtMs === b.createdAtMs ? a.uid < b.uid : a.createdAtMs > b.createdAtMs;
}

/**
 * The API's Ready alone is not enough: after a boot it still shows what was true before,
 * so without a probe to contradict it, the parent must have run for the settle time as well.
 */
function serves(
  { api, parents, probes }: Observation,
  memory: WorkloadMemory | undefined,
  parent: WorkloadFacts['parent'],
  pod: RuntimePod | undefined,
  state: Observed<RunState>,
  settleMs: number,
): Observed<boolean> {
  if (!parent.known) {
    if (pod === undefined || !state.known || state.value !== 'running') return unknown(parent.reason);
    return probes.get(pod.uid) ?? unknown(parent.reason);
  }
  if (parent.value === undefined || pod === undefined || !allRunning(pod, parent.value)) return known(false);
  const probe = probes.get(parent.value.uid);
  if (probe !== undefined && !(probe.known && probe.value)) return probe;
  const settled = (memory?.runningMs ?? 0) >= settleMs;
  if (api.name === 'serving' && parents.known) {
    return known(parent.value.ready && (settled || probe !== undefined));
  }
  return probe ?? known(settled);
}

function allRunning(pod: RuntimePod, parent: Parent): boolean {
  const names = (parent.pod.spec?.containers ?? []).map((c) => c.name);
  return (
    names.length > 0 &&
    names.every((name) => pod.containers.some((c) => c.name === name && c.state === 'running'))
  );
}

/** Where the parent is not known, it is taken to. */
function usesHostPorts(parent: WorkloadFacts['parent']): boolean {
  if (!parent.known) return true;
  const spec = parent.value?.pod.spec;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return (
    spec?.hostNetwork === true ||
    containers.some((c) => c.ports?.some((p) => p.hostPort !== undefined && p.hostPort !== 0))
  );
}

/** Parent and checkpoint cannot run side by side: they bind the same ports of the host. */
export function conflicts(parent: Parent): boolean {
  const standsBy = parent.pod.metadata?.annotations?.[OPTION_STANDBY_LOCK] !== undefined;
  return !parent.options.overlap && !standsBy && usesHostPorts(known(parent));
}

/** All images of a pod are in the runtime, so that starting it takes no pull. */
export function hasImages(images: ReadonlySet<string>, pod: Parent['pod']): boolean {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return containers.every((c) => c.image !== undefined && hasImage(images, c.image));
}

/** Runtimes list images by their full name: docker.io/library/x:latest for x. */
function hasImage(images: ReadonlySet<string>, name: string): boolean {
  const tagged = /[@:][^/]*$/.test(name) ? name : `${name}:latest`;
  return [name, tagged, `docker.io/${tagged}`, `docker.io/library/${tagged}`].some((n) => images.has(n));
}
