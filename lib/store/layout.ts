// Where things are in the state directory, for people with ls and cat as well. Every name that comes from outside is
// checked before it becomes a path. Workloads are nested directories, so `a-b/c` and `a/b-c` never share one.

import { join } from 'node:path';
import type { RevisionId } from '../types/checkpoint.ts';
import { splitWorkloadKey, type WorkloadKey } from '../types/workload.ts';
import { StoreError } from './store-error.ts';

export const DEFAULT_STATE_DIR = '/var/lib/checkpoint-agent';

// DNS-1123 as Kubernetes checks it: a namespace and a volume are labels, a controller's name is a subdomain.
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const REVISION = /^[0-9a-f]{8,64}$/;

export const isNamespace = (name: string): boolean => LABEL.test(name);
export const isWorkloadName = (name: string): boolean => SUBDOMAIN.test(name);
export const isRevision = (name: string): name is RevisionId => REVISION.test(name);
export const isVolumeName = (name: string): boolean => LABEL.test(name);

/** A path inside a volume, by the kubelet's own rule: relative, no `..` segment, no first segment that begins with `..`. */
export function isMaterialPath(path: string): boolean {
  if (path.length > 1024 || path.startsWith('..') || path.includes('\0')) return false;
  return path
    .split('/')
    .every((segment) => segment !== '' && segment !== '.' && segment !== '..' && segment.length <= 255);
}

function invalid(what: string, name: string): StoreError {
  const shown = JSON.stringify(name.slice(0, 80));
  return new StoreError(`use ${what}`, shown, '', 'it is not a name that Kubernetes allows');
}

export const formatFile = (root: string): string => join(root, 'format.json');
export const nodeFile = (root: string): string => join(root, 'node.json');
export const workloadsDir = (root: string): string => join(root, 'workloads');
export const quarantineDir = (root: string): string => join(root, 'quarantine');

function below(base: string, key: WorkloadKey): string {
  const { namespace, name } = splitWorkloadKey(key);
  if (!isNamespace(namespace)) throw invalid('namespace', namespace);
  if (!isWorkloadName(name)) throw invalid('workload', name);
  return join(base, namespace, name);
}

export function workloadDir(root: string, key: WorkloadKey): string {
  return below(workloadsDir(root), key);
}

export function workloadQuarantineDir(root: string, key: WorkloadKey): string {
  return below(quarantineDir(root), key);
}

export function recordFile(root: string, key: WorkloadKey): string {
  return join(workloadDir(root, key), 'record.json');
}

export function revisionsDir(root: string, key: WorkloadKey): string {
  return join(workloadDir(root, key), 'revisions');
}

export function revisionDir(root: string, key: WorkloadKey, revision: RevisionId): string {
  if (!isRevision(revision)) throw invalid('revision', revision);
  return join(revisionsDir(root, key), revision);
}

// Inside a revision.
export const manifestFile = (revision: string): string => join(revision, 'manifest.json');
export const digestsFile = (revision: string): string => join(revision, 'digests.json');
export const materialDir = (revision: string): string => join(revision, 'volumes');
export const tokensDir = (revision: string): string => join(revision, 'tokens');

/** Digests of one payload's tokens. Outside the volume, so that the pod does not see them; a volume's name has no dot. */
export function tokensFile(revision: string, volume: string, stamp: number): string {
  return join(tokensDir(revision), `${volume}.${stamp}.json`);
}

// Inside a volume, as the kubelet's AtomicWriter lays it out (kubernetes pkg/volume/util/atomic_writer.go).
export const DATA_LINK = '..data';
export const DATA_LINK_UNFINISHED = '..data_tmp';
export const payloadName = (stamp: number): string => `..${stamp}`;

/** The number in a payload directory's name. Counted up, so that no clock is needed. */
export function payloadStamp(name: string): number | undefined {
  const match = /^\.\.([1-9][0-9]{0,14})$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}
