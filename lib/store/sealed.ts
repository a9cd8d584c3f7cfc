// A small JSON file that knows when it is damaged or in the wrong place: it names what it is and whose, with a
// SHA-256 over both and the body. Reading writes it again in memory and compares all bytes, so no flipped bit passes,
// not even in white space. This envelope stays the same in every format version.

import { hash } from 'node:crypto';

export type SealedKind = 'format' | 'node' | 'record' | 'digests' | 'tokens';

/** Larger than any of ours; bounds what a damaged or planted file can make us read. */
export const SEALED_BYTES_MAX = 16 * 1024 * 1024;

export function sha256(content: Uint8Array | string): string {
  return hash('sha256', content);
}

/** The file's text. `of` says whose it is, such as the workload, so that a file in a wrong place is noticed. */
export function seal(kind: SealedKind, of: string, body: object): string {
  const digest = sha256(JSON.stringify({ kind, of, body }));
  return `${JSON.stringify({ kind, of, body, sha256: digest }, null, 2)}\n`;
}

export type Unsealed<T> =
  | { readonly intact: true; readonly body: T }
  | { readonly intact: false; readonly problem: string };

export function unseal<T extends object>(kind: SealedKind, of: string, content: Uint8Array): Unsealed<T> {
  if (content.length === 0) return { intact: false, problem: 'is empty' };
  const text = new TextDecoder().decode(content);
  let parsed: { kind?: unknown; of?: unknown; body?: unknown } | null;
  try {
    parsed = JSON.parse(text);
  } catch {
    // The parser's message would quote the content.
    return { intact: false, problem: 'is not JSON: torn or damaged' };
  }
  if (
    typeof parsed !== 'object' ||
    parsed === null ||
    typeof parsed.body !== 'object' ||
    parsed.body === null
  ) {
    return { intact: false, problem: `is not a ${kind} file of the store` };
  }
  if (parsed.kind !== kind || parsed.of !== of) {
    return { intact: false, problem: `is not the ${kind} file that belongs here` };
  }
  if (!Buffer.from(seal(kind, of, parsed.body)).equals(content)) {
    return { intact: false, problem: 'fails its checksum' };
  }
  return { intact: true, body: parsed.body as T };
}
