// For a parent that is absent from the list: is a pod of its workload still wanted on this node? Every answer rests
// on quorum reads made now; whatever cannot be read makes the answer unknown, never a no (rule 1).

import type { V1LabelSelector, V1OwnerReference, V1Pod, V1PodTemplateSpec } from '@kubernetes/client-node';
import type { ControllerRef, ParentIdentity } from '../../types/memory.ts';
import type { Wanted } from '../../types/observation.ts';
import { known, type Observed, unknown } from '../../types/observed.ts';
import { CHECKPOINT_ANNOTATION } from '../../types/workload.ts';
import type { ApiClient } from './http.ts';
import type { NodeForPods } from './node-facts.ts';
import { acceptsNode } from './node-selector.ts';
import { toleratesTaints } from './node-taints.ts';
import { isMetElsewhere } from './replicas.ts';

export interface WantedSources {
  readonly kubelet: ApiClient;
  /** The mounted service account: a node may not read controllers. */
  readonly serviceAccount: ApiClient | undefined;
  readonly nodeName: string;
  /** A fresh read of the Node. */
  node(): Promise<Observed<NodeForPods>>;
}

/** What is read of a pod or a controller; fields of other kinds are simply absent. */
interface Read {
  readonly metadata?: {
    readonly uid?: string;
    readonly deletionTimestamp?: string;
    readonly annotations?: Record<string, string>;
    readonly ownerReferences?: readonly V1OwnerReference[];
  };
  readonly spec?: {
    readonly replicas?: number;
    readonly ordinals?: { readonly start?: number };
    readonly selector?: V1LabelSelector;
    readonly template?: V1PodTemplateSpec;
  };
}

type Lookup = Observed<{ readonly found: true; readonly object: Read } | { readonly found: false }>;

const RESOURCES: Readonly<Record<string, string>> = {
  DaemonSet: 'daemonsets',
  Deployment: 'deployments',
  ReplicaSet: 'replicasets',
  StatefulSet: 'statefulsets',
};

export async function isWanted(parent: ParentIdentity, sources: WantedSources): Promise<Observed<Wanted>> {
  const pod = await lookUpPod(parent, sources);
  if (!pod.known) return pod;
  if (pod.value.found && pod.value.object.metadata?.uid === parent.uid) {
    const { metadata } = pod.value.object;
    // Still there, and somebody took the annotation away; what its controller would make is another pod.
    if (!asksForCheckpoint(metadata.annotations)) return known('not-here');
    if (isOf(metadata.ownerReferences, parent.controller)) return known('wanted');
    // Released by its controller or adopted by another (a DaemonSet renamed with its pods orphaned): another workload.
  }
  if (parent.controller === undefined) return known('not-wanted');
  return isWantedByController(parent.controller, parent.name, sources);
}

async function isWantedByController(
  ref: ControllerRef,
  podName: string,
  sources: WantedSources,
): Promise<Observed<Wanted>> {
  const { serviceAccount } = sources;
  const resource = RESOURCES[ref.kind];
  if (resource === undefined) return unknown(`controllers of kind ${ref.kind} cannot be asked`);
  if (serviceAccount === undefined) {
    return unknown(
      `${ref.kind} ${ref.namespace}/${ref.name} cannot be asked: a node may not read it, and no service account is mounted`,
    );
  }
  const lookup = await get(
    serviceAccount,
    `/apis/apps/v1/namespaces/${ref.namespace}/${resource}/${ref.name}`,
  );
  if (!lookup.known) return lookup;
  // Deletion may take long (finalizers, foreground): the decision was made when the timestamp was set.
  if (!lookup.value.found || lookup.value.object.metadata?.deletionTimestamp !== undefined)
    return known('not-wanted');
  const { metadata, spec = {} } = lookup.value.object;
  const owner = metadata?.ownerReferences?.find((reference) => reference.controller === true);
  if (owner !== undefined)
    return isWantedByController({ ...owner, namespace: ref.namespace }, podName, sources);
  // The successor would not ask for a checkpoint.
  if (!asksForCheckpoint(spec.template?.metadata?.annotations)) return known('not-here');
  if (ref.kind === 'StatefulSet' && !hasOrdinal(spec, podName)) return known('not-here');
  if (ref.kind === 'Deployment' || ref.kind === 'ReplicaSet') {
    const met = await isMetElsewhere({ ...spec, namespace: ref.namespace }, serviceAccount, sources.nodeName);
    if (!met.known) return met;
    if (met.value) return known('not-here');
  }
  const node = await sources.node();
  if (!node.known) return node;
  return known(belongsHere(spec.template, node.value) ? 'wanted' : 'not-here');
}

function belongsHere(template: V1PodTemplateSpec | undefined, node: NodeForPods): boolean {
  const pod = template?.spec;
  const named = pod?.nodeName === undefined || pod.nodeName === node.name;
  return named && acceptsNode(pod, node) && toleratesTaints(pod, node.taints);
}

/** The pods of a StatefulSet are numbered from `ordinals.start`, as many as there are replicas. */
function hasOrdinal({ replicas = 1, ordinals }: NonNullable<Read['spec']>, podName: string): boolean {
  const ordinal = Number(/-(\d+)$/.exec(podName)?.[1] ?? 0);
  const start = ordinals?.start ?? 0;
  return ordinal >= start && ordinal < start + replicas;
}

/** The pod is still the controller's: a pod of a Deployment has its ReplicaSet as its own controller. */
function isOf(
  owners: readonly V1OwnerReference[] | undefined,
  controller: ControllerRef | undefined,
): boolean {
  const owner = owners?.find((reference) => reference.controller === true);
  return owner?.kind === controller?.kind && owner?.name === controller?.name;
}

async function lookUpPod(parent: ParentIdentity, { kubelet, nodeName }: WantedSources): Promise<Lookup> {
  const pods = `/api/v1/namespaces/${parent.namespace}/pods`;
  const answer = await kubelet.get(`${pods}/${parent.name}`);
  if (answer.ok) return known({ found: true, object: answer.body as Read });
  if (answer.status === 404) return known({ found: false });
  if (answer.status !== 403) return unknown(answer.reason);
  // Newer node authorizers refuse a get of a pod they do not know (KEP-4601); a list of this node's pods is granted.
  const fieldSelector = `spec.nodeName=${nodeName},metadata.name=${parent.name}`;
  const list = await kubelet.get(pods, { query: { fieldSelector } });
  if (!list.ok) return unknown(list.reason);
  const { kind, items } = list.body as { kind?: string; items?: V1Pod[] | null };
  if (kind !== 'PodList') return unknown(`${pods}: the answer is not a list`);
  const object = items?.[0] as Read | undefined;
  return known(object === undefined ? { found: false } : { found: true, object });
}

async function get(client: ApiClient, path: string): Promise<Lookup> {
  const answer = await client.get(path);
  if (answer.ok) return known({ found: true, object: answer.body as Read });
  return answer.status === 404 ? known({ found: false }) : unknown(answer.reason);
}

function asksForCheckpoint(annotations: Record<string, string> | undefined): boolean {
  return annotations?.[CHECKPOINT_ANNOTATION] === 'true';
}
