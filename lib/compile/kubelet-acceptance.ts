// What a kubelet from 1.34 to 1.37 demands of a static pod: no API object, nothing to ask the API or a registry for, no
// port twice. Stated a second time: nothing here uses the compiler's tables or code, so that a mistake there does not
// excuse itself. Answers problems, none is good.

import type { V1Pod } from '@kubernetes/client-node';
import { containerProblems } from './kubelet-acceptance-container.ts';
import { volumeProblems } from './kubelet-acceptance-volume.ts';

const MANIFEST_BYTES_MAX = 10 * 1024 * 1024;

/** Set and not empty: the kubelet's decoder treats an empty list or string like an absent one. */
function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === '') {
    return false;
  }
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** Pod-wide fields that make a kubelet refuse the pod, reject it at admission, or wait for the API. */
const FORBIDDEN: readonly (readonly [string, string])[] = [
  ['serviceAccountName', 'names an API object'],
  ['serviceAccount', 'names an API object'],
  ['imagePullSecrets', 'names an API object'],
  ['resourceClaims', 'names an API object'],
  ['runtimeClassName', 'is read from the API at sandbox creation'],
  ['overhead', 'is refused without runtimeClassName'],
  ['ephemeralContainers', 'is refused on creation'],
  ['schedulingGates', 'is refused on creation'],
  ['readinessGates', 'is never met'],
  ['nodeSelector', "is not met by an offline Node's labels"],
  ['affinity', "is not met by an offline Node's labels"],
];

export function wouldKubeletAccept(manifest: V1Pod): string[] {
  const problems: string[] = [];
  const bytes = bytesOf(manifest);
  if (bytes === undefined) {
    return ['the manifest cannot be written as JSON'];
  }
  if (bytes > MANIFEST_BYTES_MAX) {
    problems.push(`the manifest has ${bytes} bytes, and a kubelet reads at most ${MANIFEST_BYTES_MAX}`);
  }
  if (manifest?.apiVersion !== 'v1' || manifest.kind !== 'Pod') {
    problems.push('apiVersion and kind must be v1 and Pod');
  }
  const metadata: Record<string, unknown> = { ...manifest?.metadata };
  problems.push(...metadataProblems(metadata));
  if (isSet((manifest as { status?: unknown } | undefined)?.status)) {
    problems.push('status must not be set');
  }
  const spec: Record<string, unknown> = { ...manifest?.spec };
  for (const [field, why] of FORBIDDEN) {
    if (isSet(spec[field])) {
      problems.push(`spec.${field} ${why}`);
    }
  }
  if ((spec.priority === undefined) !== (spec.priorityClassName === undefined)) {
    problems.push('spec.priority and spec.priorityClassName must be set together');
  }
  const volumeNames = volumeProblems(spec.volumes, problems);
  containerProblems(spec, volumeNames, problems);
  return problems;
}

function bytesOf(manifest: unknown): number | undefined {
  try {
    return Buffer.byteLength(JSON.stringify(manifest) ?? '');
  } catch {
    return undefined;
  }
}

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function metadataProblems(metadata: Record<string, unknown>): string[] {
  const problems: string[] = [];
  const { name, namespace } = metadata;
  if (typeof name !== 'string' || name.length > 253 || !NAME.test(name)) {
    problems.push('metadata.name must be a DNS subdomain of at most 253 characters');
  }
  if (
    namespace !== undefined &&
    (typeof namespace !== 'string' || !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
  ) {
    problems.push('metadata.namespace must be a DNS label');
  }
  for (const field of [
    'ownerReferences',
    'resourceVersion',
    'deletionTimestamp',
    'managedFields',
    'finalizers',
  ]) {
    if (isSet(metadata[field])) {
      problems.push(`metadata.${field} must not be set`);
    }
  }
  for (const field of ['labels', 'annotations']) {
    const map = metadata[field];
    if (
      map !== undefined &&
      (typeof map !== 'object' || map === null || Object.values(map).some((v) => typeof v !== 'string'))
    ) {
      problems.push(`metadata.${field} must map names to text`);
    }
  }
  const annotations = Object.keys((metadata.annotations as object | undefined) ?? {});
  if (annotations.some((key) => key.startsWith('kubernetes.io/config.'))) {
    problems.push('metadata.annotations must not hold kubernetes.io/config.*, which the kubelet writes');
  }
  return problems;
}
