// `agent compile` as CI runs it: the bundle, a stream on standard input, and an exit code. Nothing else is there: no
// node, no cluster, no configuration.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

const bundle = join(import.meta.dirname, '../../../dist/agent.mjs');

function compile(
  input: string,
  ...args: string[]
): { stdout: string; stderr: string; status: number | null } {
  const argv = [bundle, 'compile', '-f', '-', ...args];
  return spawnSync(process.execPath, argv, { input, encoding: 'utf8', env: {}, timeout: 30_000 });
}

const stream = `kind: DaemonSet
metadata: {name: web, namespace: kube-system}
spec: {template: {spec: {hostNetwork: true, containers: [{name: c, image: x, volumeMounts: [{name: v, mountPath: /v}]}],
  volumes: [{name: v, secret: {secretName: s}}]}}}
---
kind: List
items:
- {kind: Secret, metadata: {name: s, namespace: kube-system}, stringData: {key: hunter2}}
- {kind: Pod, metadata: {name: alone}, spec: {containers: [{name: c, image: x}]}}
`;

test('a stream of a DaemonSet, its Secret and a List gives the manifests, and shows no secret', () => {
  const { stdout, stderr, status } = compile(stream, '-o', 'json');
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  assert.deepEqual(
    [...stdout.matchAll(/^ {4}"name": "(.*)"/gm)].map(([, name]) => name),
    ['web', 'alone'],
  );
  const explained = compile(stream, '--explain').stdout;
  assert.match(explained, /^carried +v\/key +0644, 7 bytes$/m);
  for (const text of [stdout, explained]) assert.ok(!text.includes('hunter2'));
});

test('a refusal is on stderr with the field and the remedy, and the exit code is 1', () => {
  const { stdout, stderr, status } = compile(stream.replace('secret: {secretName: s}', 'csi: {driver: d}'));
  assert.equal(status, 1);
  assert.match(stderr, /^DaemonSet kube-system\/web: spec\.volumes\[0\]\.csi: .*; use a hostPath$/m);
  assert.match(stdout, /name: alone/);
});
