// Generators of parents and of the objects they name. Values of secrets are drawn so that they can be searched for.

import type { V1Pod } from '@kubernetes/client-node';
import fc from 'fast-check';
import type { ResolvedObjects } from '../../../lib/types/checkpoint.ts';
import { aPod, type Fields, given } from './a-pod.ts';

export interface GeneratedParent {
  readonly pod: V1Pod;
  readonly objects: ResolvedObjects;
  /** Plain text of every value that came out of a Secret, and of tokens. */
  readonly secrets: readonly string[];
}

const KEYS = ['ca.crt', 'tls.key', 'LEVEL', '1st', 'a-b', 'empty'] as const;
const key = fc.constantFrom(...KEYS);
const optional = fc.constantFrom({}, { optional: true }, { optional: true }, { optional: false });
const mode = fc.constantFrom({}, { mode: 0o400 }, { mode: 0o755 }, { mode: 0o644, user: 9 });
const items = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.tuple(key, fc.constantFrom('x', 'deep/x', 'deep/er/x', 'y'), mode), {
        minLength: 1,
        maxLength: 3,
      })
      .map((list) => ({ items: list.map(([k, path, m]) => ({ key: k, path, ...m })) })),
  },
);
const objectName = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('one', 'two') },
  { weight: 1, arbitrary: fc.constant('gone') },
);
const named = (name: string): fc.Arbitrary<Fields> =>
  fc.tuple(objectName, items, optional).map(([object, i, o]) => ({ [name]: object, ...i, ...o }));

const downward: fc.Arbitrary<Fields> = fc
  .array(
    fc.constantFrom(
      { path: 'name', fieldRef: { fieldPath: 'metadata.name' } },
      { path: 'ns', fieldRef: { fieldPath: 'metadata.namespace' } },
      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
      { path: 'cpu', resourceFieldRef: { containerName: 'c0', resource: 'requests.cpu' } },
    ),
    { minLength: 1, maxLength: 3 },
  )
  .map((list) => ({ items: list }));
const tokenSource = fc.constantFrom<Fields>(
  { path: 'token' },
  { path: 'token', audience: 'vault', expirationSeconds: 600 },
);

const bundleSource = fc.constantFrom<Fields>(
  { path: 'ca.crt', name: 'roots' },
  { path: 'deep/ca.crt', signerName: 'test.org/one', labelSelector: {} },
  { path: 'ca.crt', name: 'gone', optional: true },
  { path: 'ca.crt', name: 'gone' },
);

const projection: fc.Arbitrary<Fields> = fc.oneof(
  named('name').map((secret) => ({ secret })),
  named('name').map((configMap) => ({ configMap })),
  downward.map((downwardAPI) => ({ downwardAPI })),
  tokenSource.map((serviceAccountToken) => ({ serviceAccountToken })),
  bundleSource.map((clusterTrustBundle) => ({ clusterTrustBundle })),
);
const often = <T>(arbitrary: fc.Arbitrary<T>): fc.WeightedArbitrary<T> => ({ weight: 8, arbitrary });
const volumeSource: fc.Arbitrary<Fields> = fc.oneof(
  often(named('secretName').map((secret) => ({ secret }))),
  often(named('name').map((configMap) => ({ configMap }))),
  often(fc.array(projection, { minLength: 1, maxLength: 3 }).map((sources) => ({ projected: { sources } }))),
  often(downward.map((downwardAPI) => ({ downwardAPI }))),
  often(
    fc.constantFrom<Fields>(
      { hostPath: { path: '/data' } },
      { emptyDir: {} },
      { nfs: { server: 's', path: '/' } },
    ),
  ),
  {
    weight: 1,
    arbitrary: fc.constantFrom<Fields>(
      { csi: { driver: 'd' } },
      { persistentVolumeClaim: { claimName: 'c' } },
    ),
  },
);

const variable: fc.Arbitrary<Fields> = fc.oneof(
  fc.string({ maxLength: 8 }).map((value) => ({ value })),
  fc
    .tuple(objectName, key, optional)
    .map(([name, k, o]) => ({ valueFrom: { configMapKeyRef: { name, key: k, ...o } } })),
  fc
    .tuple(objectName, key, optional)
    .map(([name, k, o]) => ({ valueFrom: { secretKeyRef: { name, key: k, ...o } } })),
  fc
    .constantFrom('metadata.name', 'metadata.uid', 'spec.nodeName', 'status.podIP', "metadata.labels['app']")
    .map((fieldPath) => ({ valueFrom: { fieldRef: { fieldPath } } })),
);
const fromSource: fc.Arbitrary<Fields> = fc
  .tuple(
    fc.constantFrom(...Array<string>(12).fill('configMapRef'), 'secretRef'),
    objectName,
    optional,
    fc.constantFrom({}, { prefix: 'P_' }),
  )
  .map(([type, name, o, prefix]) => ({ [type]: { name, ...o }, ...prefix }));

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const words = fc.array(fc.string({ maxLength: 6 }), { maxLength: 3 });

function container(index: number, volumes: number): fc.Arbitrary<Fields> {
  return fc
    .record({
      command: maybe(words),
      args: maybe(words),
      env: maybe(
        fc.array(variable, { maxLength: 3 }).map((list) => list.map((v, i) => ({ name: `V${i}`, ...v }))),
      ),
      envFrom: maybe(fc.array(fromSource, { maxLength: 2 })),
      imagePullPolicy: fc.constantFrom(undefined, 'Always', 'Never'),
      ports: fc.constant([{ name: 'web', containerPort: 80 }]),
      livenessProbe: fc.constantFrom(undefined, { httpGet: { port: 'web' } }, { tcpSocket: { port: 81 } }),
      resources: fc.constantFrom(undefined, { requests: { cpu: '100m' } }, { limits: { memory: '1Gi' } }),
      mounts: fc.subarray([...Array(volumes).keys()]),
    })
    .map(({ mounts, ...fields }) =>
      defined({
        name: `c${index}`,
        image: 'example.org/x:1',
        ...fields,
        volumeMounts: mounts.map((volume) => ({ name: `v${volume}`, mountPath: `/mnt/${volume}` })),
      }),
    );
}

function defined(object: Fields): Fields {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

const value = (kind: string, object: string, name: string): string =>
  name === 'empty' ? '' : `${kind}-${object}-${name.replaceAll(/\W/g, '')}-$(HOME)-${'q7'.repeat(6)}`;

/** Two objects of each kind, and one that the API says is missing. */
function objectsFor(): { objects: ResolvedObjects; secrets: string[] } {
  const names = ['one', 'two'];
  const values = (kind: string, name: string): Record<string, string> =>
    Object.fromEntries(KEYS.map((k) => [k, value(kind, name, k)]));
  const objects = given({
    secrets: { ...Object.fromEntries(names.map((name) => [name, values('SECRET', name)])), gone: null },
    configMaps: {
      ...Object.fromEntries(names.map((name) => [name, { data: values('config', name) }])),
      gone: null,
    },
    tokens: {
      'kube-system/default//3600': { token: 'SECRET-token-a', expiresAtMs: 1 },
      'kube-system/default/vault/600': { token: 'SECRET-token-b', expiresAtMs: 1 },
    },
  });
  const secrets = names.flatMap((name) => Object.values(values('SECRET', name)));
  const trustBundles = [
    {
      metadata: { name: 'roots' },
      spec: { trustBundle: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
    },
    { metadata: { name: 'test.org:one:1' }, spec: { signerName: 'test.org/one', trustBundle: '' } },
  ];
  return {
    objects: { ...objects, trustBundles },
    secrets: [...secrets, 'SECRET-token-a', 'SECRET-token-b'].filter((text) => text !== ''),
  };
}

export const generatedParent: fc.Arbitrary<GeneratedParent> = fc
  .array(volumeSource, { maxLength: 3 })
  .chain((sources) =>
    fc.record({
      sources: fc.constant(sources),
      containers: fc.tuple(container(0, sources.length), container(1, sources.length)),
      init: maybe(container(9, sources.length)),
      hostNetwork: fc.boolean(),
      securityContext: fc.constantFrom(undefined, { fsGroup: 5 }, { runAsUser: 7 }),
    }),
  )
  .map(({ sources, containers, init, hostNetwork, securityContext }) => ({
    pod: aPod(
      defined({
        hostNetwork,
        securityContext,
        containers,
        initContainers: init && [init],
        volumes: sources.map((source, index) => ({ name: `v${index}`, ...source })),
      }),
      {},
      { labels: { app: 'web' } },
    ),
    ...objectsFor(),
  }));
