// The file a clusterTrustBundle source becomes: which bundles it takes, each certificate once, its mode and owner.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { references } from '../../../lib/compile/references.ts';
import type { ClusterTrustBundle } from '../../../lib/types/checkpoint.ts';
import { aPod, aPodWithVolume, compiled, type Fields, given, notedFields, refused } from './a-pod.ts';

const base64 = (name: string): string => Buffer.from(name.repeat(30)).toString('base64');
/** As a person may have written it: one long line, spaces around. */
const written = (name: string): string =>
  `# ${name}\n-----BEGIN CERTIFICATE-----\n ${base64(name)} \n-----END CERTIFICATE-----\n`;

function bundle(
  name: string,
  certificates: string,
  signerName?: string,
  labels?: Record<string, string>,
): ClusterTrustBundle {
  return {
    metadata: { name, ...(labels && { labels }) },
    spec: { ...(signerName && { signerName }), trustBundle: [...certificates].map(written).join('') },
  };
}

const BUNDLES = [
  bundle('plain', 'BA'),
  bundle('test.org:one:1', 'CB', 'test.org/one', { zone: 'a', live: '' }),
  bundle('test.org:one:2', 'BD', 'test.org/one', { zone: 'b' }),
  bundle('test.org:one:3', 'E', 'test.org/one'),
  bundle('test.org:two:1', 'F', 'test.org/two', { zone: 'a' }),
];

const volume = (source: Fields, projected: Fields = {}): Fields => ({
  projected: { sources: [{ clusterTrustBundle: { path: 'ca.crt', ...source } }], ...projected },
});
const objects = (trustBundles = BUNDLES) => ({ ...given(), trustBundles });

/** The certificates in the file by their letters, in its order. */
function lettersIn(content: Uint8Array | undefined): string {
  const blocks = Buffer.from(content ?? [])
    .toString()
    .matchAll(/-----BEGIN CERTIFICATE-----\n([^-]*)-----END CERTIFICATE-----\n/g);
  return [...blocks].map(([, text = '']) => Buffer.from(text, 'base64').toString()[0]).join('');
}
function letters(source: Fields, bundles = BUNDLES): string {
  const [material] = compiled(aPodWithVolume(volume(source)), objects(bundles)).volumes;
  assert.deepEqual(
    material?.files.map(({ path }) => path),
    ['ca.crt'],
  );
  return lettersIn(material?.files[0]?.content);
}

const one = (labelSelector?: Fields): Fields => ({
  signerName: 'test.org/one',
  ...(labelSelector && { labelSelector }),
});
const where = (key: string, operator: string, values?: string[]): Fields =>
  one({ matchExpressions: [{ key, operator, ...(values && { values }) }] });

const CHOSEN: [string, Fields, string][] = [
  ['one by its name, in an order of their own', { name: 'plain' }, 'AB'],
  ['all of a signer, each certificate once', one({}), 'BCDE'],
  ['those with a label', one({ matchLabels: { zone: 'a' } }), 'BC'],
  ['In', where('zone', 'In', ['b', 'c']), 'BD'],
  ['NotIn, those without the label as well', where('zone', 'NotIn', ['a']), 'BDE'],
  ['Exists', where('live', 'Exists'), 'BC'],
  ['DoesNotExist', where('zone', 'DoesNotExist'), 'E'],
  [
    'all that a selector says',
    one({ matchLabels: { zone: 'a' }, matchExpressions: [{ key: 'live', operator: 'Exists' }] }),
    'BC',
  ],
  ['none, when it is optional', { name: 'gone', optional: true }, ''],
  ['none without a selector, when it is optional', { ...one(), optional: true }, ''],
];
for (const [name, source, expected] of CHOSEN) {
  test(`takes ${name}`, () => assert.equal(letters(source), expected));
}

test('the file is the same whatever the order of the bundles, in lines of 64 characters', () => {
  const contentOf = (bundles: ClusterTrustBundle[]) =>
    Buffer.from(
      compiled(aPodWithVolume(volume(one({}))), objects(bundles)).volumes[0]?.files[0]?.content ?? [],
    );
  const text = contentOf(BUNDLES).toString();
  assert.equal(contentOf([...BUNDLES].reverse()).toString(), text);
  const [first = ''] = text.split(/(?<=-----END CERTIFICATE-----\n)/);
  const lines = base64('B').match(/.{1,64}/g) ?? [];
  assert.equal(first, ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----\n'].join('\n'));
});

const REFUSED: [string, Fields, RegExp][] = [
  ['a bundle that is not there', { name: 'gone' }, /no ClusterTrustBundle "gone"; create it/],
  [
    'labels that none of the signer has',
    one({ matchLabels: { zone: 'z' } }),
    /no ClusterTrustBundle of "test.org\/one"/,
  ],
  ['a signer without a selector', one(), /no ClusterTrustBundle of/],
  ['neither a name nor a signer', {}, /either a name or a signerName/],
  ['both', { name: 'plain', signerName: 'test.org/one' }, /either a name or a signerName/],
  ['no path', { name: 'plain', path: undefined }, /must have a path/],
];
for (const [name, source, why] of REFUSED) {
  test(`refused: ${name}`, () => {
    const [refusal] = refused(aPodWithVolume(volume(source)), objects());
    assert.equal(refusal?.field, 'spec.volumes[0].projected.sources[0].clusterTrustBundle');
    assert.match(refusal?.why ?? '', why);
  });
}

test('refused: bundles that have not been read', () => {
  const [refusal] = refused(aPodWithVolume(volume({ name: 'plain' })), given());
  assert.match(refusal?.why ?? '', /not been read yet/);
});

test('mode and owner are those of a token: 0600 once fsGroup or a user says who reads it', () => {
  const attributes = (source: Fields, projected: Fields = {}, securityContext: Fields = {}) => {
    const pod = aPodWithVolume(volume({ name: 'plain', ...source }, projected), { securityContext });
    const { mode, uid, gid } = compiled(pod, objects()).volumes[0]?.files[0] ?? {};
    return `${mode?.toString(8)} ${uid}:${gid}`;
  };
  assert.equal(attributes({}), '644 0:0');
  assert.equal(attributes({}, { defaultMode: 0o444 }), '444 0:0');
  assert.equal(attributes({}, { defaultMode: 0o444 }, { runAsUser: 1000 }), '600 1000:0');
  assert.equal(attributes({}, {}, { fsGroup: 2000 }), '640 0:2000');
  assert.equal(attributes({ user: 3 }, { defaultUser: 2 }, { runAsUser: 1000 }), '600 3:0');
});

test('an empty file is said', () => {
  const checkpoint = compiled(aPodWithVolume(volume({ name: 'gone', optional: true })), objects());
  assert.ok(
    notedFields(checkpoint).includes('rewritten spec.volumes[0].projected.sources[0].clusterTrustBundle'),
  );
});

test('a parent with any such source needs the bundles of the cluster, once', () => {
  const source = (choice: Fields) => ({ clusterTrustBundle: { path: 'x', ...choice } });
  const sources = [source({ name: 'plain' }), source(one({})), source({})];
  const { objects: needed, trustBundles } = references(
    aPod({ volumes: [{ name: 'v', projected: { sources } }] }),
  );
  assert.deepEqual(needed, [{ kind: 'ClusterTrustBundleList', namespace: '', name: '', optional: false }]);
  assert.equal(trustBundles.length, 2);
  assert.deepEqual(references(aPod()), { objects: [], tokens: [], trustBundles: [] });
});
