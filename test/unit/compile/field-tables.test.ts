// The tables against the API's own types, as the client library has them: no field is forgotten, no shape is wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { V1Container, V1ObjectMeta, V1PodSpec, V1Volume, V1VolumeProjection } from '@kubernetes/client-node';
import {
  CONTAINER_FIELDS,
  type FieldRow,
  METADATA_FIELDS,
  POD_SPEC_FIELDS,
} from '../../../lib/compile/field-table.ts';
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
