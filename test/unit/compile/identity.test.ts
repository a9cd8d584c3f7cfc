import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { isParent, readOptions, toParent, workloadOf } from '../../../lib/compile/parent.ts';
import { references } from '../../../lib/compile/references.ts';
import { renderManifest, serialize } from '../../../lib/compile/render.ts';
import { aPod, aPodWithVolume, compiled, type Fields, given, refused, specOf } from './a-pod.ts';

const owned = (kind: string, name: string, metadata: Fields = {}): V1Pod =>
  aPod(
    {},
    {},
    { ownerReferences: [{ apiVersion: 'apps/v1', kind, name, uid: 'u', controller: true }], ...metadata },
  );

const WORKLOADS: [string, V1Pod, string][] = [
  ['a DaemonSet', owned('DaemonSet', 'proxy'), 'kube-system/proxy'],
  [
    'a Deployment',
    owned('ReplicaSet', 'dns-5d78c9869d', { labels: { 'pod-template-hash': '5d78c9869d' } }),
    'kube-system/dns',
  ],
  ['a ReplicaSet of nobody', owned('ReplicaSet', 'dns-5d78c9869d'), 'kube-system/dns-5d78c9869d'],
  ['a StatefulSet', owned('StatefulSet', 'etcd', { name: 'etcd-2' }), 'kube-system/etcd-2'],
  ['another controller', owned('CloneSet', 'c'), 'kube-system/c'],
  ['no controller', aPod({}, {}, { ownerReferences: undefined, name: 'alone' }), 'kube-system/alone'],
  ['a mirror pod', owned('Node', 'm1', { name: 'etcd-m1' }), 'kube-system/etcd-m1'],
];
for (const [name, pod, workload] of WORKLOADS) {
  test(`the workload of a pod of ${name} is ${workload}`, () =>
    assert.equal(workloadOf(pod).workload, workload));
}

const asks = { 'checkpointer.alpha.coreos.com/checkpoint': 'true' };
const PARENTS: [string, Fields, boolean][] = [
  ['a pod that asks', asks, true],
  ['a pod that does not ask', {}, false],
  ['"false"', { 'checkpointer.alpha.coreos.com/checkpoint': 'false' }, false],
  ['a static pod', { ...asks, 'kubernetes.io/config.source': 'file' }, false],
  ['a pod from the API', { ...asks, 'kubernetes.io/config.source': 'api' }, true],
  ['a mirror pod', { ...asks, 'kubernetes.io/config.mirror': 'x' }, false],
  ['our own checkpoint', { ...asks, 'checkpoint-agent.io/of': 'a/b' }, false],
];
for (const [name, annotations, expected] of PARENTS) {
  test(`${name} is ${expected ? 'a' : 'no'} parent`, () => {
    assert.equal(isParent(aPod({}, {}, { annotations }), 'm1'), expected);
    assert.equal(isParent(aPod({}, {}, { annotations }), 'other'), false);
  });
}

test('options come from annotations', () => {
  const annotations = {
    'checkpoint-agent.io/standby-lock': '/l',
    'checkpoint-agent.io/overlap': 'true',
    'checkpoint-agent.io/drop-labels': 'no',
  };
  assert.deepEqual(readOptions(aPod({}, {}, { annotations })), {
    standbyLock: '/l',
    overlap: true,
    allowSecretEnv: false,
    dropLabels: false,
  });
});

test('a parent tells what the state machine needs of the pod', () => {
  const pod = aPod({}, {}, { creationTimestamp: '2026-11-23T00:00:00Z', deletionTimestamp: new Date() });
  pod.status = { phase: 'Failed', conditions: [{ type: 'Ready', status: 'True' }] };
  const { ready, deleting, finished, createdAtMs, workload, controller } = toParent(pod);
  assert.deepEqual([ready, deleting, finished, createdAtMs], [true, true, true, Date.UTC(2026, 10, 23)]);
  assert.equal(workload, 'kube-system/web');
  assert.equal(controller?.uid, 'ds-uid');
});

test('metadata: the name of the workload, the labels and annotations of the user, none of the bookkeeping', () => {
  const pod = aPod(
    {},
    {},
    {
      labels: {
        app: 'web',
        'controller-revision-hash': 'x',
        'pod-template-generation': '1',
        'pod-template-hash': 'h',
      },
      annotations: {
        ...asks,
        mine: 'yes',
        'kubernetes.io/config.seen': 'now',
        'cni.projectcalico.org/podIP': '10.1.1.1',
      },
      resourceVersion: '5',
      managedFields: [{}],
      finalizers: ['x/y'],
    },
  );
  assert.deepEqual(compiled(pod).manifest.metadata, {
    name: 'web',
    namespace: 'kube-system',
    labels: { app: 'web' },
    annotations: { mine: 'yes' },
  });
});

test('labels go when the pod asks for it', () => {
  const metadata = { labels: { app: 'web' }, annotations: { 'checkpoint-agent.io/drop-labels': 'true' } };
  assert.equal(compiled(aPod({}, {}, metadata)).manifest.metadata?.labels, undefined);
});

test('a name that is too long with the name of the node is refused', () => {
  const pod = owned('DaemonSet', 'a'.repeat(251));
  assert.equal(refused(pod)[0]?.field, 'metadata.name');
});

const secret = { secret: { secretName: 's' } };
const withSecret = (text: string): ReturnType<typeof given> => given({ secrets: { s: { k: text } } });

test('the same content from a renamed parent is the same revision', () => {
  const renamed = aPodWithVolume(secret);
  renamed.metadata = { ...renamed.metadata, name: 'web-zzzzz', uid: 'other', resourceVersion: '9' };
  const other = compiled(renamed, withSecret('a'));
  assert.equal(other.revision, compiled(aPodWithVolume(secret), withSecret('a')).revision);
});

test('the token volume that the API injects under a random name does not make another revision', () => {
  const injected = (suffix: string): string => {
    const name = `kube-api-access-${suffix}`;
    const source = {
      downwardAPI: { items: [{ path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } }] },
    };
    const mount = { name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
    const checkpoint = compiled(
      aPod({ volumes: [{ name, projected: { sources: [source] } }] }, { volumeMounts: [mount] }),
    );
    assert.ok(!serialize(checkpoint.manifest).includes(suffix));
    return checkpoint.revision;
  };
  assert.equal(injected('x7f2k'), injected('9qzzz'));
});

test('other bytes of a Secret, another command or another mode make another revision', () => {
  const revisions = [
    compiled(aPodWithVolume(secret), withSecret('a')),
    compiled(aPodWithVolume(secret), withSecret('b')),
    compiled(aPodWithVolume({ secret: { ...secret.secret, defaultMode: 256 } }), withSecret('a')),
    compiled(aPod({}, { command: ['x'] })),
    compiled(aPod({}, { command: ['y'] })),
  ].map((checkpoint) => checkpoint.revision);
  assert.equal(new Set(revisions).size, revisions.length);
  assert.match(revisions[0] ?? '', /^[0-9a-f]{64}$/);
});

test('a refreshed token is the same revision, one for another audience is not', () => {
  const source = (audience?: string): Fields => ({
    projected: { sources: [{ serviceAccountToken: { path: 't', ...(audience ? { audience } : {}) } }] },
  });
  const issued = (token: string, expiresAtMs: number): ReturnType<typeof given> =>
    given({
      tokens: {
        'kube-system/default//3600': { token, expiresAtMs },
        'kube-system/default/a/3600': { token, expiresAtMs },
      },
    });
  const first = compiled(aPodWithVolume(source()), issued('one', 1)).revision;
  assert.equal(compiled(aPodWithVolume(source()), issued('two', 2)).revision, first);
  assert.notEqual(compiled(aPodWithVolume(source('a')), issued('one', 1)).revision, first);
});

test('rendering puts the real paths, the uid and whose checkpoint it is, on one line', () => {
  const { manifest, workload, revision } = compiled(aPodWithVolume(secret), withSecret('a'));
  const rendered = renderManifest(manifest, { uid: 'fresh', materialDir: '/var/lib/r/', workload, revision });
  assert.equal(rendered.metadata?.uid, 'fresh');
  assert.deepEqual(rendered.metadata?.annotations, {
    'checkpoint-agent.io/of': 'kube-system/web',
    'checkpoint-agent.io/revision': revision,
  });
  assert.deepEqual(rendered.spec?.volumes?.[0]?.hostPath, { path: '/var/lib/r/v', type: 'Directory' });
  const line = serialize(rendered);
  assert.ok(!line.includes('\n') && !line.includes('@material'));
  assert.deepEqual(JSON.parse(line), rendered);
  assert.equal(manifest.metadata?.uid, undefined, 'the compiled manifest is left alone');
});

test('references lists every object once, optional only when every place says so, and the tokens', () => {
  const pod = aPod(
    {
      serviceAccountName: 'robot',
      volumes: [
        { name: 'a', secret: { secretName: 's1' } },
        { name: 'b', configMap: { name: 'c1', optional: true } },
        {
          name: 'p',
          projected: {
            sources: [
              { secret: { name: 's2', optional: true } },
              { configMap: { name: 'c1' } },
              { serviceAccountToken: { path: 't', expirationSeconds: 600, audience: 'x' } },
              { serviceAccountToken: { path: 'u' } },
              { secret: { name: 's1', optional: true } },
            ],
          },
        },
      ],
      initContainers: [{ name: 'i', image: 'x', envFrom: [{ secretRef: { name: 's3' } }] }],
    },
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c2', key: 'k', optional: true } } }] },
  );
  const { objects, tokens } = references(pod);
  assert.deepEqual(
    objects.map(({ kind, name, optional }) => `${kind} ${name}${optional ? '?' : ''}`),
    ['ConfigMap c1', 'ConfigMap c2?', 'Secret s1', 'Secret s2?', 'Secret s3'],
  );
  assert.deepEqual(tokens, [
    { namespace: 'kube-system', serviceAccount: 'robot', expirationSeconds: 3600 },
    { namespace: 'kube-system', serviceAccount: 'robot', audience: 'x', expirationSeconds: 600 },
  ]);
});

test('a pod without a namespace is one of default', () => {
  const { manifest, workload } = compiled(aPod({}, {}, { namespace: undefined }));
  assert.deepEqual([workload, manifest.metadata?.namespace], ['default/web', 'default']);
  assert.ok(specOf(compiled(aPod())) !== undefined);
});
