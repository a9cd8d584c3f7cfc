// Reads what a pod names out of the resolved objects: bytes by key, sorted. An object that was not read is something
// else than one that is missing: only the API's own 404 makes an optional reference an empty one.

import { objectKey, type ResolvedObjects } from '../types/checkpoint.ts';
import type { Findings } from './findings.ts';
import { asObject, asString, type JsonObject, own } from './plain-json.ts';

export type ObjectKind = 'Secret' | 'ConfigMap';

export interface ObjectData {
  /** `Secret kube-system/etcd-tls`, for messages. */
  readonly label: string;
  /** Keys that hold text (`data` of a ConfigMap); env sees only these. All keys of a Secret. */
  readonly data: ReadonlyMap<string, Uint8Array>;
  /** `binaryData` of a ConfigMap. */
  readonly binary: ReadonlyMap<string, Uint8Array>;
}

/** `absent`: the API said 404 and the reference is optional. `refused`: findings say why. */
export type ObjectAnswer = ObjectData | 'absent' | 'refused';

export class ObjectReader {
  readonly #namespace: string;
  readonly #objects: ResolvedObjects;
  readonly #cache = new Map<string, ObjectData | string>();

  constructor(namespace: string, objects: ResolvedObjects) {
    this.#namespace = namespace;
    this.#objects = objects;
  }

  /** `path` is where the pod names it. */
  read(kind: ObjectKind, name: string, optional: boolean, path: string, findings: Findings): ObjectAnswer {
    const label = `${kind} ${this.#namespace}/${name}`;
    const key = objectKey({ namespace: this.#namespace, name });
    const map = kind === 'Secret' ? this.#objects.secrets : this.#objects.configMaps;
    const found = map?.get(key);
    if (found === undefined) {
      findings.refuse(path, `${label} has not been read yet`);
      return 'refused';
    }
    if (!found.found) {
      if (optional) {
        return 'absent';
      }
      findings.refuse(path, `${label} does not exist; create it, or set optional: true`);
      return 'refused';
    }
    const data = this.#decoded(kind, key, label, found.object);
    if (typeof data === 'string') {
      findings.refuse(path, data);
      return 'refused';
    }
    return data;
  }

  #decoded(kind: ObjectKind, key: string, label: string, object: unknown): ObjectData | string {
    const cached = this.#cache.get(`${kind}/${key}`);
    if (cached !== undefined) {
      return cached;
    }
    const json = asObject(object);
    const data = json?.data ?? {};
    const binary = (kind === 'ConfigMap' ? json?.binaryData : undefined) ?? {};
    const data_ = decode(data, kind === 'Secret');
    const binary_ = decode(binary, true);
    const answer =
      json === undefined || data_ === undefined || binary_ === undefined
        ? `${label} holds something else than ${kind === 'Secret' ? 'base64 data' : 'text and base64 binaryData'}`
        : { label, data: data_, binary: binary_ };
    this.#cache.set(`${kind}/${key}`, answer);
    return answer;
  }
}

const BASE64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

function decode(value: unknown, base64: boolean): Map<string, Uint8Array> | undefined {
  const map = asObject(value);
  if (map === undefined) {
    return undefined;
  }
  const out = new Map<string, Uint8Array>();
  for (const key of Object.keys(map).sort()) {
    const text = asString(own(map as JsonObject, key)) ?? (own(map, key) === null ? '' : undefined);
    if (text === undefined || (base64 && !BASE64.test(text))) {
      return undefined;
    }
    out.set(key, Buffer.from(text, base64 ? 'base64' : 'utf8'));
  }
  return out;
}
