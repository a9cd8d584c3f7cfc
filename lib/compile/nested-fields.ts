// Finds the fields that this version does not know deep inside a PodSpec. Those that only say something stay; those
// that seem to name an API object go, since the kubelet would wait for the API; each is told once.

import { keepUnknown } from './apply-table.ts';
import type { Findings } from './findings.ts';
import { NESTED_TYPES, type NestedRow } from './nested-table.ts';
import type { Json, JsonObject } from './plain-json.ts';

interface NestedType {
  readonly treatment: NestedRow['treatment'];
  /** Each known field, and the type of what it holds where that is known as well. */
  readonly fields: ReadonlyMap<string, string | undefined>;
}

const TYPES: ReadonlyMap<string, NestedType> = new Map(
  NESTED_TYPES.map(({ type, fields, treatment }) => [
    type,
    {
      treatment,
      fields: new Map(
        fields
          .split(' ')
          .map((field) => field.split(':') as [string, string?])
          .map(([name, of]) => [name, of]),
      ),
    },
  ]),
);

/** The spec without what must not stay. */
export function withKnownFields(spec: JsonObject, findings: Findings): JsonObject {
  return inObject(spec, 'PodSpec', 'spec', findings);
}

function inObject(object: JsonObject, type: string, path: string, findings: Findings): JsonObject {
  const row = TYPES.get(type);
  if (row === undefined) return object;
  const out: [string, Json][] = [];
  for (const [field, value] of Object.entries(object)) {
    const at = `${path}.${field}`;
    const inner = row.fields.get(field);
    if (row.treatment === 'open' || row.fields.has(field)) {
      out.push([field, inner === undefined ? value : inValue(value, inner, at, findings)]);
    } else if (row.treatment === 'rebuilt') {
      findings.risk(at, 'dropped', 'not known to this version: left out');
    } else if (keepUnknown(field, value, at, findings)) {
      out.push([field, value]);
    }
  }
  return Object.fromEntries(out);
}

function inValue(value: Json, type: string, path: string, findings: Findings): Json {
  if (Array.isArray(value)) {
    return value.map((item, index) => inValue(item, type, `${path}[${index}]`, findings));
  }
  if (typeof value !== 'object' || value === null) return value;
  return inObject(value, type, path, findings);
}
