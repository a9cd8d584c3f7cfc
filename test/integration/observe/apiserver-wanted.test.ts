// Is a parent that is absent from the list still wanted here? A table of what the API may say.

import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createApiSource } from '../../../lib/observe/apiserver/source.ts';
import { serviceAccountIdentity } from '../../../lib/observe/service-account.ts';
import type { ParentIdentity } from '../../../lib/types/memory.ts';
import { CHECKPOINT_ANNOTATION } from '../../../lib/types/workload.ts';
import { identityFor, pod, SmallApi, type SmallObject } from './small-api.ts';

const ASKS = { [CHECKPOINT_ANNOTATION]: 'true' };

function controller(kind: string, spec: object = {}, metadata: object = {}): SmallObject {
  return {
    kind,
    metadata: { name: 'w', namespace: 'kube-system', uid: 'controller-uid', ...metadata },
    spec: { template: { metadata: { annotations: ASKS }, spec: {} }, ...spec },
  };
}

function selecting(spec: object): object {
  return { template: { metadata: { annotations: ASKS }, spec } };
}

function affinity(operator: string, values: string[]): object {
  const nodeSelectorTerms = [{ matchExpressions: [{ key: 'role', operator, values }] }];
  return {
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  };
}

interface Row {
  readonly name: string;
  readonly objects?: readonly SmallObject[];
  /** Kind of the parent's controller; undefined: none. */
  readonly kind?: string;
  readonly podName?: string;
  readonly override?: SmallApi['override'];
  readonly serviceAccount?: false;
  readonly expected: 'wanted' | 'not-wanted' | RegExp;
}

const refuse = (end: string, status: number): SmallApi['override'] => {
  return ({ path }) =>
    path.endsWith(end) ? { status, body: { kind: 'Status', message: 'sorry' } } : undefined;
};

const ROWS: readonly Row[] = [
  { name: 'the pod is still there', objects: [pod('p', { annotations: ASKS })], expected: 'wanted' },
  {
    name: 'the pod is there without the annotation',
    objects: [pod('p')],
    kind: 'DaemonSet',
    expected: 'not-wanted',
  },
  { name: 'the pod is gone and had no controller', expected: 'not-wanted' },
  {
    name: 'another pod has its name',
    objects: [pod('p', { uid: 'other', annotations: ASKS })],
    expected: 'not-wanted',
  },
  { name: 'the pod cannot be read: 500', override: refuse('/pods/p', 500), expected: /500: sorry/ },
  { name: 'the pod cannot be read: 401', override: refuse('/pods/p', 401), expected: /401: sorry/ },
  {
    name: 'a get is refused but the list shows the pod',
    objects: [pod('p', { annotations: ASKS })],
    override: refuse('/pods/p', 403),
    expected: 'wanted',
  },
  {
    name: 'a get is refused and the list is empty',
    override: refuse('/pods/p', 403),
    expected: 'not-wanted',
  },
  {
    name: 'get and list are refused',
    override: ({ path }) => (path.includes('/pods') ? { status: 403, body: {} } : undefined),
    expected: /403/,
  },
  { name: 'DaemonSet: exists', kind: 'DaemonSet', objects: [controller('DaemonSet')], expected: 'wanted' },
  { name: 'DaemonSet: gone', kind: 'DaemonSet', expected: 'not-wanted' },
  {
    name: 'DaemonSet: being deleted',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
    expected: 'not-wanted',
  },
  {
    name: 'DaemonSet: its selector matches the node',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', selecting({ nodeSelector: { role: 'master' } }))],
    expected: 'wanted',
  },
  {
    name: 'DaemonSet: its selector does not match the node',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', selecting({ nodeSelector: { role: 'worker' } }))],
    expected: 'not-wanted',
  },
  {
    name: 'DaemonSet: its affinity excludes the node',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', selecting(affinity('NotIn', ['master'])))],
    expected: 'not-wanted',
  },
  {
    name: 'DaemonSet: its successors would not ask for a checkpoint',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', { template: { metadata: {}, spec: {} } })],
    expected: 'not-wanted',
  },
  {
    name: 'DaemonSet: the node cannot be read',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet')],
    override: refuse('/nodes/n1', 500),
    expected: /nodes\/n1: 500/,
  },
  {
    name: 'DaemonSet: forbidden',
    kind: 'DaemonSet',
    override: refuse('/daemonsets/w', 403),
    expected: /403: sorry/,
  },
  {
    name: 'DaemonSet: no second identity',
    kind: 'DaemonSet',
    serviceAccount: false,
    expected: /no service account is mounted/,
  },
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
    expected: 'not-wanted',
  },
  {
    name: 'Deployment: replicas left to the default',
    kind: 'Deployment',
    objects: [controller('Deployment')],
    expected: 'wanted',
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
    expected: 'not-wanted',
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
    expected: 'not-wanted',
  },
  { name: 'a controller of a kind nobody knows', kind: 'Machine', expected: /kind Machine cannot be asked/ },
];

for (const row of ROWS) {
  test(`wanted: ${row.name}`, async (t) => {
    const api = new SmallApi();
    await api.start();
    for (const object of row.objects ?? []) api.put(object);
    if (row.override) api.override = row.override;
    const identity = await identityFor(api.url);
    const dir = mkdtempSync(join(tmpdir(), 'observe-sa-'));
    if (row.serviceAccount !== false) writeFileSync(join(dir, 'token'), 'service-account-token\n');
    const serviceAccount = serviceAccountIdentity(identity, dir);
    const source = createApiSource({ identity, nodeName: 'n1', serviceAccount });
    t.after(async () => {
      await source.close();
      await api.stop();
    });
    const ref = {
      apiVersion: 'apps/v1',
      kind: row.kind ?? '',
      namespace: 'kube-system',
      name: 'w',
      uid: 'controller-uid',
    };
    const name = row.podName ?? 'p';
    const parent: ParentIdentity = {
      namespace: 'kube-system',
      name,
      uid: 'uid-p',
      ...(row.kind === undefined ? {} : { controller: ref }),
    };
    const answer = await source.wanted(parent);
    if (row.expected instanceof RegExp) {
      assert.ok(!answer.known, JSON.stringify(answer));
      assert.match(answer.reason, row.expected);
    } else {
      assert.deepEqual(answer, { known: true, value: row.expected });
    }
    const asked = api.requests.filter(({ path }) => path.startsWith('/apis/apps/'));
    assert.ok(asked.every(({ headers }) => headers.authorization === 'Bearer service-account-token'));
    const own = api.requests.filter(({ path }) => path.startsWith('/api/v1/'));
    assert.ok(own.every(({ headers }) => headers.authorization === 'Bearer kubelet-token'));
  });
}

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
