// Is a parent that is absent from the list still wanted here? By the word of every other controller.

import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createApiSource } from '../../../lib/observe/apiserver/source.ts';
import { serviceAccountIdentity } from '../../../lib/observe/service-account.ts';
import { identityFor, SmallApi } from './small-api.ts';
import { controller, elsewhere, TWO, testWanted } from './wanted-stage.ts';

testWanted([
  {
    name: 'Deployment: exists',
    kind: 'Deployment',
    objects: [controller('Deployment', { replicas: 1 })],
    expected: 'wanted',
  },
  {
    name: 'Deployment: no replicas',
    kind: 'Deployment',
    objects: [controller('Deployment', { replicas: 0 })],
    expected: 'not-here',
  },
  {
    name: 'Deployment: replicas left to the default',
    kind: 'Deployment',
    objects: [controller('Deployment')],
    expected: 'wanted',
  },
  {
    name: 'Deployment: drained from here, all it wants runs elsewhere',
    kind: 'Deployment',
    objects: [TWO, elsewhere('a'), elsewhere('b')],
    expected: 'not-here',
  },
  {
    name: 'Deployment: one elsewhere is not ready',
    kind: 'Deployment',
    objects: [TWO, elsewhere('a'), elsewhere('b', { ready: false })],
    expected: 'wanted',
  },
  {
    name: 'Deployment: one elsewhere is being deleted',
    kind: 'Deployment',
    objects: [
      TWO,
      elsewhere('a'),
      elsewhere('b', { metadata: { labels: { app: 'w' }, deletionTimestamp: '2026-01-01T00:00:00Z' } }),
    ],
    expected: 'wanted',
  },
  {
    name: 'Deployment: one of two waits for a scheduler',
    kind: 'Deployment',
    objects: [TWO, elsewhere('a'), elsewhere('b', { ready: false, nodeName: '' })],
    expected: 'wanted',
  },
  {
    name: 'Deployment: pods of others do not count',
    kind: 'Deployment',
    objects: [TWO, elsewhere('a'), elsewhere('b', { metadata: { labels: { app: 'other' } } })],
    expected: 'wanted',
  },
  {
    name: 'Deployment: its pods may not be listed',
    kind: 'Deployment',
    objects: [TWO],
    override: ({ path, headers }) =>
      path.endsWith('/pods') && headers.authorization === 'Bearer service-account-token'
        ? { status: 403, body: { message: 'sorry' } }
        : undefined,
    expected: /403: sorry/,
  },
  {
    name: 'ReplicaSet: an old one of a Deployment that goes on',
    kind: 'ReplicaSet',
    objects: [
      controller(
        'ReplicaSet',
        { replicas: 0 },
        { ownerReferences: [{ kind: 'Deployment', name: 'w', controller: true }] },
      ),
      controller('Deployment', { replicas: 2 }),
    ],
    expected: 'wanted',
  },
  {
    name: 'ReplicaSet: no replicas',
    kind: 'ReplicaSet',
    objects: [controller('ReplicaSet', { replicas: 0 })],
    expected: 'not-here',
  },
  {
    name: 'StatefulSet: the number is below the replicas',
    kind: 'StatefulSet',
    podName: 'p-1',
    objects: [controller('StatefulSet', { replicas: 2 })],
    expected: 'wanted',
  },
  {
    name: 'StatefulSet: scaled down below the number',
    kind: 'StatefulSet',
    podName: 'p-1',
    objects: [controller('StatefulSet', { replicas: 1 })],
    expected: 'not-here',
  },
  {
    name: 'StatefulSet: numbered from a start',
    kind: 'StatefulSet',
    podName: 'p-5',
    objects: [controller('StatefulSet', { replicas: 1, ordinals: { start: 5 } })],
    expected: 'wanted',
  },
  {
    name: 'StatefulSet: numbered from a later start',
    kind: 'StatefulSet',
    podName: 'p-0',
    objects: [controller('StatefulSet', { replicas: 2, ordinals: { start: 5 } })],
    expected: 'not-here',
  },
  { name: 'a controller of a kind nobody knows', kind: 'Machine', expected: /kind Machine cannot be asked/ },
]);

test('a service account token that the kubelet renewed is used at the next question', async (t) => {
  const api = new SmallApi();
  await api.start();
  const identity = await identityFor(api.url);
  const dir = mkdtempSync(join(tmpdir(), 'observe-sa-'));
  writeFileSync(join(dir, 'token'), 'one');
  const source = createApiSource({
    identity,
    nodeName: 'n1',
    serviceAccount: serviceAccountIdentity(identity, dir),
  });
  t.after(async () => {
    await source.close();
    await api.stop();
  });
  const controllerRef = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    namespace: 'kube-system',
    name: 'w',
    uid: 'u',
  };
  const parent = { namespace: 'kube-system', name: 'p', uid: 'uid-p', controller: controllerRef };
  await source.wanted(parent);
  writeFileSync(join(dir, 'token'), 'two');
  await source.wanted(parent);
  const tokens = api.requests
    .filter(({ path }) => path.startsWith('/apis/'))
    .map(({ headers }) => headers.authorization);
  assert.deepEqual(tokens, ['Bearer one', 'Bearer two']);
});
