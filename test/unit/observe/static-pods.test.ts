// What stands in the static pod directory: ours, broken ones of ours, and what is not ours.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readStaticPods } from '../../../lib/observe/static-pods.ts';
import { ANNOTATION_OF, ANNOTATION_REVISION } from '../../../lib/types/workload.ts';

function manifest(of: string, fields: { revision?: string; uid?: string; kind?: string } = {}): string {
  const { revision = 'r1', uid = 'uid-1', kind = 'Pod' } = fields;
  const annotations = {
    [ANNOTATION_OF]: of,
    ...(revision === '' ? {} : { [ANNOTATION_REVISION]: revision }),
  };
  return JSON.stringify({ apiVersion: 'v1', kind, metadata: { name: 'x', uid, annotations }, spec: {} });
}

async function list(files: Record<string, string>) {
  const dir = mkdtempSync(join(tmpdir(), 'observe-static-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  const listing = await readStaticPods(dir);
  assert.ok(listing.known, JSON.stringify(listing));
  return { dir, ...listing.value };
}

test('our manifests are read, with dots and dashes in their names', async () => {
  const { dir, ...listing } = await list({
    'checkpoint-agent_kube-system_kube-apiserver.json': manifest('kube-system/kube-apiserver'),
    'checkpoint-agent_a-b_c.d-e.json': manifest('a-b/c.d-e', { revision: 'r2', uid: 'uid-2' }),
  });
  assert.deepEqual(listing, {
    ours: [
      {
        workload: 'a-b/c.d-e',
        revision: 'r2',
        uid: 'uid-2',
        file: join(dir, 'checkpoint-agent_a-b_c.d-e.json'),
      },
      {
        workload: 'kube-system/kube-apiserver',
        revision: 'r1',
        uid: 'uid-1',
        file: join(dir, 'checkpoint-agent_kube-system_kube-apiserver.json'),
      },
    ],
    broken: [],
    foreign: [],
  });
});

test('files of ours that are not our manifests are broken, each with what is wrong', async () => {
  const name = 'checkpoint-agent_n_w.json';
  const whole = manifest('n/w');
  for (const [content, problem] of [
    [whole.slice(0, -10), 'is not complete JSON'],
    ['', 'the file is empty'],
    ['null', 'kind is not Pod'],
    [manifest('n/w', { kind: 'ConfigMap' }), 'kind is not Pod'],
    [manifest('n/w', { uid: '' }), 'metadata.uid is missing'],
    [manifest('n/w', { revision: '' }), 'metadata.annotations[checkpoint-agent.io/revision] is missing'],
    [manifest('n/v'), "metadata.annotations[checkpoint-agent.io/of] is not n/w, which the file's name says"],
  ] as const) {
    const { dir, ours, broken } = await list({ [name]: content });
    assert.deepEqual(ours, []);
    assert.deepEqual(broken, [{ file: join(dir, name), problem }]);
  }
});

test('what is not ours is only counted, and dot files are not', async () => {
  const { ours, broken, foreign } = await list({
    '.checkpoint-agent_n_w.json.tmp': 'half',
    'kube-proxy.yaml': 'kind: Pod',
    'checkpoint-agent_n_w.json.bak': manifest('n/w'),
    'checkpoint-agent-n-w.json': manifest('n/w'),
  });
  assert.deepEqual([ours, broken], [[], []]);
  assert.deepEqual(foreign, [
    'checkpoint-agent-n-w.json',
    'checkpoint-agent_n_w.json.bak',
    'kube-proxy.yaml',
  ]);
});

test('a file that vanishes between listing and reading is absent, a directory in its place is broken', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'observe-static-'));
  symlinkSync(join(dir, 'gone'), join(dir, 'checkpoint-agent_n_w.json'));
  mkdirSync(join(dir, 'checkpoint-agent_n_v.json'));
  const listing = await readStaticPods(dir);
  assert.ok(listing.known);
  assert.deepEqual(listing.value.ours, []);
  assert.deepEqual(listing.value.broken, [
    { file: join(dir, 'checkpoint-agent_n_v.json'), problem: 'cannot be read (EISDIR)' },
  ]);
});

test('a directory that cannot be read is unknown, not empty', async () => {
  const reason =
    "static pod directory /absent/manifests cannot be read (ENOENT); name the kubelet's with --static-pod-dir";
  assert.deepEqual(await readStaticPods('/absent/manifests'), { known: false, reason });
});
