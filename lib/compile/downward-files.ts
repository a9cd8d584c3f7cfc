// Files of the downward API. A volume whose every value is the same in a static pod stays a downward API volume (the
// kubelet allows those); otherwise its files become material with the parent's values.

import type { CompileContext } from './context.ts';
import { resourcesOf } from './env-from-pod.ts';
import { fieldValue, sameInStaticPod } from './field-value.ts';
import type { Findings } from './findings.ts';
import { attributesOf, type FileAttributes, type Payload, put, quoted } from './payload.ts';
import { asList, asObject, asString, type Json, type JsonObject } from './plain-json.ts';
import { readsZeroedRequest, resourceFieldValue } from './resources.ts';

/** True for a downwardAPI volume, or a projected one of nothing else, that needs no pinning. */
export function staysDownward(type: string, source: JsonObject, context: CompileContext): boolean {
  if (type === 'downwardAPI') {
    return asList(source.items).every((item) => isSame(item, context));
  }
  const sources = asList(source.sources);
  return (
    type === 'projected' &&
    sources.length > 0 &&
    sources.every((value) => {
      const projection = asObject(value) ?? {};
      const downward = asObject(projection.downwardAPI);
      const only = downward !== undefined && Object.keys(projection).length === 1;
      return only && asList(downward.items).every((item) => isSame(item, context));
    })
  );
}

function isSame(value: Json, context: CompileContext): boolean {
  const item = asObject(value) ?? {};
  const field = asString(asObject(item.fieldRef)?.fieldPath);
  if (field !== undefined) {
    return sameInStaticPod(field, context.fields);
  }
  const resource = asObject(item.resourceFieldRef);
  return resource !== undefined && !readsZeroedRequest(resource);
}

export function addDownwardFiles(
  payload: Payload,
  source: JsonObject,
  defaults: FileAttributes,
  path: string,
  context: CompileContext,
  findings: Findings,
): void {
  asList(source.items).forEach((value, index) => {
    const at = `${path}.items[${index}]`;
    const item = asObject(value) ?? {};
    const text = textOf(item, at, context, findings);
    const target = asString(item.path);
    if (text === undefined || target === undefined) {
      if (target === undefined) {
        findings.refuse(at, 'must have a path; correct it in the pod');
      }
      return;
    }
    const file = { content: Buffer.from(text), ...attributesOf(item, defaults, at, findings) };
    put(payload, target, file, at, findings);
  });
}

function textOf(
  item: JsonObject,
  at: string,
  context: CompileContext,
  findings: Findings,
): string | undefined {
  const fieldPath = asString(asObject(item.fieldRef)?.fieldPath);
  if (fieldPath !== undefined) {
    const value = fieldValue(fieldPath, context.fields);
    if (value.kind === 'literal' && fieldPath.startsWith('metadata.')) {
      findings.note(`${at}.fieldRef`, 'rewritten', `${fieldPath} is pinned to the parent's`);
      return value.text;
    }
    findings.refuse(
      `${at}.fieldRef`,
      `${quoted(fieldPath)} is no field the kubelet can write to a file; leave it out`,
    );
    return undefined;
  }
  const reference = asObject(item.resourceFieldRef);
  if (reference === undefined) {
    findings.refuse(at, 'must have a fieldRef or a resourceFieldRef; correct it in the pod');
    return undefined;
  }
  const value = resourceFieldValue(
    reference,
    resourcesOf(asString(reference.containerName), undefined, context.spec),
  );
  if (value.kind === 'literal') {
    findings.note(`${at}.resourceFieldRef`, 'rewritten', "pinned to the parent's");
    return value.text;
  }
  findings.refuse(
    `${at}.resourceFieldRef`,
    value.kind === 'invalid'
      ? `${value.why}; correct it in the pod`
      : 'has no limit set, so only the kubelet can tell it; put it into a downwardAPI volume of its own, or set the limit',
  );
  return undefined;
}
