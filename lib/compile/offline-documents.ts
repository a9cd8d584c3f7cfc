// Documents of a YAML stream, without a cluster: the pods they hold (or would make, by their templates) and the objects
// that may stand beside them. A pod of a template is called as its controller would call it, with zeros.

import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node';
import { type ClusterTrustBundle, type Found, objectKey } from '../types/checkpoint.ts';
import { asList, asObject, asString, type Json, type JsonObject, own, plain } from './plain-json.ts';

export interface OfflineInput {
  readonly pods: readonly { readonly from: string; readonly pod: V1Pod }[];
  readonly secrets: ReadonlyMap<string, Found<V1Secret>>;
  readonly configMaps: ReadonlyMap<string, Found<V1ConfigMap>>;
  readonly trustBundles: readonly ClusterTrustBundle[];
}

/** Where a kind keeps its pod template. */
const TEMPLATES: ReadonlyMap<string, readonly string[]> = new Map([
  ['DaemonSet', ['spec', 'template']],
  ['Deployment', ['spec', 'template']],
  ['StatefulSet', ['spec', 'template']],
  ['ReplicaSet', ['spec', 'template']],
  ['ReplicationController', ['spec', 'template']],
  ['Job', ['spec', 'template']],
  ['CronJob', ['spec', 'jobTemplate', 'spec', 'template']],
]);

export const POD_KINDS: readonly string[] = ['Pod', ...TEMPLATES.keys()];

export function readDocuments(documents: readonly unknown[]): OfflineInput {
  const pods: OfflineInput['pods'][number][] = [];
  const secrets = new Map<string, Found<V1Secret>>();
  const configMaps = new Map<string, Found<V1ConfigMap>>();
  const trustBundles: ClusterTrustBundle[] = [];
  for (const document of documents.flatMap((value) => flatten(plain(value).value))) {
    const kind = asString(document.kind) ?? '';
    const metadata = asObject(document.metadata) ?? {};
    const name = asString(metadata.name) ?? '';
    const namespace = asString(metadata.namespace) || 'default';
    const key = objectKey({ namespace, name });
    if (kind === 'Secret') {
      secrets.set(key, { found: true, object: withStringData(document) as unknown as V1Secret });
    } else if (kind === 'ConfigMap') {
      configMaps.set(key, { found: true, object: document as unknown as V1ConfigMap });
    } else if (kind === 'ClusterTrustBundle') {
      trustBundles.push(document as unknown as ClusterTrustBundle);
    } else if (kind === 'Pod') {
      pods.push({ from: `${kind} ${key}`, pod: document as unknown as V1Pod });
    } else {
      const path = TEMPLATES.get(kind);
      const template = path?.reduce<Json | undefined>((at, field) => own(asObject(at), field), document);
      if (path !== undefined) {
        pods.push({ from: `${kind} ${key}`, pod: podOf(kind, name, namespace, asObject(template) ?? {}) });
      }
    }
  }
  return { pods, secrets, configMaps, trustBundles };
}

/** A `List` is its items. */
function flatten(document: Json | undefined): JsonObject[] {
  const object = asObject(document);
  if (object === undefined) {
    return [];
  }
  return asString(object.kind)?.endsWith('List') ? asList(object.items).flatMap(flatten) : [object];
}

function podOf(kind: string, name: string, namespace: string, template: JsonObject): V1Pod {
  const metadata = asObject(template.metadata) ?? {};
  const pod: JsonObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: kind === 'StatefulSet' ? `${name}-0` : `${name}-00000`,
      namespace: asString(metadata.namespace) || namespace,
      uid: '00000000-0000-0000-0000-000000000000',
      ownerReferences: [{ kind, name, controller: true }],
    },
    spec: template.spec ?? {},
  };
  return pod as unknown as V1Pod;
}

/** The API turns stringData into data when it is written; a file still has it. */
function withStringData(secret: JsonObject): JsonObject {
  const { stringData, ...rest } = secret;
  const encoded = Object.entries(asObject(stringData) ?? {}).map(([key, value]) => [
    key,
    typeof value === 'string' ? Buffer.from(value).toString('base64') : value,
  ]);
  return { ...rest, data: { ...asObject(secret.data), ...Object.fromEntries(encoded) } };
}
