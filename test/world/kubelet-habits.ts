// Which kubelet is modelled: what differs among 1.34 to 1.37 and matters here. What they have in common stands where it
// is modelled.

export interface KubeletHabits {
  /**
   * From 1.35 on a pod in a crash back-off is looked at when that ends; before, every 10 to 15 s (pod_workers.go
   * completeWork, MinBackoffExpiration).
   */
  readonly looksWhenBackOffEnds: boolean;
  /** From 1.36 on a pod is listed anew right after it was brought in line (PLEGOnDemandRelist); before, within a second. */
  readonly relistsAfterSync: boolean;
}

export const KUBELET_1_34: KubeletHabits = { looksWhenBackOffEnds: false, relistsAfterSync: false };
export const KUBELET_1_35: KubeletHabits = { looksWhenBackOffEnds: true, relistsAfterSync: false };
export const KUBELET_1_37: KubeletHabits = { looksWhenBackOffEnds: true, relistsAfterSync: true };
