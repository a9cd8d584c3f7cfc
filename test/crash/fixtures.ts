// Workloads as small as they can be with everything in them that is written in its own way: files, nested directories,
// links, a token volume, other modes and owners.

import type { CompiledCheckpoint, MaterialVolume, RevisionId } from '../../lib/types/checkpoint.ts';
import type { WorkloadRecord } from '../../lib/types/memory.ts';
import { type WorkloadKey, workloadKey } from '../../lib/types/workload.ts';

export const STATE = '/state';
export const APISERVER = workloadKey('kube-system', 'kube-apiserver');
export const ETCD = workloadKey('etcd', 'etcd');

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

export function revisionId(number: number): RevisionId {
  return number.toString(16).padStart(8, '0') as RevisionId;
}

/** Every secret byte in a store made of these holds this word, so that a search finds what was left behind. */
export const SECRET_WORD = 'PRIVATE';

export function tokenVolume(issue: number): MaterialVolume {
  const token = { audience: 'api', expirationSeconds: 3607, expiresAtMs: 1000 * issue };
  return {
    name: 'token',
    directoryMode: 0o2755,
    directoryGid: 7,
    files: [
      { path: 'token', mode: 0o640, uid: 0, gid: 7, content: bytes(`${SECRET_WORD} token ${issue}`), token },
      { path: 'ca.crt', mode: 0o644, uid: 0, gid: 0, content: bytes('ca') },
    ],
  };
}

export function checkpointOf(workload: WorkloadKey, number: number, withToken = false): CompiledCheckpoint {
  const certificates: MaterialVolume = {
    name: 'certs',
    directoryMode: 0o755,
    directoryGid: 0,
    mountPoints: ['nested/inside', 'extra/deep'],
    files: [
      {
        path: 'tls.key',
        mode: 0o600,
        uid: 3,
        gid: 4,
        content: bytes(`${SECRET_WORD} ${workload} ${number} `.repeat(8)),
      },
      { path: 'nested/tls.crt', mode: 0o644, uid: 0, gid: 0, content: bytes(`certificate ${number}`) },
    ],
  };
  return {
    workload,
    revision: revisionId(number),
    manifest: { metadata: { name: `pod-${number}`, namespace: 'kube-system' } },
    volumes: withToken ? [certificates, tokenVolume(1)] : [certificates],
    notes: [],
  };
}

export function recordOf(proven: number | undefined, previous?: number, candidate?: number): WorkloadRecord {
  return {
    phase: { name: proven === undefined ? 'none' : 'standby' },
    options: { overlap: false, allowSecretEnv: false, dropLabels: false },
    failedHandovers: 0,
    ...(proven === undefined ? {} : { proven: { revision: revisionId(proven), atMs: proven } }),
    ...(previous === undefined ? {} : { previous: revisionId(previous) }),
    ...(candidate === undefined ? {} : { candidate: revisionId(candidate) }),
  };
}
