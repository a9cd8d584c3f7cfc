// Which volumes a checkpoint has, and how they are mounted: kept, made material on a hostPath, dropped or refused.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aPod,
  aPodWithVolume,
  compiled,
  filesOf,
  given,
  mainOf,
  notedFields,
  refused,
  specOf,
} from './a-pod.ts';

const objects = given({
  secrets: { tls: { 'tls.crt': 'CERT', 'tls.key': 'KEY' }, gone: null },
  configMaps: { conf: { data: { 'a.conf': 'A', 'b.conf': '' } } },
});

test('a Secret becomes read-only files on a hostPath that must exist', () => {
  const checkpoint = compiled(aPodWithVolume({ secret: { secretName: 'tls' } }), objects);
  assert.deepEqual(specOf(checkpoint).volumes, [
    { name: 'v', hostPath: { path: '/@material/v', type: 'Directory' } },
  ]);
  assert.deepEqual(mainOf(checkpoint).volumeMounts, [{ name: 'v', mountPath: '/v', readOnly: true }]);
  assert.deepEqual(filesOf(checkpoint), ['tls.crt 0644 0:0 CERT', 'tls.key 0644 0:0 KEY']);
});

test('a volume mounted inside a material volume gets its mount point', () => {
  const pod = aPod(
    {
      volumes: [
        { name: 'v', secret: { secretName: 'tls' } },
        { name: 'w', emptyDir: {} },
      ],
    },
    {
      volumeMounts: [
        { name: 'v', mountPath: '/etc/app' },
        { name: 'w', mountPath: '/etc/app/cache' },
        { name: 'w', mountPath: '/etc/app/cache/inner' },
        { name: 'w', mountPath: '/etc/application' },
      ],
    },
  );
  assert.deepEqual(compiled(pod, objects).volumes[0]?.mountPoints, ['cache']);
});

const REFUSED: [string, Record<string, unknown>, string, RegExp][] = [
  ['a missing Secret', { secret: { secretName: 'gone' } }, 'spec.volumes[0].secret', /does not exist/],
  [
    'a Secret nobody has read',
    { secret: { secretName: 'later' } },
    'spec.volumes[0].secret',
    /not been read yet/,
  ],
  [
    'a missing key',
    { configMap: { name: 'conf', items: [{ key: 'no', path: 'no' }] } },
    'spec.volumes[0].configMap.items[0]',
    /has no key "no"/,
  ],
  [
    'a path out of the volume',
    { configMap: { name: 'conf', items: [{ key: 'a.conf', path: '../../etc/passwd' }] } },
    'spec.volumes[0].configMap.items[0]',
    /inside the volume/,
  ],
  [
    'a file that is a directory as well',
    {
      configMap: {
        name: 'conf',
        items: [
          { key: 'a.conf', path: 'x' },
          { key: 'b.conf', path: 'x/y' },
        ],
      },
    },
    'spec.volumes[0].configMap',
    /directory/,
  ],
  [
    'a claim',
    { persistentVolumeClaim: { claimName: 'c' } },
    'spec.volumes[0].persistentVolumeClaim',
    /use a hostPath/,
  ],
  ['a CSI volume', { csi: { driver: 'd' } }, 'spec.volumes[0].csi', /use a hostPath/],
  ['an ephemeral claim', { ephemeral: {} }, 'spec.volumes[0].ephemeral', /emptyDir/],
  [
    'a Secret of a network volume',
    { iscsi: { secretRef: { name: 's' } } },
    'spec.volumes[0].iscsi.secretRef',
    /hostPath/,
  ],
  ['a volume of Ceph', { cephfs: { monitors: ['m'] } }, 'spec.volumes[0].cephfs', /use a hostPath/],
  ['a block device of Ceph', { rbd: { image: 'i' } }, 'spec.volumes[0].rbd', /use a hostPath/],
  ['an unknown type', { holographic: {} }, 'spec.volumes[0].holographic', /not known/],
  ['two types', { emptyDir: {}, hostPath: { path: '/' } }, 'spec.volumes[0]', /exactly one/],
  [
    'a pod certificate',
    { projected: { sources: [{ podCertificate: {} }] } },
    'spec.volumes[0].projected.sources[0].podCertificate',
    /kept in memory only.*use a certificate from a Secret/,
  ],
  [
    'a token not issued',
    { projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
    'spec.volumes[0].projected.sources[0].serviceAccountToken',
    /issued/,
  ],
  [
    "the agent's own path",
    { hostPath: { path: '/@material/x' } },
    'spec.volumes[0].hostPath.path',
    /agent's own/,
  ],
  [
    'a mode that is none',
    { secret: { secretName: 'tls', defaultMode: 4096 } },
    'spec.volumes[0].secret.defaultMode',
    /0777/,
  ],
  [
    'a user that is none',
    { secret: { secretName: 'tls', defaultUser: 2 ** 31 } },
    'spec.volumes[0].secret.defaultUser',
    /2147483647/,
  ],
  [
    'a user of one file that is none',
    { configMap: { name: 'conf', items: [{ key: 'a.conf', path: 'a', user: -1 }] } },
    'spec.volumes[0].configMap.items[0].user',
    /2147483647/,
  ],
];
for (const [name, source, field, why] of REFUSED) {
  test(`refused: ${name}`, () => {
    const [refusal] = refused(aPodWithVolume(source), objects);
    assert.equal(refusal?.field, field);
    assert.match(refusal?.why ?? '', why);
  });
}

test('a volume that nobody mounts is no reason to refuse: it is dropped and said', () => {
  const checkpoint = compiled(aPod({ volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] }));
  assert.equal(specOf(checkpoint).volumes, undefined);
  assert.ok(notedFields(checkpoint).includes('dropped spec.volumes[0]'));
});

test('host volumes, init containers and sub-paths stay as they are, read-only only where it is material', () => {
  const pod = aPod(
    {
      volumes: [
        { name: 'h', hostPath: { path: '/data', type: 'DirectoryOrCreate' } },
        { name: 's', secret: { secretName: 'tls' } },
      ],
      initContainers: [
        { name: 'i', image: 'x', volumeMounts: [{ name: 's', mountPath: '/k', subPath: 'tls.key' }] },
      ],
    },
    { volumeMounts: [{ name: 'h', mountPath: '/data' }] },
  );
  const spec = specOf(compiled(pod, objects));
  assert.deepEqual(mainOf(compiled(pod, objects)).volumeMounts, [{ name: 'h', mountPath: '/data' }]);
  assert.deepEqual((spec.initContainers as { volumeMounts: unknown }[])[0]?.volumeMounts, [
    { name: 's', mountPath: '/k', subPath: 'tls.key', readOnly: true },
  ]);
  assert.deepEqual((spec.volumes as unknown[])[0], {
    name: 'h',
    hostPath: { path: '/data', type: 'DirectoryOrCreate' },
  });
});
