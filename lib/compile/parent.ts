// Which pods are parents, of which workload, and with which options. A static pod, a mirror pod or a checkpoint is
// never a parent. Pod names come and go; the workload is the controller's name (lib/types/workload.ts).

import type { V1Pod } from '@kubernetes/client-node';
import type { ControllerRef } from '../types/memory.ts';
import type { Parent } from '../types/observation.ts';
import {
  ANNOTATION_OF,
  CHECKPOINT_ANNOTATION,
  OPTION_ALLOW_SECRET_ENV,
  OPTION_DROP_LABELS,
  OPTION_OVERLAP,
  OPTION_STANDBY_LOCK,
  type WorkloadKey,
  type WorkloadOptions,
  workloadKey,
} from '../types/workload.ts';
import { asList, asObject, asString, type Json, type JsonObject, own, plain } from './plain-json.ts';

const CONFIG_SOURCE = 'kubernetes.io/config.source';
const CONFIG_MIRROR = 'kubernetes.io/config.mirror';

interface Head {
  readonly metadata: JsonObject;
  readonly nodeName: Json | undefined;
  readonly conditions: Json | undefined;
  readonly phase: Json | undefined;
}

const heads = new WeakMap<object, Head>();

/** What tells whose a pod is and how it is: little of all that it says, read once for each version of it. */
function headOf(pod: V1Pod): Head {
  const known = heads.get(pod);
  if (known !== undefined) return known;
  const given = asObject(pod) ?? {};
  const status = asObject(given.status);
  const head = {
    metadata: asObject(plain(given.metadata).value) ?? {},
    nodeName: asObject(given.spec)?.nodeName,
    conditions: plain(status?.conditions).value,
    phase: status?.phase,
  };
  heads.set(given, head);
  return head;
}

function annotationsOf(pod: V1Pod): JsonObject {
  return asObject(headOf(pod).metadata.annotations) ?? {};
}

/** `controller` is the direct owner (a ReplicaSet where `workload` is its Deployment's name). */
export function workloadOf(pod: V1Pod): { workload: WorkloadKey; controller?: ControllerRef } {
  const { metadata } = headOf(pod);
  const namespace = asString(metadata.namespace) || 'default';
  const podName = asString(metadata.name) ?? '';
  const owner = asList(metadata.ownerReferences)
    .map(asObject)
    .find((reference) => reference?.controller === true);
  const kind = asString(owner?.kind);
  const name = asString(owner?.name);
  // A mirror pod is owned by its Node.
  if (owner === undefined || kind === undefined || name === undefined || kind === 'Node') {
    return { workload: workloadKey(namespace, podName) };
  }
  const controller: ControllerRef = {
    apiVersion: asString(owner.apiVersion) ?? '',
    kind,
    namespace,
    name,
    uid: asString(owner.uid) ?? '',
  };
  if (kind === 'StatefulSet') {
    return { workload: workloadKey(namespace, podName), controller };
  }
  const hash = asString(own(asObject(metadata.labels), 'pod-template-hash'));
  const ofDeployment =
    kind === 'ReplicaSet' && hash !== undefined && hash !== '' && name.endsWith(`-${hash}`);
  return {
    workload: workloadKey(namespace, ofDeployment ? name.slice(0, -hash.length - 1) : name),
    controller,
  };
}

/** A pod from the API, bound to this node, that asks to be checkpointed. */
export function isParent(pod: V1Pod, nodeName: string): boolean {
  const annotations = annotationsOf(pod);
  const source = own(annotations, CONFIG_SOURCE);
  return (
    own(annotations, CHECKPOINT_ANNOTATION) === 'true' &&
    headOf(pod).nodeName === nodeName &&
    (source === undefined || source === 'api') &&
    own(annotations, CONFIG_MIRROR) === undefined &&
    own(annotations, ANNOTATION_OF) === undefined
  );
}

export function readOptions(pod: V1Pod): WorkloadOptions {
  const annotations = annotationsOf(pod);
  const standbyLock = asString(own(annotations, OPTION_STANDBY_LOCK));
  return {
    ...(standbyLock ? { standbyLock } : {}),
    overlap: own(annotations, OPTION_OVERLAP) === 'true',
    allowSecretEnv: own(annotations, OPTION_ALLOW_SECRET_ENV) === 'true',
    dropLabels: own(annotations, OPTION_DROP_LABELS) === 'true',
  };
}

export function toParent(pod: V1Pod): Parent {
  const { metadata, conditions, phase } = headOf(pod);
  const created = Date.parse(asString(metadata.creationTimestamp) ?? '');
  return {
    ...workloadOf(pod),
    namespace: asString(metadata.namespace) || 'default',
    name: asString(metadata.name) ?? '',
    uid: asString(metadata.uid) ?? '',
    options: readOptions(pod),
    ready: asList(conditions)
      .map(asObject)
      .some((condition) => condition?.type === 'Ready' && condition.status === 'True'),
    deleting: metadata.deletionTimestamp !== undefined,
    finished: phase === 'Failed' || phase === 'Succeeded',
    createdAtMs: Number.isNaN(created) ? 0 : created,
    pod,
  };
}
