// The files of one volume, as the kubelet makes them from a Secret or ConfigMap (MakePayload and AtomicWriter of
// kubernetes 1.20 to 1.36): keys, items, modes, optional. No path here ever leaves the volume.

import type { TokenRequest } from '../types/checkpoint.ts';
import type { Findings } from './findings.ts';
import { asInteger, asList, asObject, asString, type Json, type JsonObject } from './plain-json.ts';

export interface PayloadFile {
  /** Owner, root when absent. */
  readonly uid?: number;
  readonly content: Uint8Array;
  readonly mode: number;
  readonly token?: TokenRequest & { readonly expiresAtMs: number };
}

/** By clean path inside the volume. A later source of a projected volume replaces an earlier one's file. */
export type Payload = Map<string, PayloadFile>;

export const DEFAULT_MODE = 0o644;

export function modeOf(value: Json | undefined, fallback: number, path: string, findings: Findings): number {
  if (value === undefined) {
    return fallback;
  }
  const mode = asInteger(value);
  if (mode === undefined || mode < 0 || mode > 0o777) {
    findings.refuse(path, 'must be a number from 0 to 0777 (octal); correct it in the pod');
    return fallback;
  }
  return mode;
}

/** Puts the keys of one object into the payload. `data` holds raw bytes by key. */
export function addKeys(
  payload: Payload,
  source: JsonObject,
  data: ReadonlyMap<string, Uint8Array>,
  defaultMode: number,
  path: string,
  objectName: string,
  findings: Findings,
): void {
  const items = asList(source.items);
  if (items.length === 0) {
    for (const [key, content] of data) {
      put(payload, key, { content, mode: defaultMode }, path, findings);
    }
    return;
  }
  items.forEach((value, index) => {
    const at = `${path}.items[${index}]`;
    const item = asObject(value);
    const key = asString(item?.key);
    const target = asString(item?.path);
    if (item === undefined || key === undefined || target === undefined) {
      findings.refuse(at, 'must have a key and a path; correct it in the pod');
      return;
    }
    const content = data.get(key);
    if (content !== undefined) {
      put(
        payload,
        target,
        { content, mode: modeOf(item.mode, defaultMode, `${at}.mode`, findings) },
        at,
        findings,
      );
    } else if (source.optional !== true) {
      findings.refuse(at, `${objectName} has no key ${quoted(key)}; add it, or set optional: true`);
    }
  });
}

/** Adds one file after checking that its path is one the kubelet would write, inside the volume. */
export function put(payload: Payload, path: string, file: PayloadFile, at: string, findings: Findings): void {
  const clean = cleanPath(path);
  if (clean === undefined) {
    findings.refuse(at, `${quoted(path)} is no path of a file inside the volume; correct the key or path`);
    return;
  }
  payload.set(clean, file);
}

/** A file cannot be a directory as well: the kubelet would fail to write such a volume. */
export function conflictIn(payload: Payload): string | undefined {
  for (const path of payload.keys()) {
    for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
      if (payload.has(path.slice(0, slash))) {
        return path;
      }
    }
  }
  return undefined;
}

/** The kubelet's is 4096, but below its own directory no such path can be opened; the store's is this as well. */
const PATH_BYTES_MAX = 1024;
const NAME_BYTES_MAX = 255;

/** The kubelet's own rule (validatePath, then filepath.Clean), and no control characters. */
export function cleanPath(path: string): string | undefined {
  if (path.startsWith('/') || Buffer.byteLength(path) > PATH_BYTES_MAX || /\p{Cc}/u.test(path)) {
    return undefined;
  }
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  const first = segments[0];
  if (first === undefined || first.startsWith('..') || /\p{Surrogate}/u.test(path)) {
    return undefined;
  }
  if (segments.some((segment) => segment === '..' || Buffer.byteLength(segment) > NAME_BYTES_MAX)) {
    return undefined;
  }
  return segments.join('/');
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
