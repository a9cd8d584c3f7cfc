// The tables against the API's own types, as the client library has them: no field is forgotten, no shape is wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as client from '@kubernetes/client-node';
import { V1Container, V1ObjectMeta, V1PodSpec, V1Volume, V1VolumeProjection } from '@kubernetes/client-node';
import {
  CONTAINER_FIELDS,
  type FieldRow,
  METADATA_FIELDS,
  POD_SPEC_FIELDS,
} from '../../../lib/compile/field-table.ts';
import { NESTED_TYPES } from '../../../lib/compile/nested-table.ts';
import { PROJECTED_SOURCES, VOLUME_TYPES } from '../../../lib/compile/volume-table.ts';

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

function shapeOf(type: string): string {
  if (type === 'string' || type === 'boolean') return type;
  if (type === 'number') return 'integer';
  if (type === 'Date') return 'string';
  if (type === 'Array<string>') return 'list of strings';
  if (type.startsWith('Array<')) return 'list of objects';
  return type.startsWith('{') ? 'map of strings' : 'object';
}

const FIELD_TABLES: [string, readonly FieldRow[], readonly Attribute[]][] = [
  ['metadata', METADATA_FIELDS, V1ObjectMeta.attributeTypeMap],
  ['PodSpec', POD_SPEC_FIELDS, V1PodSpec.attributeTypeMap],
  ['Container', CONTAINER_FIELDS, V1Container.attributeTypeMap],
];
for (const [name, rows, attributes] of FIELD_TABLES) {
  test(`every field of ${name} has one row, with the shape the API says, and a reason`, () => {
    assert.equal(new Set(rows.map((row) => row.field)).size, rows.length);
    assert.ok(rows.every((row) => row.why !== ''));
    for (const { baseName, type } of attributes) {
      const row = rows.find((candidate) => candidate.field === baseName);
      assert.equal(row?.shape, shapeOf(type), `${name}.${baseName}`);
    }
  });
}

for (const [name, rows, attributes] of [
  ['volume', VOLUME_TYPES, V1Volume.attributeTypeMap],
  ['projected source', PROJECTED_SOURCES, V1VolumeProjection.attributeTypeMap],
] as const) {
  test(`every type of ${name} has one row`, () => {
    const types = attributes.map((attribute) => attribute.baseName).filter((type) => type !== 'name');
    assert.deepEqual(rows.map((row) => row.type).sort(), types.sort());
  });
}

test('every refused type of volume says what a person can do', () => {
  for (const { treatment, why, type } of [...VOLUME_TYPES, ...PROJECTED_SOURCES]) {
    assert.ok(treatment !== 'refused' || /; (use|mount|put)|use a/.test(why), type);
  }
});

/** Every pair of a row of the nested table and a type of the API that it speaks of, reached from PodSpec. */
function nestedPairs(): [string, (typeof NESTED_TYPES)[number], readonly Attribute[]][] {
  const pairs = new Map<string, [string, (typeof NESTED_TYPES)[number], readonly Attribute[]]>();
  const visit = (type: string, model: string): void => {
    const row = NESTED_TYPES.find((candidate) => candidate.type === type);
    assert.ok(row !== undefined, `there is no row ${type}`);
    const { attributeTypeMap } = (client as unknown as Record<string, { attributeTypeMap: Attribute[] }>)[
      model
    ] ?? {
      attributeTypeMap: [],
    };
    assert.ok(attributeTypeMap.length > 0, `the client has no ${model}`);
    if (pairs.has(`${type} ${model}`)) return;
    pairs.set(`${type} ${model}`, [model, row, attributeTypeMap]);
    for (const [field = '', of] of row.fields.split(' ').map((text) => text.split(':'))) {
      const attribute = attributeTypeMap.find(({ baseName }) => baseName === field);
      if (of !== undefined)
        visit(of, /\bV1\w+|\bCoreV1\w+/.exec(attribute?.type ?? '')?.[0] ?? `type of ${field}`);
    }
  };
  visit('PodSpec', 'V1PodSpec');
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
  const judgedElsewhere = new Set(['claims', 'resourceClaims', 'secretRef', 'fileKeyRef']);
  for (const [model, { fields, treatment }, attributes] of pairs) {
    const known = new Map(
      fields
        .split(' ')
        .map((text) => text.split(':'))
        .map(([name, of]) => [name, of]),
    );
    for (const { baseName, type } of attributes) {
      if (treatment !== 'open') assert.ok(known.has(baseName), `${model}.${baseName}`);
      const holdsObjects = /V1/.test(type) && !leftOut(baseName) && !judgedElsewhere.has(baseName);
      if (holdsObjects) assert.ok(known.get(baseName) !== undefined, `${model}.${baseName} has no type`);
    }
  }
});
