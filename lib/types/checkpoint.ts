// What the compiler makes of a parent: a static pod manifest and the files it mounts, or refusals in words.

import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node';
import type { Observed } from './observed.ts';
import type { WorkloadKey } from './workload.ts';

/** Digest of a compiled checkpoint's content: the lower-case hex SHA-256. Same content, same revision. */
export type RevisionId = string & { readonly revision: unique symbol };

/**
 * Host paths of material stand in a compiled manifest below this placeholder (`/@material/<volume>`); they become
 * real ones when the manifest is rendered for activation, since the folder's name holds the revision.
 */
export const MATERIAL_PLACEHOLDER = '/@material';

/** A service account token the kubelet would project. */
export interface TokenRequest {
  readonly audience?: string;
  readonly expirationSeconds: number;
}

export interface MaterialFile {
  /** Path inside the volume, with `/` as separator, never absolute and without `..` segments. */
  readonly path: string;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly content: Uint8Array;
  /** Set for a token: its bytes change without making a new revision. */
  readonly token?: TokenRequest & { readonly expiresAtMs: number };
}

/** The files of one secret, configMap, projected or downwardAPI volume, laid out on disk as the kubelet does (`..data`). */
export interface MaterialVolume {
  readonly name: string;
  readonly directoryMode: number;
  readonly directoryGid: number;
  readonly files: readonly MaterialFile[];
  /**
   * Directories (0755) to make in the volume's root, beside the links into `..data`, because another volume is mounted
   * there: the runtime cannot make a mount point inside a read-only mount. Absent when there are none.
   */
  readonly mountPoints?: readonly string[];
}

export interface CompiledCheckpoint {
  readonly workload: WorkloadKey;
  readonly revision: RevisionId;
  /** A static pod without metadata.uid; material paths below MATERIAL_PLACEHOLDER. Never holds a secret's bytes unless the pod's option allows it. */
  readonly manifest: V1Pod;
  readonly volumes: readonly MaterialVolume[];
  /** What was changed or dropped and why, one a field, for `agent compile --explain`. */
  readonly notes: readonly CompileNote[];
}

export interface CompileNote {
  /** Path of the field in the parent, such as `spec.volumes[2].secret`. */
  readonly field: string;
  readonly treatment: 'dropped' | 'rewritten' | 'exposed' | 'unknown';
  readonly why: string;
  /** The checkpoint may do something else than its parent, or shows more: said in status and as an Event, unasked. */
  readonly risk?: true;
}

export interface Refusal {
  readonly field: string;
  /** Why, and what a person can do about it. */
  readonly why: string;
}

export type CompileOutcome =
  | { readonly ok: true; readonly checkpoint: CompiledCheckpoint }
  | { readonly ok: false; readonly workload: WorkloadKey; readonly refusals: readonly Refusal[] };

/** An object that a pod names: `missing` is the API's own 404, not an error. */
export type Found<T> = { readonly found: true; readonly object: T } | { readonly found: false };

/** The bundles of the whole cluster are read as one object: a list, whose namespace and name are empty. */
export interface ObjectRef {
  readonly kind: 'Secret' | 'ConfigMap' | 'ClusterTrustBundleList';
  readonly namespace: string;
  readonly name: string;
}

export const ALL_TRUST_BUNDLES: ObjectRef = { kind: 'ClusterTrustBundleList', namespace: '', name: '' };

/** Of certificates.k8s.io/v1 (kubernetes 1.37), which the client library does not know yet. */
export interface ClusterTrustBundle {
  readonly metadata?: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly signerName?: string; readonly trustBundle?: string };
}

export interface ClusterTrustBundleList {
  readonly items: readonly ClusterTrustBundle[];
}

/** What can be read by an `ObjectRef`. */
export type ReadObject = V1Secret | V1ConfigMap | ClusterTrustBundleList;

export interface TokenRef extends TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

/** Everything that a parent names, resolved. Keys come from `objectKey` and `tokenKey`. */
export interface ResolvedObjects {
  readonly secrets: ReadonlyMap<string, Found<V1Secret>>;
  readonly configMaps: ReadonlyMap<string, Found<V1ConfigMap>>;
  readonly tokens: ReadonlyMap<string, IssuedToken>;
  /** All of the cluster; absent when they have not been read. */
  readonly trustBundles?: readonly ClusterTrustBundle[];
}

export function objectKey(ref: { namespace: string; name: string }): string {
  return `${ref.namespace}/${ref.name}`;
}

/** What people are told that it is called. */
export function refName({ kind, namespace, name }: ObjectRef): string {
  return kind === 'ClusterTrustBundleList' ? 'ClusterTrustBundles' : `${kind} ${namespace}/${name}`;
}

export function tokenKey(ref: TokenRef): string {
  return `${ref.namespace}/${ref.serviceAccount}/${ref.audience ?? ''}/${ref.expirationSeconds}`;
}

/** The outcome for a parent whose objects could, or could not yet, be read. */
export type CompileResult = Observed<CompileOutcome>;
