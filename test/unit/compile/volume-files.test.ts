// The files that a volume becomes: names, modes, owners and bytes, as the kubelet makes them from the same sources.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aPod, aPodWithVolume, compiled, filesOf, given, specOf } from './a-pod.ts';

const objects = given({
  secrets: { tls: { 'tls.crt': 'CERT', 'tls.key': 'KEY' }, gone: null, empty: {} },
  configMaps: {
    conf: {
      data: { 'a.conf': 'A', 'b.conf': '' },
      binaryData: { blob: Buffer.from([0xff, 0]).toString('base64') },
    },
    gone: null,
  },
  tokens: {
    'kube-system/web//3607': { token: 'TOKEN', expiresAtMs: 5 },
    'kube-system/default/vault/600': { token: 'VAULT', expiresAtMs: 6 },
  },
});
const files = (source: Record<string, unknown>, spec: Record<string, unknown> = {}): string[] =>
  filesOf(compiled(aPodWithVolume(source, spec), objects));

const LAYOUTS: [string, Record<string, unknown>, string[]][] = [
  [
    'defaultMode',
    { secret: { secretName: 'tls', defaultMode: 0o400 } },
    ['tls.crt 0400 0:0 CERT', 'tls.key 0400 0:0 KEY'],
  ],
  [
    'items choose, rename, nest and set modes',
    { secret: { secretName: 'tls', items: [{ key: 'tls.key', path: 'deep/er/./k', mode: 0o600 }] } },
    ['deep/er/k 0600 0:0 KEY'],
  ],
  [
    'a missing key of an optional source is left out',
    { secret: { secretName: 'tls', optional: true, items: [{ key: 'no', path: 'no' }] } },
    [],
  ],
  ['a missing optional object is an empty directory', { secret: { secretName: 'gone', optional: true } }, []],
  ['an empty Secret is an empty directory', { secret: { secretName: 'empty' } }, []],
  [
    'a ConfigMap with text, an empty key and binaryData',
    { configMap: { name: 'conf' } },
    ['a.conf 0644 0:0 A', 'b.conf 0644 0:0 ', 'blob 0644 0:0 \ufffd\0'],
  ],
  [
    'items may name binaryData',
    { configMap: { name: 'conf', items: [{ key: 'blob', path: 'x' }] } },
    ['x 0644 0:0 \ufffd\0'],
  ],
  [
    'sources of a projected volume mix, and a later one wins',
    {
      projected: {
        defaultMode: 0o440,
        sources: [
          {
            secret: {
              name: 'tls',
              items: [
                { key: 'tls.crt', path: 'a.conf' },
                { key: 'tls.key', path: 'key', mode: 0o400 },
              ],
            },
          },
          { configMap: { name: 'conf', items: [{ key: 'a.conf', path: 'a.conf' }] } },
          { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
          { secret: { name: 'gone', optional: true } },
        ],
      },
    },
    ['a.conf 0440 0:0 A', 'key 0400 0:0 KEY', 'name 0440 0:0 web-x7f2k'],
  ],
];
const OWNERS: typeof LAYOUTS = [
  [
    'defaultUser owns the files of a Secret',
    { secret: { secretName: 'tls', defaultUser: 1000, defaultMode: 0o400 } },
    ['tls.crt 0400 1000:0 CERT', 'tls.key 0400 1000:0 KEY'],
  ],
  [
    'the user of an item goes before defaultUser, root as well',
    {
      configMap: {
        name: 'conf',
        defaultUser: 1000,
        items: [
          { key: 'a.conf', path: 'a', user: 0 },
          { key: 'b.conf', path: 'b' },
          { key: 'blob', path: 'c', user: 2_147_483_647 },
        ],
      },
    },
    ['a 0644 0:0 A', 'b 0644 1000:0 ', 'c 0644 2147483647:0 \ufffd\0'],
  ],
  [
    'fields of the pod have owners',
    {
      downwardAPI: {
        defaultUser: 5,
        items: [
          { path: 'name', fieldRef: { fieldPath: 'metadata.name' }, user: 6 },
          { path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } },
        ],
      },
    },
    ['name 0644 6:0 web-x7f2k', 'ns 0644 5:0 kube-system'],
  ],
  [
    'a projected volume has one defaultUser for all of its sources',
    {
      projected: {
        defaultUser: 7,
        sources: [
          { secret: { name: 'tls', items: [{ key: 'tls.key', path: 'key', user: 8 }] } },
          { configMap: { name: 'conf', items: [{ key: 'a.conf', path: 'conf' }] } },
          { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
          { serviceAccountToken: { path: 'token', audience: 'vault', expirationSeconds: 600 } },
        ],
      },
    },
    ['conf 0644 7:0 A', 'key 0644 8:0 KEY', 'name 0644 7:0 web-x7f2k', 'token 0600 7:0 VAULT'],
  ],
];
for (const [name, source, expected] of [...LAYOUTS, ...OWNERS]) {
  test(name, () => assert.deepEqual(files(source), expected));
}

const TOKEN = {
  projected: { sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3607 } }] },
};
const account = { serviceAccountName: 'web' };

test('a token keeps the mode of the volume when nothing says who reads it', () => {
  assert.deepEqual(files(TOKEN, account), ['token 0644 0:0 TOKEN']);
});

test('a token belongs to the one user of all containers, as the kubelet does it', () => {
  assert.deepEqual(files(TOKEN, { ...account, securityContext: { runAsUser: 1000 } }), [
    'token 0600 1000:0 TOKEN',
  ]);
});

test("a token belongs to the source's own user, else the volume's, before that of the containers", () => {
  const volume = (defaultUser: number | undefined, user: number | undefined) => {
    const source = { path: 'token', expirationSeconds: 3607, ...(user === undefined ? {} : { user }) };
    const sources = [{ serviceAccountToken: source }];
    return { projected: defaultUser === undefined ? { sources } : { sources, defaultUser } };
  };
  const spec = { ...account, securityContext: { runAsUser: 1000 } };
  assert.deepEqual(files(volume(2, 3), spec), ['token 0600 3:0 TOKEN']);
  assert.deepEqual(files(volume(2, undefined), spec), ['token 0600 2:0 TOKEN']);
  assert.deepEqual(files(volume(undefined, 0), account), ['token 0600 0:0 TOKEN']);
});

test('two users of containers leave a token as it is', () => {
  const pod = aPod({
    ...account,
    containers: [
      {
        name: 'a',
        image: 'x',
        securityContext: { runAsUser: 1 },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
      { name: 'b', image: 'x', securityContext: { runAsUser: 2 } },
    ],
    volumes: [{ name: 'v', ...TOKEN }],
  });
  assert.deepEqual(filesOf(compiled(pod, objects)), ['token 0644 0:0 TOKEN']);
});

test('fsGroup owns all files, may read them, and directories pass it on', () => {
  const spec = { ...account, securityContext: { fsGroup: 2000 } };
  assert.deepEqual(files(TOKEN, spec), ['token 0640 0:2000 TOKEN']);
  const checkpoint = compiled(
    aPodWithVolume({ secret: { secretName: 'tls', defaultMode: 0o400 } }, spec),
    objects,
  );
  assert.deepEqual(filesOf(checkpoint), ['tls.crt 0440 0:2000 CERT', 'tls.key 0440 0:2000 KEY']);
  assert.equal(checkpoint.volumes[0]?.directoryMode, 0o2755);
  assert.equal(checkpoint.volumes[0]?.directoryGid, 2000);
});

test('a token remembers what was asked for, so that it can be refreshed', () => {
  const source = { serviceAccountToken: { path: 't', audience: 'vault', expirationSeconds: 600 } };
  const checkpoint = compiled(aPodWithVolume({ projected: { sources: [source] } }), objects);
  assert.deepEqual(checkpoint.volumes[0]?.files[0]?.token, {
    audience: 'vault',
    expirationSeconds: 600,
    expiresAtMs: 6,
  });
});

test('a downward API volume stays one where a static pod reads the same', () => {
  const items = [
    { path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } },
    { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } },
  ];
  const checkpoint = compiled(aPodWithVolume({ downwardAPI: { items } }));
  assert.deepEqual(specOf(checkpoint).volumes, [{ name: 'v', downwardAPI: { items } }]);
  assert.deepEqual(checkpoint.volumes, []);
});

test('a downward API volume with the name, labels or a zeroed request becomes files with the values of the parent', () => {
  const items = [
    { path: 'uid', fieldRef: { fieldPath: 'metadata.uid' }, mode: 0o400 },
    { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
    { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'requests.cpu', divisor: '1m' } },
  ];
  const pod = aPod(
    { volumes: [{ name: 'v', downwardAPI: { items } }] },
    { volumeMounts: [{ name: 'v', mountPath: '/v' }], resources: { requests: { cpu: '1.5' } } },
    { labels: { tier: 'a "b"', 'pod-template-generation': '7' } },
  );
  assert.deepEqual(filesOf(compiled(pod)), [
    'cpu 0644 0:0 1500',
    'labels 0644 0:0 pod-template-generation="7"\ntier="a \\"b\\""',
    'uid 0400 0:0 11111111-2222-3333-4444-555555555555',
  ]);
});

test('a file of a zeroed request alone is pinned as well', () => {
  const items = [{ path: 'm', resourceFieldRef: { containerName: 'main', resource: 'requests.memory' } }];
  const pod = aPod(
    { volumes: [{ name: 'v', downwardAPI: { items } }] },
    { volumeMounts: [{ name: 'v', mountPath: '/v' }], resources: { limits: { memory: '1Ki' } } },
  );
  assert.deepEqual(filesOf(compiled(pod)), ['m 0644 0:0 1024']);
});
