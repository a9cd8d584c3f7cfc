// The files of one volume, as the kubelet makes them from a Secret or ConfigMap (MakePayload and AtomicWriter of
// kubernetes 1.34 to 1.37): keys, items, modes, owners, optional. No path here ever leaves the volume.

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

export type FileAttributes = Pick<PayloadFile, 'mode' | 'uid'>;

const DEFAULT_MODE = 0o644;

/** What the files of a volume have where they say nothing of their own. */
export function defaultsOf(volume: JsonObject, path: string, findings: Findings): FileAttributes {
  const { defaultMode, defaultUser } = volume;
  return attributes(
    { mode: defaultMode, user: defaultUser },
    { mode: DEFAULT_MODE },
    { mode: `${path}.defaultMode`, user: `${path}.defaultUser` },
    findings,
  );
}

/** What one item's file has. Its `user` goes before the volume's (kubernetes 1.37, ResolvesFsUser). */
export function attributesOf(
  item: JsonObject,
  defaults: FileAttributes,
  path: string,
  findings: Findings,
): FileAttributes {
  return attributes(item, defaults, { mode: `${path}.mode`, user: `${path}.user` }, findings);
}

const MODE_MAX = 0o777;
/** Of the API's own validation; it is the same for runAsUser. */
const USER_MAX = 2 ** 31 - 1;

function attributes(
  given: { readonly mode?: Json | undefined; readonly user?: Json | undefined },
  defaults: FileAttributes,
  paths: { readonly mode: string; readonly user: string },
  findings: Findings,
): FileAttributes {
  const number = (value: Json | undefined, most: number, path: string, range: string): number | undefined => {
    const found = asInteger(value);
    if (value === undefined || (found !== undefined && found >= 0 && found <= most)) {
      return found;
    }
    findings.refuse(path, `must be a number from 0 to ${range}; correct it in the pod`);
    return undefined;
  };
  const mode = number(given.mode, MODE_MAX, paths.mode, '0777 (octal)') ?? defaults.mode;
  const uid = number(given.user, USER_MAX, paths.user, String(USER_MAX)) ?? defaults.uid;
  return uid === undefined ? { mode } : { mode, uid };
}

/** Puts the keys of one object into the payload. `data` holds raw bytes by key. */
export function addKeys(
  payload: Payload,
  source: JsonObject,
  data: ReadonlyMap<string, Uint8Array>,
  defaults: FileAttributes,
  path: string,
  objectName: string,
  findings: Findings,
): void {
  const items = asList(source.items);
  if (items.length === 0) {
    for (const [key, content] of data) {
      put(payload, key, { content, ...defaults }, path, findings);
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
      put(payload, target, { content, ...attributesOf(item, defaults, at, findings) }, at, findings);
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
