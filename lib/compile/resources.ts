// Requests of a checkpoint are next to nothing: while the parent exists the kubelet counts its requests too, and would
// reject one of the two at admission, for good (kubernetes#116484), on a node that is nearly full. Limits are kept.

import type { Findings } from './findings.ts';
import { asObject, asString, type Json, type JsonObject, own } from './plain-json.ts';
import { divideQuantity, parseQuantity } from './quantity.ts';

export const ZEROED_REQUESTS = ['cpu', 'memory', 'ephemeral-storage'] as const;

/** Without any request the kubelet gives the smallest cgroup weight there is, and a busy node starves the checkpoint. */
const CPU_REQUEST_MAX = '10m';

const WHY =
  "lowered (cpu to at most 10m, the others to 0): the parent's requests are still counted beside the checkpoint's, and " +
  'a full node would reject it for good (limits are kept)';

/** `source` is the `resources` of a container or a pod. A limit alone is defaulted to a request, so it needs a zero too. */
export function compileResources(source: JsonObject, path: string, findings: Findings): JsonObject {
  const limits = asObject(source.limits);
  const requests = asObject(source.requests);
  const zeroed: [string, string][] = [];
  for (const resource of ZEROED_REQUESTS) {
    if (own(requests, resource) !== undefined || own(limits, resource) !== undefined) {
      zeroed.push([
        resource,
        resource === 'cpu' ? cpuRequest(own(requests, 'cpu') ?? own(limits, 'cpu')) : '0',
      ]);
    }
  }
  if (zeroed.length === 0) {
    return source;
  }
  findings.note(`${path}.requests`, 'rewritten', WHY);
  return { ...source, requests: { ...requests, ...Object.fromEntries(zeroed) } };
}

function cpuRequest(parents: Json | undefined): string {
  const asked = parseQuantity(quantityText(parents));
  const most = parseQuantity(CPU_REQUEST_MAX);
  return asked !== undefined && most !== undefined && asked < most ? quantityText(parents) : CPU_REQUEST_MAX;
}

/** A quantity is a text or a number; an object may not even be convertible to a text. */
function quantityText(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** A resource's value cannot be told here: it depends on the node, or on a container that is not there. */
export type ResourceValue =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'of-the-node' }
  | { readonly kind: 'invalid'; readonly why: string };

/** What the parent reads through a resourceFieldRef; `resources` are the parent container's own. */
export function resourceFieldValue(reference: JsonObject, resources: JsonObject | undefined): ResourceValue {
  const resource = asString(reference.resource) ?? '';
  const [list, ...rest] = resource.split('.');
  const name = rest.join('.');
  if ((list !== 'limits' && list !== 'requests') || name === '') {
    return { kind: 'invalid', why: 'names no limits.* or requests.* resource' };
  }
  const limit = own(asObject(resources?.limits), name);
  const set = list === 'limits' ? limit : (own(asObject(resources?.requests), name) ?? limit ?? '0');
  if (set === undefined) {
    return { kind: 'of-the-node' };
  }
  const value = parseQuantity(quantityText(set));
  const divisor = parseQuantity(quantityText(reference.divisor ?? '1'));
  if (value === undefined || divisor === undefined) {
    return { kind: 'invalid', why: 'the quantity or the divisor is none' };
  }
  // The API keeps divisor "0" for "not given"; the kubelet reads it as 1.
  const text = divideQuantity(resource, value, divisor === 0n ? 1_000_000_000n : divisor);
  return text === undefined
    ? { kind: 'invalid', why: 'the quantity is negative' }
    : { kind: 'literal', text };
}

/** True when the checkpoint's own value would differ from the parent's, because its request is zeroed. */
export function readsZeroedRequest(reference: JsonObject): boolean {
  return ZEROED_REQUESTS.some((name) => reference.resource === `requests.${name}`);
}
