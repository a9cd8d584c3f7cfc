// What a parent is an instance of on this node: (namespace, top controller). Pod names change at every
// update and after every boot; the workload does not. One checkpoint a workload a node.

/** `namespace/name` of the top controller (or of the pod itself when it has none), such as `kube-system/kube-apiserver`. */
export type WorkloadKey = string & { readonly workload: unique symbol };

export function workloadKey(namespace: string, name: string): WorkloadKey {
  return `${namespace}/${name}` as WorkloadKey;
}

export function splitWorkloadKey(key: WorkloadKey): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** A pod asks to be checkpointed with this annotation set to "true" (the one bootkube, Typhoon and Lokomotive manifests carry). */
export const CHECKPOINT_ANNOTATION = 'checkpointer.alpha.coreos.com/checkpoint';

/** Prefix of this project's own annotations. */
export const ANNOTATION_PREFIX = 'checkpoint-agent.io/';

/** Annotations that the agent writes into a checkpoint's manifest. The kubelet passes them on to the runtime's sandbox. */
export const ANNOTATION_OF = `${ANNOTATION_PREFIX}of`;
export const ANNOTATION_REVISION = `${ANNOTATION_PREFIX}revision`;
export const ANNOTATION_PARENT_UID = `${ANNOTATION_PREFIX}parent-uid`;

/** Options that a parent may carry. */
export const OPTION_STANDBY_LOCK = `${ANNOTATION_PREFIX}standby-lock`;
export const OPTION_OVERLAP = `${ANNOTATION_PREFIX}overlap`;
export const OPTION_ALLOW_SECRET_ENV = `${ANNOTATION_PREFIX}allow-secret-env`;
export const OPTION_DROP_LABELS = `${ANNOTATION_PREFIX}drop-labels`;

/** A parent's options, read from its annotations. */
export interface WorkloadOptions {
  /**
   * Path of a lock file. Its presence makes the workload a stand-by: the proven checkpoint stays active beside the
   * parent, and its containers wait on this lock (flock(1)) before their program is loaded. The agent's own checkpoint uses it.
   */
  readonly standbyLock?: string;
  /** Parent and checkpoint may run side by side although both use the host's ports (an apiserver with --permit-port-sharing). */
  readonly overlap: boolean;
  /** Secret values in env are written into the manifest, which the kubelet publishes in the mirror pod. Off: such pods are refused. */
  readonly allowSecretEnv: boolean;
  /** The checkpoint carries no labels of the parent, so that no Service selects it. */
  readonly dropLabels: boolean;
}

/**
 * Name of a workload's manifest in the static pod directory. A namespace cannot hold `_`, so two workloads never
 * share a file. The kubelet reads every name that does not begin with a dot.
 */
export function manifestFileName(key: WorkloadKey): string {
  const { namespace, name } = splitWorkloadKey(key);
  return `checkpoint-agent_${namespace}_${name}.json`;
}
