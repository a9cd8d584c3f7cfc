// The endless life of a few workloads, as numbered operations on the store. Guest and host compute the same ones from
// the seed, so that the host knows what the disk must hold without asking the guest what it wrote. Each operation may be
// carried out again: the one under way when the power went is begun anew after the boot.

import type {
  CompiledCheckpoint,
  MaterialFile,
  MaterialVolume,
  RevisionId,
} from '../../lib/types/checkpoint.ts';
import type { WorkloadRecord } from '../../lib/types/memory.ts';
import type { NodeRecord, StoreWriter } from '../../lib/types/store.ts';
import { type WorkloadKey, workloadKey } from '../../lib/types/workload.ts';
import { seededRandom } from '../world/random.ts';

export type Operation =
  | { readonly name: 'addRevision'; readonly checkpoint: CompiledCheckpoint; readonly createdAtMs: number }
  | { readonly name: 'putRecord'; readonly key: WorkloadKey; readonly record: WorkloadRecord }
  | { readonly name: 'putNode'; readonly record: NodeRecord }
  | {
      readonly name: 'refreshVolume';
      readonly key: WorkloadKey;
      readonly revision: RevisionId;
      readonly volume: MaterialVolume;
    }
  | { readonly name: 'removeRevision'; readonly key: WorkloadKey; readonly revision: RevisionId }
  | { readonly name: 'removeWorkload'; readonly key: WorkloadKey };

const WORKLOADS = [
  workloadKey('kube-system', 'kube-apiserver'),
  workloadKey('kube-system', 'kube-scheduler'),
  workloadKey('etcd', 'etcd'),
];

/** Operations of one revision's life, of one workload; then it is the next workload's turn. */
const ROUND = 8;

/** Every so many rounds the workload goes as a whole. */
const RETIRED_EVERY = 7;

/** From an empty file over one block to several: what a secret or a bundle of certificates may be. */
const FILE_BYTES_MAX = 20_000;

function revisionId(round: number): RevisionId {
  return round.toString(16).padStart(64, '0') as RevisionId;
}

function randomBytes(next: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(next() * 256));
}

function checkpointOf(seed: number, round: number, key: WorkloadKey): CompiledCheckpoint {
  const { next } = seededRandom(seed * 1_000_003 + round);
  const files = Array.from({ length: 2 + Math.floor(next() * 3) }, (_, index): MaterialFile => {
    const path = index % 2 === 0 ? `file-${index}` : `nested/file-${index}`;
    const length = Math.floor(next() ** 3 * FILE_BYTES_MAX);
    return { path, mode: 0o600, uid: 0, gid: 0, content: randomBytes(next, length) };
  });
  const certificates = { name: 'certs', directoryMode: 0o755, directoryGid: 0, files };
  return {
    workload: key,
    revision: revisionId(round),
    manifest: { apiVersion: 'v1', kind: 'Pod', metadata: { name: `pod-${round}`, namespace: 'kube-system' } },
    volumes: [certificates, tokenVolume(0)],
    notes: [],
  };
}

function tokenVolume(issue: number): MaterialVolume {
  const token = { expirationSeconds: 3607, expiresAtMs: issue };
  const content = new TextEncoder().encode(`token ${issue}`);
  return {
    name: 'token',
    directoryMode: 0o755,
    directoryGid: 0,
    files: [{ path: 'token', mode: 0o600, uid: 0, gid: 0, content, token }],
  };
}

function recordOf(number: number, revisions: Partial<WorkloadRecord>): WorkloadRecord {
  return {
    phase: { name: 'standby' },
    options: { overlap: false, allowSecretEnv: false, dropLabels: false },
    failedHandovers: number,
    ...revisions,
  };
}

/** The operation with this number, counted from 1. */
export function operation(seed: number, number: number): Operation {
  const round = Math.floor((number - 1) / ROUND) + 1;
  const key = WORKLOADS[round % WORKLOADS.length] as WorkloadKey;
  const revision = revisionId(round);
  const proven = { revision, atMs: number };
  const before = round > WORKLOADS.length ? { previous: revisionId(round - WORKLOADS.length) } : {};
  switch ((number - 1) % ROUND) {
    case 0:
      return { name: 'addRevision', checkpoint: checkpointOf(seed, round, key), createdAtMs: number };
    case 1:
      return { name: 'putRecord', key, record: recordOf(number, { candidate: revision }) };
    case 2:
    case 6:
      return { name: 'refreshVolume', key, revision, volume: tokenVolume(number) };
    case 3:
      return { name: 'putRecord', key, record: recordOf(number, { proven, ...before }) };
    case 4:
      return {
        name: 'removeRevision',
        key,
        revision: revisionId(Math.max(0, round - 2 * WORKLOADS.length)),
      };
    case 5:
      return { name: 'putNode', record: { bootId: `boot-${number}`, nodeUid: 'node' } };
    default:
      return round % RETIRED_EVERY === 0
        ? { name: 'removeWorkload', key }
        : { name: 'putRecord', key, record: recordOf(number, { proven, ...before }) };
  }
}

/** Resolves when it is durable, says the store. */
export function carryOut(store: StoreWriter, operation: Operation): Promise<void> {
  switch (operation.name) {
    case 'addRevision':
      return store.addRevision(operation.checkpoint, operation.createdAtMs);
    case 'putRecord':
      return store.putRecord(operation.key, operation.record);
    case 'putNode':
      return store.putNode(operation.record);
    case 'refreshVolume':
      return store.refreshVolume(operation.key, operation.revision, operation.volume);
    case 'removeRevision':
      return store.removeRevision(operation.key, operation.revision);
    case 'removeWorkload':
      return store.removeWorkload(operation.key);
  }
}
