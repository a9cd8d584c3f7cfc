// Which kubelet is modelled: what differs among 1.34 to 1.37 and matters here. What they have in common stands where it
// is modelled. That from 1.36 on a pod is listed anew right after a sync (PLEGOnDemandRelist) changes nothing here: only
// after one without an error, and what ends later is seen at the next look at all pods, as before.

export interface KubeletHabits {
  /**
   * A pod in a crash back-off is looked at when that ends; before 1.35, every 10 to 15 s (pod_workers.go completeWork,
   * MinBackoffExpiration).
   */
  readonly looksWhenBackOffEnds: boolean;
}

export const KUBELET_1_34: KubeletHabits = { looksWhenBackOffEnds: false };
/** Since 1.35. */
export const KUBELET_1_37: KubeletHabits = { looksWhenBackOffEnds: true };
