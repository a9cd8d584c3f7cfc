// The workloads of the simulated master by name.

import { workloadKey } from '../../lib/types/workload.ts';

const CORE = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

export function coreOf(etcdOutside: boolean): readonly string[] {
  return etcdOutside ? CORE.filter((name) => name !== 'etcd') : CORE;
}

/** A workload beside the control plane: on the pod network, no probe. */
export const EXTRA = 'flannel';

/** The agent's own, in the setup where it is a pod. */
export const AGENT = 'checkpoint-agent';

/** Its checkpoint is always active, beside its parent. */
export const STAND_BY = workloadKey('kube-system', AGENT);
