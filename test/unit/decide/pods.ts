// Pods as the API and the runtime show them, for the scenes of this folder: only what the state machine looks at.

import type { V1Pod } from '@kubernetes/client-node';
import type { CompileResult, RevisionId } from '../../../lib/types/checkpoint.ts';
import type { ContainerState, Parent, RuntimePod } from '../../../lib/types/observation.ts';
import { known } from '../../../lib/types/observed.ts';
import type { StoredRevision } from '../../../lib/types/store.ts';
import {
  ANNOTATION_OF,
  ANNOTATION_REVISION,
  CHECKPOINT_ANNOTATION,
  OPTION_STANDBY_LOCK,
  splitWorkloadKey,
  type WorkloadKey,
  workloadKey,
} from '../../../lib/types/workload.ts';

export const APISERVER = workloadKey('kube-system', 'kube-apiserver');
export const ETCD = workloadKey('kube-system', 'etcd');
export const SCHEDULER = workloadKey('kube-system', 'kube-scheduler');
export const MANAGER = workloadKey('kube-system', 'kube-controller-manager');
export const AGENT = workloadKey('kube-system', 'checkpoint-agent');
export const PROXY = workloadKey('kube-system', 'kube-proxy');

export const IMAGE = 'registry.k8s.io/control-plane:v1';

/** How a pod stands in the runtime, in one word. */
export type PodState =
  | 'absent'
  /** Its sandbox was ended, and its containers removed before. */
  | 'emptied'
  | 'starting'
  | 'crashed'
  | 'limping'
  | 'running'
  | 'unknown'
  | 'created'
  | 'created-in-dead-sandbox'
  /** Its init container has ended, its own are still to come. */
  | 'prepared';

export interface ParentTraits {
  /** Names the revision it compiles to. */
  readonly content: string;
  readonly network: 'host' | 'own';
  readonly overlap: boolean;
  readonly standbyLock: boolean;
  readonly controller: boolean;
  readonly initContainer: boolean;
}

export const ORDINARY: ParentTraits = {
  content: 'good',
  network: 'host',
  overlap: false,
  standbyLock: false,
  controller: true,
  initContainer: false,
};

export function revision(content: string): RevisionId {
  return `rev-${content}` as RevisionId;
}

/** Where the API is asked, on a master whose kubelet asks its own apiserver. */
export const API_PORT = 6443;

function probedPort(key: WorkloadKey): number {
  return key === APISERVER ? API_PORT : 10_259;
}

/** By its environment here; by its command in the simulation, and on the real cluster. */
const LISTENS = {
  name: 'ETCD_LISTEN_CLIENT_URLS',
  value: 'https://127.0.0.1:2379,https://$(HOST_IP):2379',
};

/** Only what says which of them needs which. */
function commandOf(key: WorkloadKey): string[] {
  const issuer = `https://api.example:${API_PORT}`;
  switch (key) {
    case APISERVER:
      return ['apiserver', '--etcd-servers=https://10.0.0.1:2379', `--service-account-issuer=${issuer}`];
    case ETCD:
      return ['etcd'];
    default:
      return ['component', `--master=${issuer}`];
  }
}

function podOf(key: WorkloadKey, traits: ParentTraits): V1Pod {
  const annotations = {
    [CHECKPOINT_ANNOTATION]: 'true',
    ...(traits.standbyLock ? { [OPTION_STANDBY_LOCK]: '/run/lock' } : {}),
  };
  return {
    metadata: { ...splitWorkloadKey(key), annotations },
    spec: {
      hostNetwork: traits.network === 'host',
      ...(traits.initContainer ? { initContainers: [{ name: 'prepare', image: IMAGE }] } : {}),
      containers: [
        {
          name: 'main',
          image: IMAGE,
          command: commandOf(key),
          ...(key === ETCD ? { env: [LISTENS] } : {}),
          readinessProbe: { httpGet: { port: probedPort(key) } },
        },
      ],
    },
  };
}

export function parentOf(key: WorkloadKey, uid: string, number: number, traits: ParentTraits): Parent {
  const { namespace, name } = splitWorkloadKey(key);
  return {
    workload: key,
    namespace,
    name: podName(key, number),
    uid,
    ...(traits.controller
      ? { controller: { apiVersion: 'apps/v1', kind: 'DaemonSet', namespace, name, uid: `ds-${name}` } }
      : {}),
    options: {
      ...(traits.standbyLock ? { standbyLock: '/run/lock' } : {}),
      overlap: traits.overlap,
      allowSecretEnv: false,
      dropLabels: false,
    },
    ready: true,
    deleting: false,
    finished: false,
    createdAtMs: number,
    pod: podOf(key, traits),
  };
}

export function podName(key: WorkloadKey, number: number): string {
  return `${splitWorkloadKey(key).name}-x${String(number).padStart(4, '0')}`;
}

export function compiledAs(key: WorkloadKey, traits: ParentTraits): CompileResult {
  const manifest = podOf(key, traits);
  const checkpoint = { workload: key, revision: revision(traits.content), manifest, volumes: [], notes: [] };
  return known({ ok: true, checkpoint });
}

export function storedRevision(key: WorkloadKey, id: RevisionId): StoredRevision {
  const manifest = podOf(key, ORDINARY);
  return { revision: id, createdAtMs: 0, manifest, materialDir: `/state/${id}`, bytes: 1, tokens: [] };
}

export function runtimePod(
  key: WorkloadKey,
  name: string,
  uid: string,
  state: PodState,
  restarts: number,
  checkpointOf?: RevisionId,
): RuntimePod {
  const containers: Record<PodState, readonly ContainerState[]> = {
    absent: ['exited'],
    emptied: [],
    starting: [],
    crashed: ['exited'],
    limping: ['exited', 'running'],
    running: ['running'],
    unknown: ['unknown'],
    created: ['created'],
    'created-in-dead-sandbox': ['created'],
    prepared: ['exited'],
  };
  return {
    namespace: splitWorkloadKey(key).namespace,
    name,
    uid,
    sandboxId: `sandbox-${uid}`,
    sandboxReady: !['absent', 'emptied', 'created-in-dead-sandbox'].includes(state),
    createdAtMs: 0,
    labels: {},
    annotations: {
      [CHECKPOINT_ANNOTATION]: 'true',
      'kubernetes.io/config.source': checkpointOf === undefined ? 'api' : 'file',
      ...(checkpointOf === undefined ? {} : { [ANNOTATION_OF]: key, [ANNOTATION_REVISION]: checkpointOf }),
    },
    containers: containers[state].map((containerState, i) => ({
      id: `${uid}-${i}${restarts === 0 ? '' : `-${restarts}`}`,
      name: state === 'prepared' ? 'prepare' : i === 0 ? 'main' : 'side-car',
      state: containerState,
      attempt: restarts,
      createdAtMs: restarts * 60_000,
    })),
  };
}
