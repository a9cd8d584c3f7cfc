// Does a pod tolerate what a person has tainted this node with (k8s.io/api/core/v1 ToleratesTaint)? Pure. What the
// cluster itself puts on a node while it is cordoned, not ready or short of something passes, and says nothing about
// whether a workload belongs here.

import type { V1PodSpec, V1Taint, V1Toleration } from '@kubernetes/client-node';

const PASSING = /^node(\.cloudprovider)?\.kubernetes\.io\//;

export function toleratesTaints(spec: V1PodSpec | undefined, taints: readonly V1Taint[]): boolean {
  return taints
    .filter(({ key, effect }) => effect !== 'PreferNoSchedule' && !PASSING.test(key))
    .every((taint) => (spec?.tolerations ?? []).some((toleration) => tolerates(toleration, taint)));
}

/** An empty effect tolerates all effects, an empty key all keys. */
function tolerates({ key, operator, value, effect }: V1Toleration, taint: V1Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (key && key !== taint.key) return false;
  switch (operator || 'Equal') {
    case 'Equal':
      return (value ?? '') === (taint.value ?? '');
    case 'Exists':
      return true;
    case 'Lt':
    case 'Gt':
      return compares(operator === 'Lt', taint.value, value);
    default:
      // Of a later API. Nothing is retired on a word that is not understood (rule 1).
      return true;
  }
}

/**
 * The taint's number lies below (`Lt`) or above the toleration's. Whether the cluster has the gate of these operators on
 * (TaintTolerationComparisonOperators, alpha in 1.35) cannot be asked; the API takes no pod with them while it is off.
 */
function compares(below: boolean, taint: string | undefined, toleration: string | undefined): boolean {
  const [a, b] = [int64(taint), int64(toleration)];
  if (a === undefined || b === undefined) return false;
  return below ? a < b : a > b;
}

/** In canonical form, as the API demands it: no sign but a minus, no leading zero. */
function int64(text = ''): bigint | undefined {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const number = BigInt(text);
  return BigInt.asIntN(64, number) === number ? number : undefined;
}
