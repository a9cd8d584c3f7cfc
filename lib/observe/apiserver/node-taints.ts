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

/** An empty effect tolerates all effects, an empty key with `Exists` all keys. */
function tolerates({ key, operator, value, effect }: V1Toleration, taint: V1Taint): boolean {
  if (effect && effect !== taint.effect) return false;
  if (operator === 'Exists') return !key || key === taint.key;
  return key === taint.key && (value ?? '') === (taint.value ?? '');
}
