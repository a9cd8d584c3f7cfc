// The few JSON shapes that Kubernetes fields have. A field of another shape than its row says cannot be decoded by
// the kubelet, so it is refused in words here instead of being ignored there.

import type { Json, JsonObject } from './plain-json.ts';

export type Shape =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'object'
  | 'list of objects'
  | 'list of strings'
  | 'map of strings';

export function hasShape(value: Json, shape: Shape): boolean {
  switch (shape) {
    case 'string':
      return typeof value === 'string';
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isSafeInteger(value);
    case 'object':
      return isObject(value);
    case 'list of objects':
      return Array.isArray(value) && value.every(isObject);
    case 'list of strings':
      return Array.isArray(value) && value.every((item) => typeof item === 'string');
    case 'map of strings':
      return isObject(value) && Object.values(value).every((item) => typeof item === 'string');
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
