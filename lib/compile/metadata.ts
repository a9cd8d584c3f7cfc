// A checkpoint's metadata: the workload's name, the namespace, the user's labels and annotations. What controllers, the
// kubelet and CNI plugins write differs from pod to pod and stays out, so that equal content is an equal revision.

import {
  ANNOTATION_OF,
  ANNOTATION_PARENT_UID,
  ANNOTATION_REVISION,
  CHECKPOINT_ANNOTATION,
} from '../types/workload.ts';
import { applyTable } from './apply-table.ts';
import { METADATA_FIELDS } from './field-table.ts';
import type { Findings } from './findings.ts';
import { asObject, asString, type JsonObject } from './plain-json.ts';

const CONTROLLER_LABELS: ReadonlySet<string> = new Set([
  'controller-revision-hash',
  'pod-template-generation',
  'pod-template-hash',
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
]);

/** Written to the pod by us, by kubectl, or by a CNI plugin about one sandbox. */
const POD_ANNOTATIONS: ReadonlySet<string> = new Set([
  ANNOTATION_OF,
  ANNOTATION_REVISION,
  ANNOTATION_PARENT_UID,
  CHECKPOINT_ANNOTATION,
  'kubectl.kubernetes.io/last-applied-configuration',
  'cni.projectcalico.org/containerID',
  'cni.projectcalico.org/podIP',
  'cni.projectcalico.org/podIPs',
  'k8s.ovn.org/pod-networks',
  'k8s.v1.cni.cncf.io/network-status',
  'k8s.v1.cni.cncf.io/networks-status',
  'kubernetes.io/limit-ranger',
]);

export function labelStays(key: string): boolean {
  return !CONTROLLER_LABELS.has(key);
}

export function annotationStays(key: string): boolean {
  return !POD_ANNOTATIONS.has(key) && !key.startsWith('kubernetes.io/config.');
}

export interface Identity {
  readonly name: string;
  readonly namespace: string;
  /** The node's name, when known: the kubelet appends it. */
  readonly nodeName: string | undefined;
  readonly dropLabels: boolean;
}

const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAME_LENGTH_MAX = 253;

export function compileMetadata(metadata: JsonObject, identity: Identity, findings: Findings): JsonObject {
  const rest = applyTable(metadata, METADATA_FIELDS, 'metadata', findings);
  const suffix = identity.nodeName === undefined ? '' : `-${identity.nodeName}`;
  if (!DNS_SUBDOMAIN.test(identity.name) || identity.name.length + suffix.length > NAME_LENGTH_MAX) {
    findings.refuse(
      'metadata.name',
      `the static pod would be called ${JSON.stringify(identity.name.slice(0, 300) + suffix)}, which is no valid name ` +
        `of at most ${NAME_LENGTH_MAX} characters; rename its controller`,
    );
  }
  if (!DNS_LABEL.test(identity.namespace)) {
    findings.refuse('metadata.namespace', 'is no valid namespace; correct it in the pod');
  }
  const labels = compileLabels(metadata, identity.dropLabels, findings);
  const annotations = filtered(asObject(metadata.annotations), annotationStays);
  return {
    ...rest,
    name: identity.name,
    namespace: identity.namespace,
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
  };
}

function compileLabels(metadata: JsonObject, dropLabels: boolean, findings: Findings): JsonObject {
  if (!dropLabels) {
    return filtered(asObject(metadata.labels), labelStays);
  }
  findings.note(
    'metadata.labels',
    'dropped',
    "the pod's option asks for it, so that no Service selects the checkpoint",
  );
  return {};
}

function filtered(map: JsonObject | undefined, stays: (key: string) => boolean): JsonObject {
  return Object.fromEntries(
    Object.entries(map ?? {}).filter(([key, value]) => stays(key) && asString(value) !== undefined),
  );
}
