// 10 000 pods and objects that nobody would write: an answer or a refusal, never a crash, never a file outside its volume.

import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node';
import fc from 'fast-check';
import { compile } from '../../../lib/compile/compile.ts';
import { wouldKubeletAccept } from '../../../lib/compile/kubelet-acceptance.ts';
import { isParent, readOptions, toParent } from '../../../lib/compile/parent.ts';
import { references } from '../../../lib/compile/references.ts';
import { renderManifest, serialize } from '../../../lib/compile/render.ts';
import { checkCheckpoint } from '../../../lib/store/admission.ts';
import type { Found, ResolvedObjects } from '../../../lib/types/checkpoint.ts';
import { aPodWithVolume, given } from './a-pod.ts';
import { generatedParent } from './generated-pods.ts';

const MUTANTS = 10_000;

const MEBIBYTE = 'QUFB'.repeat(256 * 1024);
const manyKeys = Object.fromEntries([...Array(5000).keys()].map((n) => [`key-${n}`, 'QQ==']));
const deep = JSON.parse(`${'[{"a":'.repeat(200)}1${'}]'.repeat(200)}`);

/** By name, so that a counterexample can be read. */
const ODD: Readonly<Record<string, unknown>> = {
  null: null,
  undefined: undefined,
  true: true,
  zero: 0,
  negative: -1,
  fraction: 1.5,
  'beyond integers': 2 ** 60,
  NaN: Number.NaN,
  empty: '',
  'dot dot': '..',
  traversal: '../../../etc/passwd',
  absolute: '/etc/passwd',
  'inner traversal': 'a/../../b',
  dot: '.',
  NUL: 'a\0b',
  'half a character': '\ud800',
  unicode: 'ünï©ødé-🎛',
  placeholder: '@material',
  'path below the placeholder': '/@material/x',
  expansion: '$(X)$$',
  'name of a prototype': '__proto__',
  'inherited name': 'constructor',
  'long text': 'x'.repeat(300),
  MiB: MEBIBYTE,
  'empty list': [],
  'empty object': {},
  'list of null': [null],
  'list of list': [[]],
  'list of object': [{}],
  'list of number': [1],
  'object as name': { name: {} },
  'no prototype': Object.assign(Object.create(null), { toString: 1 }),
  pollution: JSON.parse('{"__proto__": {"polluted": true}}'),
  deep,
  bytes: Buffer.from('x'),
  'invalid date': new Date(Number.NaN),
  function: () => 1,
  symbol: Symbol('s'),
  bigint: 1n,
  'many keys': manyKeys,
  'object of many keys': { data: manyKeys },
};

type Replacement = { readonly odd: string } | { readonly json: unknown };

function chosenValue(replacement: Replacement): unknown {
  return 'odd' in replacement ? ODD[replacement.odd] : replacement.json;
}

const HUGE = ['MiB', 'many keys', 'object of many keys'];
const replacement: fc.Arbitrary<Replacement> = fc.oneof(
  {
    weight: 60,
    arbitrary: fc
      .constantFrom(...Object.keys(ODD).filter((name) => !HUGE.includes(name)))
      .map((odd) => ({ odd })),
  },
  { weight: 1, arbitrary: fc.constantFrom(...HUGE).map((odd) => ({ odd })) },
  { weight: 15, arbitrary: fc.jsonValue().map((json) => ({ json })) },
  { weight: 15, arbitrary: fc.string({ unit: 'binary' }).map((json) => ({ json })) },
);

/** Replaces, adds or removes something at one place of a tree, chosen by `choices`. */
function mutate(value: unknown, choices: readonly number[], replacement: unknown, addedKey: string): unknown {
  const [choice = 0, ...rest] = choices;
  if (typeof value !== 'object' || value === null || rest.length === 0) {
    return replacement;
  }
  if (Array.isArray(value)) {
    const at = choice % (value.length + 1);
    return [...value.slice(0, at), mutate(value[at], rest, replacement, addedKey), ...value.slice(at + 1)];
  }
  const keys = Object.keys(value);
  const key = keys[choice % (keys.length + 1)] ?? addedKey;
  return Object.fromEntries([
    ...Object.entries(value),
    [key, mutate((value as Record<string, unknown>)[key], rest, replacement, addedKey)],
  ]);
}

const mutation = fc.tuple(
  fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }),
  replacement,
  fc.constantFrom(
    'items',
    'optional',
    'new',
    '../x',
    '__proto__',
    'secretRef',
    'valueFrom',
    'defaultMode',
    'data',
    'name',
  ),
);

function mutateObjects<T>(
  map: ReadonlyMap<string, Found<T>>,
  change: (object: unknown) => unknown,
): Map<string, Found<T>> {
  return new Map(
    [...map].map(([key, found]) => [
      key,
      found.found ? { ...found, object: change(found.object) as T } : found,
    ]),
  );
}

function checkOutcome(pod: V1Pod, objects: ResolvedObjects): boolean {
  const outcome = compile(pod, objects);
  if (!outcome.ok) {
    assert.ok(outcome.refusals.length > 0 && outcome.refusals.every(({ why }) => why.length > 0));
    for (const { field, why } of outcome.refusals) {
      assert.ok(field.length < 1000 && why.length < 1000, 'a refusal repeats a huge value');
    }
    return false;
  }
  const { manifest, volumes, workload, revision } = outcome.checkpoint;
  assert.deepEqual(wouldKubeletAccept(manifest), []);
  assert.doesNotThrow(() => checkCheckpoint('/state', outcome.checkpoint), 'the store would refuse it');
  assert.doesNotThrow(() => JSON.parse(serialize(manifest)));
  for (const volume of volumes) {
    assert.equal(posix.join('/@material', volume.name), `/@material/${volume.name}`);
    for (const path of [...volume.files.map((file) => file.path), ...(volume.mountPoints ?? [])]) {
      const joined = posix.join('/root/volume', path);
      assert.equal(joined, `/root/volume/${path}`, `${path} is not clean`);
      assert.ok(!path.startsWith('..') && !path.includes('\0'), path);
    }
    for (const { mode, uid, gid, content } of volume.files) {
      assert.ok(mode >= 0 && mode <= 0o777 && uid >= 0 && gid >= 0 && content instanceof Uint8Array);
    }
  }
  const rendered = renderManifest(manifest, { uid: 'u', materialDir: '/root', workload, revision });
  for (const { hostPath, name } of rendered.spec?.volumes ?? []) {
    if (volumes.some((volume) => volume.name === name)) {
      assert.equal(hostPath?.path, `/root/${name}`);
    }
  }
  return true;
}

test(`${MUTANTS} mutated pods and objects get an answer or a refusal`, () => {
  let compiledCount = 0;
  fc.assert(
    fc.property(
      generatedParent,
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      fc.option(mutation),
      (parent, podMutations, objectMutation) => {
        const pod = podMutations.reduce<unknown>(
          (at, [path, value, key]) => mutate(at, path, chosenValue(value), key),
          parent.pod,
        ) as V1Pod;
        const change = (object: unknown): unknown =>
          objectMutation === null
            ? object
            : mutate(
                object,
                objectMutation[0].slice(0, 3),
                chosenValue(objectMutation[1]),
                objectMutation[2],
              );
        const objects: ResolvedObjects = {
          secrets: mutateObjects<V1Secret>(parent.objects.secrets, change),
          configMaps: mutateObjects<V1ConfigMap>(parent.objects.configMaps, change),
          tokens: parent.objects.tokens,
        };
        references(pod);
        isParent(pod, 'm1');
        readOptions(pod);
        toParent(pod);
        compiledCount += checkOutcome(pod, objects) ? 1 : 0;
      },
    ),
    { numRuns: MUTANTS, includeErrorInReport: true },
  );
  assert.ok(compiledCount > MUTANTS / 100, `only ${compiledCount} mutants compiled`);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('no path of an item, no key and no path of a token leaves its volume', () => {
  const segments = fc.constantFrom('..', '.', '', 'a', 'b', '..data', '...', 'a..');
  const oddPath = fc.array(segments, { minLength: 1, maxLength: 5 }).map((list) => list.join('/'));
  fc.assert(
    fc.property(oddPath, fc.constantFrom('items', 'key', 'token', 'downward'), (path, by) => {
      const sources: Record<string, unknown> = {
        items: { secret: { name: 's', items: [{ key: 'k', path }] } },
        key: { secret: { name: 's' } },
        token: { serviceAccountToken: { path } },
        downward: { downwardAPI: { items: [{ path, fieldRef: { fieldPath: 'metadata.name' } }] } },
      };
      const pod = aPodWithVolume({ projected: { sources: [sources[by]] } });
      const tokens = { 'kube-system/default//3600': { token: 't', expiresAtMs: 1 } };
      checkOutcome(pod, given({ secrets: { s: by === 'key' ? { [path]: 'x' } : { k: 'x' } }, tokens }));
    }),
    { numRuns: 1000, includeErrorInReport: true },
  );
});

test('odd values in place of the whole pod', () => {
  fc.assert(
    fc.property(replacement, (chosen) => {
      const value = chosenValue(chosen);
      references(value as V1Pod);
      toParent(value as V1Pod);
      wouldKubeletAccept(value as V1Pod);
      const pod = { spec: value } as unknown as V1Pod;
      const objects: ResolvedObjects = { secrets: new Map(), configMaps: new Map(), tokens: new Map() };
      assert.equal(compile(value as V1Pod, objects).ok, false);
      assert.equal(compile(pod, objects).ok, false);
    }),
    { numRuns: 500, includeErrorInReport: true },
  );
});

test('a Secret of 1 MiB and one of 5 000 keys are carried', () => {
  const names = ['one', 'two'];
  const pod = {
    metadata: { name: 'big', namespace: 'kube-system' },
    spec: {
      containers: [
        { name: 'c', image: 'x', volumeMounts: names.map((name) => ({ name, mountPath: `/${name}` })) },
      ],
      volumes: names.map((name) => ({ name, secret: { secretName: name } })),
    },
  } as V1Pod;
  const found = (data: Record<string, string>): Found<V1Secret> => ({ found: true, object: { data } });
  const secrets = new Map([
    ['kube-system/one', found({ big: MEBIBYTE })],
    ['kube-system/two', found(manyKeys)],
  ]);
  const outcome = compile(pod, { secrets, configMaps: new Map(), tokens: new Map() });
  assert.ok(outcome.ok);
  assert.deepEqual(
    outcome.checkpoint.volumes.map((volume) => [volume.files.length, volume.files[0]?.content.length]),
    [
      [1, 786_432],
      [5000, 1],
    ],
  );
});
