// Variables that come out of a Secret or ConfigMap, as literals. A static pod may name none of them, and what stands in
// a literal is published in the mirror pod: a secret only with the pod's option, and then it is noted as exposed
// (the variable's name, never the value).

import { OPTION_ALLOW_SECRET_ENV } from '../types/workload.ts';
import type { CompileContext } from './context.ts';
import type { Findings } from './findings.ts';
import type { ObjectKind } from './object-data.ts';
import { quoted } from './payload.ts';
import { asObject, asString, type JsonObject } from './plain-json.ts';

/** Literals expand `$(NAME)`, so every `$` is doubled. */
export const literal = (name: string, value: string): JsonObject => ({
  name,
  value: value.replaceAll('$', '$$$$'),
});

/**
 * Names that every kubelet accepts in a static pod. The API takes any printable ones since kubernetes#123385, and so does
 * a kubelet for its static pods since 1.35; one of 1.34 refuses the pod (config/common.go, tryDecodeSinglePod).
 */
export function isVariableName(name: string): boolean {
  return /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) && name !== '.' && !name.startsWith('..');
}

/** One entry of `envFrom`. */
export function fromSource(
  source: JsonObject,
  at: string,
  context: CompileContext,
  findings: Findings,
): JsonObject[] {
  const kind: ObjectKind | undefined =
    source.configMapRef !== undefined ? 'ConfigMap' : source.secretRef !== undefined ? 'Secret' : undefined;
  const field = kind === 'Secret' ? 'secretRef' : 'configMapRef';
  const reference = kind === undefined ? undefined : asObject(source[field]);
  const name = asString(reference?.name);
  if (kind === undefined || reference === undefined || name === undefined) {
    findings.refuse(at, 'is neither a configMapRef nor a secretRef with a name; set the variables in env');
    return [];
  }
  const object = context.reader.read(kind, name, reference.optional === true, `${at}.${field}`, findings);
  if (object === 'refused') {
    return [];
  }
  if (object === 'absent') {
    findings.note(`${at}.${field}`, 'dropped', 'optional, and the object does not exist');
    return [];
  }
  if (kind === 'Secret' && !secretAllowed(`${at}.${field}`, context, findings)) {
    return [];
  }
  findings.note(
    `${at}.${field}`,
    'rewritten',
    `the keys of ${object.label} become literals: a static pod may name none`,
  );
  const prefix = asString(source.prefix) ?? '';
  return [...object.data].flatMap(([key, bytes]) => {
    const variable = prefix + key;
    if (!isVariableName(variable)) {
      findings.risk(
        `${at}.${field}`,
        'dropped',
        `the variable ${quoted(variable)}: a kubelet of 1.34 refuses a static pod with such a name; rename the key`,
      );
      return [];
    }
    return fromBytes(variable, bytes, kind, `${at}.${field}`, findings);
  });
}

function fromBytes(
  name: string,
  bytes: Uint8Array,
  kind: ObjectKind,
  at: string,
  findings: Findings,
): JsonObject[] {
  const value = Buffer.from(bytes).toString('utf8');
  if (!Buffer.from(value, 'utf8').equals(bytes) || value.includes('\0')) {
    findings.refuse(at, `the value of ${quoted(name)} is no text; mount it as a file`);
    return [];
  }
  if (kind === 'Secret') {
    findings.risk(
      at,
      'exposed',
      `${name} holds a secret value in the manifest, and in the mirror pod for all who may get pods`,
    );
  }
  return [literal(name, value)];
}

function secretAllowed(at: string, context: CompileContext, findings: Findings): boolean {
  if (context.options.allowSecretEnv) {
    return true;
  }
  findings.refuse(
    at,
    'the kubelet would publish the secret value in the mirror pod; mount the Secret as a file, or allow it with the ' +
      `annotation ${OPTION_ALLOW_SECRET_ENV}: "true"`,
  );
  return false;
}
/** A `configMapKeyRef` or `secretKeyRef` of one variable. */
export function fromKey(
  name: string,
  kind: ObjectKind,
  reference: JsonObject,
  at: string,
  context: CompileContext,
  findings: Findings,
): JsonObject[] {
  const objectName = asString(reference.name);
  const key = asString(reference.key);
  if (objectName === undefined || key === undefined) {
    findings.refuse(at, 'must have a name and a key; correct it in the pod');
    return [];
  }
  const optional = reference.optional === true;
  const object = context.reader.read(kind, objectName, optional, at, findings);
  if (object === 'refused') {
    return [];
  }
  const bytes = object === 'absent' ? undefined : object.data.get(key);
  if (bytes === undefined && optional) {
    findings.note(at, 'dropped', 'optional, and the object or its key does not exist');
    return [];
  }
  if (object === 'absent' || bytes === undefined) {
    findings.refuse(
      at,
      `${kind} ${quoted(objectName)} has no key ${quoted(key)}; add it, or set optional: true`,
    );
    return [];
  }
  if (kind === 'Secret' && !secretAllowed(at, context, findings)) {
    return [];
  }
  findings.note(
    at,
    'rewritten',
    `the value out of ${object.label} becomes a literal: a static pod may name none`,
  );
  return fromBytes(name, bytes, kind, at, findings);
}
