// Objects for a compile without a cluster: what the input does not hold is assumed to be there, with a placeholder for
// each key the pod names, so that people and CI see what a checkpoint would look like. Tokens are placeholders always.

import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node';
import {
  type ClusterTrustBundle,
  type IssuedToken,
  objectKey,
  type ResolvedObjects,
  refName,
  tokenKey,
} from '../types/checkpoint.ts';
import { containersOf } from './context.ts';
import type { OfflineInput } from './offline-documents.ts';
import { asList, asObject, asString, type Json, type JsonObject, plain } from './plain-json.ts';
import { references } from './references.ts';
import { type BundleChoice, chosenBundles } from './trust-bundles.ts';

export interface AssumedObjects {
  readonly objects: ResolvedObjects;
  /** What they are called: not in the input, and assumed to be there. Optional ones are assumed to be absent. */
  readonly assumed: readonly string[];
}

export function assumeObjects(pod: V1Pod, input: OfflineInput): AssumedObjects {
  const secrets = new Map(input.secrets);
  const configMaps = new Map(input.configMaps);
  const tokens = new Map<string, IssuedToken>();
  const trustBundles = [...input.trustBundles];
  const assumed: string[] = [];
  const wanted = references(pod);
  const keys = namedKeys(asObject(asObject(plain(pod).value)?.spec) ?? {});
  for (const { optional, ...reference } of wanted.objects) {
    if (reference.kind === 'ClusterTrustBundleList') {
      continue;
    }
    const key = objectKey(reference);
    const map = reference.kind === 'Secret' ? secrets : configMaps;
    if (map.has(key)) {
      continue;
    }
    if (optional) {
      map.set(key, { found: false });
      continue;
    }
    assumed.push(refName(reference));
    const data = [...(keys.get(`${reference.kind} ${reference.name}`) ?? [])].map((name) => {
      const placeholder = `<${name} of ${reference.kind} ${key}>`;
      return [name, reference.kind === 'Secret' ? Buffer.from(placeholder).toString('base64') : placeholder];
    });
    const object = { data: Object.fromEntries(data) };
    if (reference.kind === 'Secret') {
      secrets.set(key, { found: true, object: object as V1Secret });
    } else {
      configMaps.set(key, { found: true, object: object as V1ConfigMap });
    }
  }
  for (const { choice, optional } of wanted.trustBundles) {
    if (!optional && chosenBundles(choice, trustBundles).length === 0) {
      assumed.push(`ClusterTrustBundle ${'name' in choice ? choice.name : `of ${choice.signerName}`}`);
      trustBundles.push(placeholder(choice));
    }
  }
  for (const reference of wanted.tokens) {
    tokens.set(tokenKey(reference), { token: '<token>', expiresAtMs: 0 });
  }
  return { objects: { secrets, configMaps, tokens, trustBundles }, assumed };
}

/** A bundle that is chosen, where one can be: what a selector wants is there, and nothing else. */
function placeholder(choice: BundleChoice): ClusterTrustBundle {
  const certificate = Buffer.from('certificates of a ClusterTrustBundle').toString('base64');
  const trustBundle = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`;
  if ('name' in choice) {
    return { metadata: { name: choice.name }, spec: { trustBundle } };
  }
  const { signerName, selector } = choice;
  const labels = (selector?.matchExpressions ?? []).flatMap(({ key, operator, values }) =>
    operator === 'In' || operator === 'Exists' ? [[key, asList(values)[0] ?? '']] : [],
  );
  return {
    metadata: { labels: { ...Object.fromEntries(labels), ...selector?.matchLabels } },
    spec: { signerName, trustBundle },
  };
}

/** Keys that the pod names, by `Kind name`. */
function namedKeys(spec: JsonObject): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>();
  const add = (kind: string, reference: Json | undefined, name: string, key: string): void => {
    const object = asObject(reference);
    const of = `${kind} ${asString(object?.[name]) ?? ''}`;
    for (const item of key === 'items' ? asList(object?.items).map(asObject) : [object]) {
      const named = asString(item?.key);
      if (named !== undefined) {
        keys.set(of, (keys.get(of) ?? new Set()).add(named));
      }
    }
  };
  for (const { container } of containersOf(spec)) {
    for (const variable of asList(container.env).map(asObject)) {
      const from = asObject(variable?.valueFrom);
      add('ConfigMap', from?.configMapKeyRef, 'name', 'key');
      add('Secret', from?.secretKeyRef, 'name', 'key');
    }
  }
  for (const volume of asList(spec.volumes).map(asObject)) {
    add('ConfigMap', volume?.configMap, 'name', 'items');
    add('Secret', volume?.secret, 'secretName', 'items');
    for (const source of asList(asObject(volume?.projected)?.sources).map(asObject)) {
      add('ConfigMap', source?.configMap, 'name', 'items');
      add('Secret', source?.secret, 'name', 'items');
    }
  }
  return keys;
}
