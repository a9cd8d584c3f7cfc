// The tables against the API's own types: no field is forgotten, no shape is wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONTAINER_FIELDS,
  type FieldRow,
  METADATA_FIELDS,
  POD_SPEC_FIELDS,
} from '../../../lib/compile/field-table.ts';
import { NESTED_TYPES, type NestedRow } from '../../../lib/compile/nested-table.ts';
import { PROJECTED_SOURCES, VOLUME_TYPES } from '../../../lib/compile/volume-table.ts';
import { aPod, compiled, refusalsOf } from './a-pod.ts';
import { apiFields, fieldsHolding, objectsIn } from './api-fields.ts';

function shapeOf(holds: string): string {
  if (['string', 'boolean', 'integer'].includes(holds)) return holds;
  if (holds === 'Time') return 'string';
  if (holds === '[]string') return 'list of strings';
  if (holds.startsWith('[]')) return 'list of objects';
  return holds.startsWith('map[string]') ? 'map of strings' : 'object';
}

const FIELD_TABLES: [string, readonly FieldRow[]][] = [
  ['ObjectMeta', METADATA_FIELDS],
  ['PodSpec', POD_SPEC_FIELDS],
  ['Container', CONTAINER_FIELDS],
];
for (const [type, rows] of FIELD_TABLES) {
  test(`every field of ${type} has one row, with the shape the API says, and a reason`, () => {
    assert.equal(new Set(rows.map((row) => row.field)).size, rows.length);
    assert.ok(rows.every((row) => row.why !== ''));
    for (const [field, holds] of apiFields(type)) {
      const row = rows.find((candidate) => candidate.field === field);
      assert.equal(row?.shape, shapeOf(holds), `${type}.${field}`);
    }
  });
}

for (const [name, type, rows] of [
  ['volume', 'Volume', VOLUME_TYPES],
  ['projected source', 'VolumeProjection', PROJECTED_SOURCES],
] as const) {
  test(`every type of ${name} has one row`, () => {
    const types = apiFields(type).flatMap(([field]) => (field === 'name' ? [] : [field]));
    assert.deepEqual(rows.map((row) => row.type).sort(), types.sort());
  });
}

test('every refused type of volume says what a person can do', () => {
  for (const { treatment, why, type } of [...VOLUME_TYPES, ...PROJECTED_SOURCES]) {
    assert.ok(treatment !== 'refused' || /; (use|mount|put)|use a/.test(why), type);
  }
});

const knownFields = ({ fields }: NestedRow): Map<string, string | undefined> =>
  new Map(
    fields
      .split(' ')
      .map((text) => text.split(':') as [string, string?])
      .map(([name, of]) => [name, of]),
  );

/** Every pair of a row of the nested table and a type of the API that it speaks of, reached from PodSpec. */
function nestedPairs(): [apiType: string, row: NestedRow][] {
  const pairs = new Map<string, [string, NestedRow]>();
  const visit = (type: string, apiType: string | undefined): void => {
    const row = NESTED_TYPES.find((candidate) => candidate.type === type);
    assert.ok(row !== undefined, `there is no row ${type}`);
    assert.ok(apiType !== undefined, `row ${type} stands for no object of the API`);
    if (pairs.has(`${type} ${apiType}`)) return;
    pairs.set(`${type} ${apiType}`, [apiType, row]);
    const holds = new Map(apiFields(apiType));
    for (const [field, of] of knownFields(row)) {
      if (of !== undefined) visit(of, objectsIn(holds.get(field) ?? ''));
    }
  };
  visit('PodSpec', 'PodSpec');
  return [...pairs.values()];
}

test('the nested table knows every field of the API, and every object that is kept or made into something', () => {
  const pairs = nestedPairs();
  assert.deepEqual(
    new Set(pairs.map(([, row]) => row.type)),
    new Set(NESTED_TYPES.map(({ type }) => type)),
    'every row is reached',
  );
  const leftOut = (field: string): boolean =>
    [...POD_SPEC_FIELDS, ...CONTAINER_FIELDS].some(
      (row) => row.field === field && ['dropped', 'refused'].includes(row.treatment),
    ) ||
    [...VOLUME_TYPES, ...PROJECTED_SOURCES].some((row) => row.type === field && row.treatment === 'refused');
  // Lists and maps of what the kubelet refuses or the compiler does.
  const judgedElsewhere = new Set(['claims', 'resourceClaims', 'secretRef']);
  const missing: string[] = [];
  for (const [apiType, row] of pairs) {
    const known = knownFields(row);
    for (const [field, holds] of apiFields(apiType)) {
      if (row.treatment !== 'open' && !known.has(field)) missing.push(`${apiType}.${field}`);
      const holdsObjects = objectsIn(holds) !== undefined && !leftOut(field) && !judgedElsewhere.has(field);
      if (holdsObjects && known.get(field) === undefined) missing.push(`type of ${apiType}.${field}`);
    }
  }
  assert.deepEqual(missing, []);
});

test('every source of a variable is known to env.ts', () => {
  for (const [source] of apiFields('EnvVarSource')) {
    const pod = aPod({}, { env: [{ name: 'A', valueFrom: { [source]: {} } }] });
    for (const { why } of refusalsOf(pod)) assert.doesNotMatch(why, /no type known/, source);
  }
  for (const [source, holds] of apiFields('EnvFromSource')) {
    if (objectsIn(holds) === undefined) continue;
    const pod = aPod({}, { envFrom: [{ [source]: { name: 'gone', optional: true } }] });
    for (const { why } of refusalsOf(pod)) assert.doesNotMatch(why, /is neither/, source);
  }
});

test('every named port of the API becomes a number on the host network', () => {
  const named = fieldsHolding('IntOrString');
  assert.deepEqual(named, ['HTTPGetAction.port', 'TCPSocketAction.port']);
  const handlers = ['Probe', 'LifecycleHandler'].flatMap((type) =>
    apiFields(type).flatMap(([field, holds]) => (named.includes(`${holds}.port`) ? [[type, field]] : [])),
  );
  assert.equal(handlers.length, 4);
  const places = [
    ...['livenessProbe', 'readinessProbe', 'startupProbe'].map((probe) => ['Probe', probe]),
    ...apiFields('Lifecycle').flatMap(([hook, holds]) =>
      holds === 'LifecycleHandler' ? [[holds, hook]] : [],
    ),
  ];
  for (const [type, place = ''] of places) {
    for (const [of, handler = ''] of handlers) {
      if (of !== type) continue;
      const asked = { [place]: { [handler]: { port: 'web' } } };
      const pod = aPod(
        { hostNetwork: true },
        { ports: [{ name: 'web', containerPort: 80 }], ...(type === 'Probe' ? asked : { lifecycle: asked }) },
      );
      const text = JSON.stringify(compiled(pod).manifest.spec);
      assert.match(text, /"port":80/, `${place}.${handler}`);
      assert.doesNotMatch(text, /"web"/, `${place}.${handler}`);
    }
  }
});
