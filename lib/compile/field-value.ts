// What a program reads through `fieldRef` (downward API). A static pod's name is suffixed, its uid and service account
// are others, so those values are pinned to the parent's; whatever is the same in a static pod stays a reference, so
// that a parent under a new name with the same content stays the same revision.

import { annotationStays, labelStays } from './metadata.ts';
import { asObject, asString, type JsonObject, own } from './plain-json.ts';

export type FieldValue =
  | { readonly kind: 'literal'; readonly text: string }
  /** The static pod reads the same through its own reference. */
  | { readonly kind: 'same' }
  | { readonly kind: 'unsupported' };

export interface FieldSource {
  /** The parent, as plain JSON. */
  readonly pod: JsonObject;
  readonly nodeName: string | undefined;
  readonly dropLabels: boolean;
}

const literal = (text: string): FieldValue => ({ kind: 'literal', text });

export function fieldValue(fieldPath: string, source: FieldSource): FieldValue {
  const metadata = asObject(source.pod.metadata);
  const spec = asObject(source.pod.spec);
  switch (fieldPath) {
    case 'metadata.name':
    case 'metadata.uid':
      return literal(asString(own(metadata, fieldPath.slice('metadata.'.length))) ?? '');
    case 'metadata.namespace':
      return literal(asString(metadata?.namespace) ?? 'default');
    case 'metadata.labels':
    case 'metadata.annotations':
      return literal(formatMap(asObject(own(metadata, fieldPath.slice('metadata.'.length))) ?? {}));
    case 'spec.nodeName':
      return source.nodeName === undefined ? { kind: 'same' } : literal(source.nodeName);
    case 'spec.serviceAccountName':
      return literal(asString(spec?.serviceAccountName) ?? asString(spec?.serviceAccount) ?? 'default');
    case 'status.hostIP':
    case 'status.hostIPs':
    case 'status.podIP':
    case 'status.podIPs':
      return { kind: 'same' };
  }
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/s.exec(fieldPath);
  if (subscript === null) {
    return { kind: 'unsupported' };
  }
  const [, map = '', key = ''] = subscript;
  return literal(asString(own(asObject(own(metadata, map)), key)) ?? '');
}

/** Whether the static pod's own value of this field is the parent's, without pinning it. */
export function sameInStaticPod(fieldPath: string, source: FieldSource): boolean {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/s.exec(fieldPath);
  if (subscript !== null) {
    const key = subscript[2] ?? '';
    return subscript[1] === 'labels' ? !source.dropLabels && labelStays(key) : annotationStays(key);
  }
  return fieldPath === 'metadata.namespace' || fieldPath.startsWith('status.');
}

/** One `key="value"` a line, sorted, quoted as Go's %q does: the format of the kubelet's downward API files. */
export function formatMap(map: JsonObject): string {
  return Object.keys(map)
    .sort(byCodePoint)
    .map((key) => `${key}=${goQuote(asString(map[key]) ?? '')}`)
    .join('\n');
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const GO_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

function goQuote(text: string): string {
  let out = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const escaped = GO_ESCAPES[character];
    if (escaped !== undefined) {
      out += escaped;
    } else if (code < 0x20 || code === 0x7f) {
      out += `\\x${code.toString(16).padStart(2, '0')}`;
    } else if (character !== ' ' && /[\p{C}\p{Z}]/u.test(character)) {
      out +=
        code > 0xffff
          ? `\\U${code.toString(16).padStart(8, '0')}`
          : `\\u${code.toString(16).padStart(4, '0')}`;
    } else {
      out += character;
    }
  }
  return `"${out}"`;
}
