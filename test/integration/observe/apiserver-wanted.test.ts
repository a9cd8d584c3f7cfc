// Is a parent that is absent from the list still wanted here? A table of what the API may say.

import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createApiSource } from '../../../lib/observe/apiserver/source.ts';
import { serviceAccountIdentity } from '../../../lib/observe/service-account.ts';
import type { ParentIdentity } from '../../../lib/types/memory.ts';
import type { Wanted } from '../../../lib/types/observation.ts';
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

function tainted(taint: { key: string; value?: string; effect: string }): SmallObject {
  return { ...NODE, spec: { taints: [taint] } };
}

function owned(kind: string, name: string): Record<string, unknown> {
  return { annotations: ASKS, ownerReferences: [{ kind, name, controller: true }] };
}

/** A pod of the Deployment on another node. */
function elsewhere(
  name: string,
  fields: { ready?: boolean; nodeName?: string; metadata?: Record<string, unknown> } = {},
): SmallObject {
  const { ready = true, nodeName = 'n2', metadata = {} } = fields;
  return {
    ...pod(name, { labels: { app: 'w' }, ...metadata }),
    spec: { nodeName },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

const NODE: SmallObject = {
  kind: 'Node',
  metadata: { name: 'n1', uid: 'node-uid', labels: { role: 'master' } },
};
const TWO = controller('Deployment', { replicas: 2, selector: { matchLabels: { app: 'w' } } });

interface Row {
  readonly name: string;
  readonly objects?: readonly SmallObject[];
  /** Kind of the parent's controller; undefined: none. */
  readonly kind?: string;
  readonly podName?: string;
  readonly override?: SmallApi['override'];
  readonly serviceAccount?: false;
  readonly expected: Wanted | RegExp;
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
    expected: 'not-here',
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
  {
    name: 'the pod is there and still its controller`s',
    objects: [pod('p', owned('DaemonSet', 'w'))],
    kind: 'DaemonSet',
    expected: 'wanted',
  },
  {
    name: 'the pod was adopted by another controller, its own is gone: a DaemonSet renamed around its pods',
    objects: [pod('p', owned('DaemonSet', 'renamed'))],
    kind: 'DaemonSet',
    expected: 'not-wanted',
  },
  {
    name: 'the pod stands alone after its controller went',
    objects: [pod('p', { annotations: ASKS })],
    kind: 'DaemonSet',
    expected: 'not-wanted',
  },
  {
    name: 'the pod stood alone and has a controller now',
    objects: [pod('p', owned('DaemonSet', 'w'))],
    expected: 'not-wanted',
  },
  {
    name: 'DaemonSet: recreated under its name',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', {}, { uid: 'another' })],
    expected: 'wanted',
  },
  {
    name: 'DaemonSet: a person tainted the node against it',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet'), tainted({ key: 'retired', effect: 'NoExecute' })],
    expected: 'not-here',
  },
  {
    name: 'DaemonSet: it tolerates the taint',
    kind: 'DaemonSet',
    objects: [
      controller('DaemonSet', selecting({ tolerations: [{ key: 'retired', operator: 'Exists' }] })),
      tainted({ key: 'retired', effect: 'NoExecute' }),
    ],
    expected: 'wanted',
  },
  {
    name: 'DaemonSet: a cordoned node passes',
    kind: 'DaemonSet',
    objects: [
      controller('DaemonSet'),
      tainted({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }),
    ],
    expected: 'wanted',
  },
  {
    name: 'DaemonSet: its template names another node',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', selecting({ nodeName: 'n2' }))],
    expected: 'not-here',
  },
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
    expected: 'not-here',
  },
  {
    name: 'DaemonSet: its affinity excludes the node',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', selecting(affinity('NotIn', ['master'])))],
    expected: 'not-here',
  },
  {
    name: 'DaemonSet: its successors would not ask for a checkpoint',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', { template: { metadata: {}, spec: {} } })],
    expected: 'not-here',
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
    // But for the pods of a Deployment elsewhere, which a node may not list.
    const own = api.requests.filter(
      ({ path, query }) => path.startsWith('/api/v1/') && !query.has('labelSelector'),
    );
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
