import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { wouldKubeletAccept } from '../../../lib/compile/kubelet-acceptance.ts';
import { aPod, type Fields, refused } from './a-pod.ts';

function manifest(spec: Fields = {}, container: Fields = {}, metadata: Fields = {}): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'kube-system', ...metadata },
    spec: {
      containers: [{ name: 'main', image: 'x', imagePullPolicy: 'IfNotPresent', ...container }],
      ...spec,
    },
  } as unknown as V1Pod;
}
const volume = (source: Fields): V1Pod => manifest({ volumes: [{ name: 'v', ...source }] });
const env = (valueFrom: Fields): V1Pod => manifest({}, { env: [{ name: 'A', valueFrom }] });

test('a plain static pod is accepted', () => assert.deepEqual(wouldKubeletAccept(manifest()), []));

for (const type of ['hostPath', 'emptyDir', 'downwardAPI', 'nfs', 'iscsi', 'fc', 'image']) {
  test(`a ${type} volume is accepted`, () =>
    assert.deepEqual(wouldKubeletAccept(volume({ [type]: { path: '/x' } })), []));
}

const PROBLEMS: [string, V1Pod, RegExp][] = [
  ['a service account', manifest({ serviceAccountName: 'default' }), /serviceAccountName/],
  ['pull secrets', manifest({ imagePullSecrets: [{ name: 's' }] }), /imagePullSecrets/],
  ['claims', manifest({ resourceClaims: [{ name: 's' }] }), /resourceClaims/],
  ['ephemeral containers', manifest({ ephemeralContainers: [{}] }), /ephemeralContainers/],
  ['scheduling gates', manifest({ schedulingGates: [{}] }), /schedulingGates/],
  ['a node selector', manifest({ nodeSelector: { a: 'b' } }), /nodeSelector/],
  ['affinity', manifest({ affinity: { nodeAffinity: {} } }), /affinity/],
  ['a runtime class', manifest({ runtimeClassName: 'x' }), /runtimeClassName/],
  ['overhead', manifest({ overhead: { cpu: '1' } }), /overhead/],
  ['a priority without its class', manifest({ priority: 1 }), /together/],
  [
    'a secret in env, even optional',
    env({ secretKeyRef: { name: 's', key: 'k', optional: true } }),
    /env\[0\]/,
  ],
  ['a ConfigMap in env', env({ configMapKeyRef: { name: 's', key: 'k' } }), /env\[0\]/],
  [
    'a variable that begins with a digit',
    manifest({}, { env: [{ name: '1st', value: 'x' }] }),
    /env\[0\]\.name/,
  ],
  ['a variable with a space', manifest({}, { env: [{ name: 'a b', value: 'x' }] }), /env\[0\]\.name/],
  ['envFrom', manifest({}, { envFrom: [{ configMapRef: { name: 'c', optional: true } }] }), /envFrom/],
  ...[
    'secret',
    'configMap',
    'persistentVolumeClaim',
    'ephemeral',
    'csi',
    'azureFile',
    'glusterfs',
    'cephfs',
    'rbd',
    'novel',
  ].map((type): [string, V1Pod, RegExp] => [
    `a ${type} volume`,
    volume({ [type]: { optional: true } }),
    /volumes\[0\]/,
  ]),
  ...['secret', 'configMap', 'serviceAccountToken', 'clusterTrustBundle', 'podCertificate', 'novel'].map(
    (type): [string, V1Pod, RegExp] => [
      `a projected ${type}`,
      volume({ projected: { sources: [{ downwardAPI: {} }, { [type]: {} }] } }),
      /projected/,
    ],
  ),
  ['a secretRef', volume({ iscsi: { secretRef: { name: 's' } } }), /Secret/],
  ['Always', manifest({}, { imagePullPolicy: 'Always' }), /registry/],
  ['no policy, which may mean Always', manifest({}, { imagePullPolicy: undefined }), /registry/],
  [
    'ports on the host network',
    manifest({ hostNetwork: true }, { ports: [{ containerPort: 1 }] }),
    /host ports/,
  ],
  ['a host port', manifest({}, { ports: [{ containerPort: 1, hostPort: 1 }] }), /host ports/],
  [
    'a probe of a named port without ports',
    manifest({ hostNetwork: true }, { livenessProbe: { httpGet: { port: 'x' } } }),
    /named port/,
  ],
  ['a mount of no volume', manifest({}, { volumeMounts: [{ name: 'v', mountPath: '/v' }] }), /no volume/],
  [
    'material that may be written',
    manifest(
      { volumes: [{ name: 'v', hostPath: { path: '/@material/v' } }] },
      { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
    ),
    /read-only/,
  ],
  ['a path with ..', volume({ hostPath: { path: '/a/../b' } }), /without \.\./],
  ['a name that is none', manifest({}, {}, { name: 'Web_1' }), /metadata.name/],
  ['owners', manifest({}, {}, { ownerReferences: [{}] }), /ownerReferences/],
  [
    "the kubelet's own annotations",
    manifest({}, {}, { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
    /config/,
  ],
  ['no containers', manifest({ containers: [] }), /containers/],
  [
    'two containers of one name',
    manifest({ initContainers: [{ name: 'main', image: 'x', imagePullPolicy: 'Never' }] }),
    /once/,
  ],
  ['no image', manifest({}, { image: '' }), /image/],
  ['10 MiB and more', manifest({}, { args: ['x'.repeat(10 * 1024 * 1024)] }), /bytes/],
  ['nothing at all', undefined as unknown as V1Pod, /v1 and Pod/],
];
for (const [name, pod, problem] of PROBLEMS) {
  test(`refused: ${name}`, () => {
    const problems = wouldKubeletAccept(pod);
    assert.ok(
      problems.some((text) => problem.test(text)),
      JSON.stringify(problems),
    );
  });
}

const WRONG: [string, V1Pod, string][] = [
  [
    'two containers of one name',
    aPod({ containers: ['a', 'a'].map((name) => ({ name, image: 'x' })) }),
    'spec.containers[1].name',
  ],
  [
    'a mount of no volume',
    aPod({}, { volumeMounts: [{ name: 'none', mountPath: '/x' }] }),
    'spec.containers[0].volumeMounts[0].name',
  ],
  ['10 MiB and more', aPod({}, { args: ['x'.repeat(10 * 1024 * 1024)] }), 'spec'],
];
for (const [name, pod, field] of WRONG) {
  test(`compiled and refused by these rules before it can be stored: ${name}`, () => {
    const [refusal] = refused(pod);
    assert.equal(refusal?.field, field);
    assert.match(refusal?.why ?? '', /the kubelet would refuse the checkpoint: .*; correct it in the pod$/);
  });
}
