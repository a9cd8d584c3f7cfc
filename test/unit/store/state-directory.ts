// A real directory for each test, and checkpoints to put into it.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openStore } from '../../../lib/store/open-store.ts';
import type {
  CompiledCheckpoint,
  MaterialFile,
  MaterialVolume,
  RevisionId,
} from '../../../lib/types/checkpoint.ts';
import type { WorkloadRecord } from '../../../lib/types/memory.ts';
import { type WorkloadKey, workloadKey } from '../../../lib/types/workload.ts';

export const KEY = workloadKey('kube-system', 'kube-apiserver');

export async function stateDirectory(t: TestContext): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'checkpoint-agent-store-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  return join(parent, 'state');
}

export const id = (number: number): RevisionId => number.toString(16).padStart(64, '0') as RevisionId;

export function file(path: string, content: string, more: Partial<MaterialFile> = {}): MaterialFile {
  return { path, mode: 0o644, uid: 0, gid: 0, content: new TextEncoder().encode(content), ...more };
}

export function volume(name: string, files: readonly MaterialFile[]): MaterialVolume {
  return { name, directoryMode: 0o755, directoryGid: 0, files };
}

export function tokenVolume(issue: string): MaterialVolume {
  const token = { audience: 'api', expirationSeconds: 3607, expiresAtMs: issue.length };
  return volume('token', [file('token', issue, { token, mode: 0o600 }), file('ca.crt', 'certificate')]);
}

export function checkpoint(
  revision: number,
  volumes: readonly MaterialVolume[] = [
    volume('certs', [file('tls.key', `private ${revision}`, { mode: 0o600 })]),
  ],
  workload: WorkloadKey = KEY,
): CompiledCheckpoint {
  const manifest = { metadata: { name: `pod-${revision}` } };
  return { workload, revision: id(revision), manifest, volumes, notes: [] };
}

export function record(proven?: number): WorkloadRecord {
  return {
    phase: { name: proven === undefined ? 'none' : 'standby' },
    options: { overlap: false, allowSecretEnv: false, dropLabels: false },
    failedHandovers: 0,
    ...(proven === undefined ? {} : { proven: { revision: id(proven), atMs: 7 } }),
  };
}

/** To search for what should not be there any more. */
export async function everyByteBelow(directory: string): Promise<string> {
  const names = await readdir(directory, { recursive: true });
  const texts = names.map((name) => readFile(join(directory, name), 'latin1').catch(() => ''));
  return (await Promise.all(texts)).join('\n');
}

/** Below the state directory. */
export const WORKLOAD = 'workloads/kube-system/kube-apiserver';
export const fileOf = (revision: number, path: string): string =>
  join(WORKLOAD, 'revisions', id(revision), path);
export const KEY_FILE = 'volumes/certs/..1/tls.key';

/** Two revisions, the second one proven. */
export async function filled(state: string): Promise<void> {
  const store = await openStore(state);
  await store.addRevision(checkpoint(1), 1);
  await store.addRevision(checkpoint(2), 2);
  await store.putRecord(KEY, { ...record(2), previous: id(1) });
  await store.putNode({ bootId: 'boot' });
  await store.close();
}
