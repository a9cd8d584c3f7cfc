import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../../lib/store/open-store.ts';
import { checkpoint, id, KEY, record, stateDirectory } from './state-directory.ts';

const ROOT = join(import.meta.dirname, '../../..');

function verify(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const command = ['--import', 'tsx', 'cmd/agent.ts', 'verify', ...args];
  return spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8' });
}

test('agent verify says that all is intact, or names what is not, and changes nothing', async (t) => {
  const state = await stateDirectory(t);
  const store = await openStore(state);
  await store.addRevision(checkpoint(1), 1);
  await store.putRecord(KEY, record(1));

  const well = verify('--state-dir', state);
  assert.equal(well.status, 0, well.stderr);
  assert.match(
    well.stdout,
    /kube-system\/kube-apiserver: 1 intact, proven 000000000000, \d+ bytes\nall intact in /,
  );

  const key = join(store.workloads()[0]?.revisions[0]?.materialDir ?? '', 'certs/..1/tls.key');
  await appendFile(key, '!');
  const text = verify('--state-dir', state);
  assert.equal(text.status, 1);
  assert.match(text.stdout, /DAMAGED .*tls\.key: is larger than it was written; revision not used/);
  assert.match(text.stdout, /the proven revision is missing or not intact/);
  assert.doesNotMatch(text.stdout, /private/);

  const json = verify('--state-dir', state, '-o', 'json');
  const report = JSON.parse(json.stdout) as { intact: boolean; findings: { path: string }[] };
  assert.equal(report.intact, false);
  assert.deepEqual(
    report.findings.map((finding) => finding.path),
    [key, join(state, 'workloads', KEY, 'revisions', id(1))],
  );
  assert.deepEqual(store.findings(), [], 'it was only read');
});

test('agent verify fails in one line where there is no store', async (t) => {
  const state = await stateDirectory(t);
  const { status, stderr } = verify('--state-dir', state);
  assert.equal(status, 1);
  assert.match(stderr, /^agent: cannot verify .*: there is no such directory: is --state-dir right\?\n$/);
  await rm(state, { force: true });
});
