// Walks an object along its field table: copies what is kept, notes what is dropped, refuses what must be refused or
// has a shape the kubelet cannot decode. Fields with code of their own (`rewritten`) are only checked for shape here.

import type { FieldRow } from './field-table.ts';
import type { Findings } from './findings.ts';
import type { Json, JsonObject } from './plain-json.ts';
import { hasShape } from './shape.ts';

/** `path` is the object's own path, such as `spec` or `spec.containers[0]`. Answers the kept part. */
export function applyTable(
  source: JsonObject,
  rows: readonly FieldRow[],
  path: string,
  findings: Findings,
): JsonObject {
  const out: [string, Json][] = [];
  for (const [field, value] of Object.entries(source)) {
    const at = `${path}.${field}`;
    const row = rows.find((candidate) => candidate.field === field);
    if (row === undefined) {
      if (keepUnknown(field, value, at, findings)) {
        out.push([field, value]);
      }
    } else if (row.treatment === 'dropped') {
      if (row.told !== 'nobody' && !isEmpty(value)) {
        if (row.told === 'everybody') findings.risk(at, 'dropped', row.why);
        else findings.note(at, 'dropped', row.why);
      }
    } else if (!hasShape(value, row.shape)) {
      findings.refuse(at, `must be a ${row.shape}; correct it in the pod`);
    } else if (row.treatment === 'refused') {
      if (!isEmpty(value)) {
        findings.refuse(at, row.why);
      }
    } else if (row.treatment === 'kept') {
      out.push([field, value]);
    }
  }
  return Object.fromEntries(out);
}

/** A newer API's field stays, since older programs are not changed by it, unless it would make the kubelet ask the API. */
export function keepUnknown(field: string, value: Json, at: string, findings: Findings): boolean {
  if (namesApiObject(field, value)) {
    findings.risk(at, 'dropped', 'not known to this version, and seems to name an API object: left out');
    return false;
  }
  findings.risk(at, 'unknown', 'not known to this version: kept as it is');
  return true;
}

/** Kubernetes names references alike: fooRef, fooClassName, claimName, secretName. */
const REFERENCE =
  /(ref|refs|classname|claims?|claimname|secrets?|secretname|configmaps?|configmapname|serviceaccount(name)?)$/i;

function namesApiObject(field: string, value: Json): boolean {
  if (REFERENCE.test(field)) {
    return true;
  }
  if (Array.isArray(value)) {
    return value.some((item) => namesApiObject('', item));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).some(([key, item]) => namesApiObject(key, item));
  }
  return false;
}

function isEmpty(value: Json): boolean {
  if (typeof value === 'object' && value !== null) {
    return Object.keys(value).length === 0;
  }
  return value === '';
}
