// Every API object that a parent names and that must be resolved before it can be compiled: Secrets and ConfigMaps of
// volumes and environment, service account tokens and trust bundles of projected volumes. Order and duplicates of the pod do not show.

import type { V1Pod } from '@kubernetes/client-node';
import {
  ALL_TRUST_BUNDLES,
  type ObjectRef,
  objectKey,
  type TokenRef,
  type TokenRequest,
  tokenKey,
} from '../types/checkpoint.ts';
import { containersOf, serviceAccountOf } from './context.ts';
import { asInteger, asList, asObject, asString, type Json, type JsonObject, plainPod } from './plain-json.ts';
import { type BundleChoice, bundleChoiceOf } from './trust-bundles.ts';

export interface PodReferences {
  readonly objects: readonly (ObjectRef & {
    /** Every place that names it says optional: its absence is no reason to wait or to complain. */
    readonly optional: boolean;
  })[];
  readonly tokens: readonly TokenRef[];
  readonly trustBundles: readonly { readonly choice: BundleChoice; readonly optional: boolean }[];
}

/** What the kubelet asks for when a projected token says nothing. */
const DEFAULT_EXPIRATION_SECONDS = 3600;

/** The request of one `serviceAccountToken` source; undefined when its fields have the wrong type. */
export function tokenRequestOf(source: JsonObject): TokenRequest | undefined {
  const expirationSeconds =
    source.expirationSeconds === undefined ? DEFAULT_EXPIRATION_SECONDS : asInteger(source.expirationSeconds);
  const audience = source.audience === undefined ? '' : asString(source.audience);
  if (expirationSeconds === undefined || expirationSeconds <= 0 || audience === undefined) {
    return undefined;
  }
  return audience === '' ? { expirationSeconds } : { audience, expirationSeconds };
}

export function references(pod: V1Pod): PodReferences {
  const json = asObject(plainPod(pod).value);
  const spec = asObject(json?.spec) ?? {};
  const namespace = asString(asObject(json?.metadata)?.namespace) || 'default';
  const objects = new Map<string, PodReferences['objects'][number]>();
  const tokens = new Map<string, TokenRef>();
  const trustBundles: PodReferences['trustBundles'][number][] = [];

  const name = (kind: ObjectRef['kind'], reference: Json | undefined, nameField = 'name'): void => {
    const source = asObject(reference);
    const named = asString(source?.[nameField]);
    if (source === undefined || named === undefined || named === '') {
      return;
    }
    const key = `${kind} ${objectKey({ namespace, name: named })}`;
    const optional = source.optional === true && (objects.get(key)?.optional ?? true);
    objects.set(key, { kind, namespace, name: named, optional });
  };
  const token = (source: Json | undefined): void => {
    const request = asObject(source) === undefined ? undefined : tokenRequestOf(asObject(source) ?? {});
    if (request !== undefined) {
      const reference = { namespace, serviceAccount: serviceAccountOf(spec), ...request };
      tokens.set(tokenKey(reference), reference);
    }
  };
  const trustBundle = (value: Json | undefined): void => {
    const source = asObject(value) ?? {};
    const choice = bundleChoiceOf(source);
    if (choice !== undefined) {
      trustBundles.push({ choice, optional: source.optional === true });
      objects.set(ALL_TRUST_BUNDLES.kind, { ...ALL_TRUST_BUNDLES, optional: false });
    }
  };

  for (const { container } of containersOf(spec)) {
    for (const source of asList(container.envFrom).map(asObject)) {
      name('ConfigMap', source?.configMapRef);
      name('Secret', source?.secretRef);
    }
    for (const variable of asList(container.env).map(asObject)) {
      const from = asObject(variable?.valueFrom);
      name('ConfigMap', from?.configMapKeyRef);
      name('Secret', from?.secretKeyRef);
    }
  }
  for (const volume of asList(spec.volumes).map(asObject)) {
    name('ConfigMap', volume?.configMap);
    name('Secret', volume?.secret, 'secretName');
    for (const source of asList(asObject(volume?.projected)?.sources).map(asObject)) {
      name('ConfigMap', source?.configMap);
      name('Secret', source?.secret);
      token(source?.serviceAccountToken);
      trustBundle(source?.clusterTrustBundle);
    }
  }
  const sorted = <T>(map: ReadonlyMap<string, T>): T[] =>
    [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, v]) => v);
  return { objects: sorted(objects), tokens: sorted(tokens), trustBundles };
}
