// Brings whatever was handed in (hand-written YAML, the API's JSON, dates) to plain JSON with sorted keys.
// Everything behind this point works on plain JSON only, so key order and odd types of the input cannot matter.

export type Json = null | boolean | number | string | Json[] | JsonObject;

export interface JsonObject {
  [key: string]: Json;
}

/** Deeper than any Kubernetes object by far; stops cycles and hostile nesting. */
const DEPTH_MAX = 64;

export interface PlainResult {
  readonly value: Json | undefined;
  /** Something was nested deeper than DEPTH_MAX, and was cut. */
  readonly tooDeep: boolean;
}

const OWN = { configurable: true, enumerable: true, writable: true };

/** Object keys whose value is null, undefined or no JSON are left out: to the API, null is absent. */
export function plain(input: unknown): PlainResult {
  let tooDeep = false;
  const copy = (value: unknown, depth: number): Json | undefined => {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') {
      return value;
    }
    if (typeof value === 'number') {
      return Number.isFinite(value) ? value : undefined;
    }
    if (typeof value !== 'object') {
      return undefined;
    }
    if (value instanceof Date) {
      return Number.isNaN(value.getTime()) ? undefined : value.toISOString();
    }
    if (depth > DEPTH_MAX) {
      tooDeep = true;
      return undefined;
    }
    if (Array.isArray(value)) {
      return value.map((item) => copy(item, depth + 1) ?? null);
    }
    const object: JsonObject = {};
    for (const key of Object.keys(value).sort()) {
      const item = copy((value as Record<string, unknown>)[key], depth + 1);
      if (item === undefined || item === null) continue;
      // Assigned, it would not become a key.
      if (key === '__proto__') Object.defineProperty(object, key, { ...OWN, value: item });
      else object[key] = item;
    }
    return object;
  };
  const value = copy(input, 0);
  return { value, tooDeep };
}

/** Pods from a watch are never changed in place, and each is asked for several things. */
const pods = new WeakMap<object, PlainResult>();

/** `plain` of a pod, read once. What it gives is shared: it must not be changed. */
export function plainPod(pod: unknown): PlainResult {
  if (typeof pod !== 'object' || pod === null) return plain(pod);
  const known = pods.get(pod);
  if (known !== undefined) return known;
  const fresh = plain(pod);
  pods.set(pod, fresh);
  return fresh;
}

/** Canonical text: sorted keys, no spaces. Only for values made by `plain` or from parts of them. */
export function canonical(value: Json): string {
  return JSON.stringify(plain(value).value);
}

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

export function asList(value: unknown): Json[] {
  return Array.isArray(value) ? (value as Json[]) : [];
}

export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function asInteger(value: unknown): number | undefined {
  return Number.isSafeInteger(value) ? (value as number) : undefined;
}

/** An own property: a key such as `constructor` never finds what every object inherits. */
export function own(object: JsonObject | undefined, key: string): Json | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}
