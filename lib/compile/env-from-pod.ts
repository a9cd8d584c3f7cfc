// Variables that the kubelet would read out of the pod itself. Where a static pod would read something else (its name,
// its uid, its zeroed requests), they are pinned to the parent's value.

import type { CompileContext } from './context.ts';
import { literal } from './env-from-objects.ts';
import { fieldValue } from './field-value.ts';
import type { Findings } from './findings.ts';
import { quoted } from './payload.ts';
import { asList, asObject, asString, type Json, type JsonObject } from './plain-json.ts';
import { readsZeroedRequest, resourceFieldValue } from './resources.ts';

export function fromField(
  name: string,
  reference: JsonObject,
  variable: Json,
  at: string,
  context: CompileContext,
  findings: Findings,
): JsonObject[] {
  const fieldPath = asString(reference.fieldPath) ?? '';
  const value = fieldValue(fieldPath, context.fields);
  switch (value.kind) {
    case 'same':
      return [variable as JsonObject];
    case 'literal':
      findings.note(at, 'rewritten', `${fieldPath} is pinned to the parent's`);
      return [literal(name, value.text)];
    case 'unsupported':
      findings.refuse(at, `${quoted(fieldPath)} is no field the kubelet can give; set a value`);
      return [];
  }
}

export function fromResource(
  name: string,
  reference: JsonObject,
  variable: Json,
  at: string,
  container: JsonObject,
  context: CompileContext,
  findings: Findings,
): JsonObject[] {
  if (!readsZeroedRequest(reference)) {
    return [variable as JsonObject];
  }
  const named = asString(reference.containerName);
  const value = resourceFieldValue(reference, resourcesOf(named, container, context.spec));
  if (value.kind !== 'literal') {
    findings.refuse(
      at,
      `cannot be told: ${value.kind === 'invalid' ? value.why : 'it depends on the node'}; set a value`,
    );
    return [];
  }
  findings.note(
    at,
    'rewritten',
    "pinned to the parent's request, since the checkpoint's own request is zero",
  );
  return [literal(name, value.text)];
}

/** Resources of the container called `named`, or of `container` itself. */
export function resourcesOf(
  named: string | undefined,
  container: JsonObject | undefined,
  spec: JsonObject,
): JsonObject | undefined {
  const all = [...asList(spec.initContainers), ...asList(spec.containers)].map(asObject);
  const chosen = named ? all.find((candidate) => candidate?.name === named) : container;
  return asObject(chosen?.resources);
}
