// The API's own types, as a Go program has printed them (test/cluster/products/pod-fields; test/e2e/kubernetes-sources.test.ts
// prints them anew and compares).

import { readFileSync } from 'node:fs';

const FILE = new URL('../../fixtures/kubernetes/pod-fields-1.37.json', import.meta.url);

/** By type and field, what the field holds: a name of a type, `string`, `integer` or `boolean`, or `[]` or `map[string]` of one. */
const { types } = JSON.parse(readFileSync(FILE, 'utf8')) as {
  readonly types: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

export function apiFields(type: string): readonly [field: string, holds: string][] {
  const fields = types[type];
  if (fields === undefined) throw new Error(`the API has no type ${type}`);
  return Object.entries(fields);
}

/** The type of the objects that a field holds, one, a list or a map of them; undefined for plain values. */
export function objectsIn(holds: string): string | undefined {
  const type = holds.replace(/^(\[\]|map\[string\])/, '');
  return type in types ? type : undefined;
}

/** Every field of every type of the API that holds this. */
export function fieldsHolding(wanted: string): string[] {
  return Object.entries(types).flatMap(([type, fields]) =>
    Object.entries(fields).flatMap(([field, holds]) => (holds === wanted ? [`${type}.${field}`] : [])),
  );
}
