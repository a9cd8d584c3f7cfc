// One look at the world: every part known, or unknown with the reason. Nothing here decides.

import type { V1Pod } from '@kubernetes/client-node';
import type { CompileResult, RevisionId } from './checkpoint.ts';
import type { ControllerRef } from './memory.ts';
import type { Observed } from './observed.ts';
import type { NodeRecord, StoredWorkload } from './store.ts';
import type { WorkloadKey, WorkloadOptions } from './workload.ts';

/**
 * Whether this kubelet can get its pods from the apiserver, asked at the kubelet's endpoint as the kubelet.
 * - serving: answered with success; `starting`: it came back, and has not said yet that it is ready
 * - denied: an apiserver lives and refuses to say; what it would say is unknown
 * - away: this kubelet cannot get its pods from anybody. The only state that counts towards an outage
 * - unasked: no answer yet, in either direction
 */
export type ApiState =
  | { readonly name: 'serving'; readonly starting?: true }
  | { readonly name: 'denied'; readonly cause: DeniedCause; readonly detail: string }
  | {
      readonly name: 'away';
      readonly cause: AwayCause;
      readonly detail: string;
      readonly failedProbes: number;
    }
  | { readonly name: 'unasked' };

/** 401 and 403. */
export type DeniedCause = 'unauthorized' | 'forbidden';

/**
 * - refused: nobody listens; timed-out: no answer in time; unreachable: no route, or no such name
 * - cut-off: the connection ended without an answer
 * - failing: 5xx, such as an apiserver without its etcd
 * - throttled: 429: an apiserver that has just started and fills its caches, or cannot for want of its etcd; or overloaded
 * - another-cluster: its certificate is not of the kubeconfig's CA
 * - certificate: it is, but not now or not for this address
 * - stranger: somebody answers who is no apiserver
 * - no-identity: the kubelet's credentials cannot be read, so neither it nor the agent can ask
 */
export type AwayCause =
  | 'refused'
  | 'timed-out'
  | 'unreachable'
  | 'cut-off'
  | 'failing'
  | 'throttled'
  | 'another-cluster'
  | 'certificate'
  | 'stranger'
  | 'no-identity';

/** A pod from the API that runs on this node and asks to be checkpointed. */
export interface Parent {
  readonly workload: WorkloadKey;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: ControllerRef;
  readonly options: WorkloadOptions;
  /** The API's Ready condition. */
  readonly ready: boolean;
  /** The API has a deletionTimestamp on it. */
  readonly deleting: boolean;
  /** Failed or Succeeded, such as a pod the kubelet rejected at admission: it will never run again. */
  readonly finished: boolean;
  /** The wall-clock time of creation, to choose the newest of several. */
  readonly createdAtMs: number;
  readonly pod: V1Pod;
}

export type ContainerState = 'created' | 'running' | 'exited' | 'unknown';

export interface RuntimeContainer {
  readonly id: string;
  readonly name: string;
  readonly state: ContainerState;
  /** The kubelet's restart counter, from the container's metadata. */
  readonly attempt: number;
  /** By the wall clock as it stands now: what the runtime says is corrected for jumps of the clock since. */
  readonly createdAtMs: number;
}

/** A pod as the container runtime shows it: newest sandbox first decides. */
export interface RuntimePod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly sandboxId: string;
  readonly sandboxReady: boolean;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Newest attempt of each container, init containers included. */
  readonly containers: readonly RuntimeContainer[];
  /** A container that ended in an older sandbox of it is still listed: the kubelet may count a back-off from its end. */
  readonly endedBefore?: true;
}

export interface RuntimeView {
  readonly pods: readonly RuntimePod[];
  /** Every name an image is known by: tags, digests and ids. */
  readonly images: ReadonlySet<string>;
}

/** One of our manifests in the static pod directory. */
export interface ActiveManifest {
  readonly workload: WorkloadKey;
  readonly revision: RevisionId;
  readonly uid: string;
  readonly file: string;
}

export interface StaticPodDirectory {
  readonly ours: readonly ActiveManifest[];
  /** Files of ours that cannot be read as one of our manifests (torn by hand): reported, and replaced when active. */
  readonly broken: readonly { readonly file: string; readonly problem: string }[];
}

/**
 * For a workload whose parent is absent from the list: does its controller still want a pod here?
 * - not-here: the controller is there and alive, and wants none on this node (a demoted node, a count that is met
 *   elsewhere, a template without the annotation)
 * - not-wanted: nothing of it is left to ask; an emptied cluster looks the same
 */
export type Wanted = 'wanted' | 'not-here' | 'not-wanted';

export interface NodeFacts {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Observation {
  /** Monotonic time since the pass before this one, in milliseconds; 0 at the first. */
  readonly sinceLastPassMs: number;
  /** Wall clock, only to be written down for people. */
  readonly wallClockMs: number;
  readonly bootId: Observed<string>;
  readonly api: ApiState;
  /** The port at which the kubelet asks the API, where that is an address of this node. */
  readonly apiPortHere?: number;
  readonly node: Observed<NodeFacts>;
  /** Only pods that carry the annotation, are neither static nor mirror pods, and run on this node. */
  readonly parents: Observed<readonly Parent[]>;
  /** The parents by the API's last word, said with its port closed already perhaps: only a deletion is taken from it. */
  readonly lastParents: readonly Parent[];
  /** Compilation of the newest live parent of each workload. */
  readonly compiled: ReadonlyMap<WorkloadKey, CompileResult>;
  readonly runtime: Observed<RuntimeView>;
  /** Answers of the pods' own probes, by pod UID, asked only where the API cannot say Ready. Absent: has no probe to ask. */
  readonly probes: ReadonlyMap<string, Observed<boolean>>;
  /** By workload, asked only where the parent is absent from a successful list; `gone` was confirmed by a quorum read. */
  readonly wanted: ReadonlyMap<WorkloadKey, Observed<Wanted>>;
  readonly directory: Observed<StaticPodDirectory>;
  readonly stored: readonly StoredWorkload[];
  /** What the disk says of the node. */
  readonly storedNode: NodeRecord;
}
