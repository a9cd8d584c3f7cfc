// Model: how long things take in the world, in milliseconds, at the real cluster's order of size. One factor
// scales the long ones (the demo is shorter than life); the agent under test is never scaled.

export interface Delays {
  /** Power on to the runtime's socket, and from there to the kubelet's first look at its directory. */
  readonly runtimeStart: number;
  readonly kubeletStart: number;
  /** RestartSec of its unit, as the packages of Kubernetes have it. */
  readonly kubeletRestart: number;
  readonly sandbox: number;
  readonly containerStart: number;
  readonly etcdStart: number;
  /** Its listener is made before its storage: a kubelet was connected 1.05 s after the start. */
  readonly apiserverBind: number;
  /**
   * Start to its first answer, etcd being there; from there until the watch caches are full that a kubelet and the agent
   * list from; and from there until all are, and /readyz says so. A checkpoint was ready 2 to 6 s after its first answer
   * (1.37, two cores), and its parents had met the bound ports by then.
   */
  readonly apiserverStart: number;
  readonly apiserverFill: number;
  readonly apiserverReady: number;
  /** An apiserver that finds no etcd, and a controller-manager that finds no API, exit after this. */
  readonly apiserverPatience: number;
  readonly controllerStart: number;
  readonly controllerPatience: number;
  /** client-go's LeaseDuration: a new leader waits it out, whoever held the lease before. */
  readonly lease: number;
  /** client-go's RenewDeadline: a leader that cannot renew exits. */
  readonly renewDeadline: number;
  readonly otherStart: number;
  /** SIGTERM to exit. On a real node a checkpoint's container was gone 0.2 s after its file. */
  readonly stop: number;
  /**
   * Told to end, an apiserver keeps its port until its pre-shutdown hooks are done (genericapiserver.go): they take itself
   * out of the endpoints of `kubernetes` and delete its Lease, so without an etcd they last for its whole grace period.
   */
  readonly apiserverHooks: number;
  /** Then it lives on, for open watches, until its pod's grace period is over. */
  readonly apiserverStop: number;
  readonly watchLatency: number;
  /** A list of a starting apiserver. */
  readonly listLatency: number;
  /** client-go's reflector: until it asks again, doubling, each time for up to twice as long; and when that is forgotten. */
  readonly reflectorBackoff: number;
  readonly reflectorBackoffMax: number;
  readonly reflectorBackoffReset: number;
  /** WaitForAPIServerSyncPeriod: how often the source of the API's pods looks whether the Node is known. */
  readonly nodeLook: number;
  /** fileCheckFrequency. */
  readonly staticRelist: number;
  /** How long a kubelet was seen to wait for a hanging apiserver before it started a static pod: the call has no limit of its own. */
  readonly mirrorCall: number;
  /** How long it waits with the deletion of one: Go's TLS handshake timeout. */
  readonly mirrorDeletion: number;
  readonly mountRetry: number;
  /** plegRelistPeriod is a second: the kubelet notices what ended after half of it, on average. */
  readonly runtimeRelist: number;
  readonly housekeeping: number;
  readonly readinessPeriod: number;
  readonly controllerSync: number;
  /** The DaemonSet controller's back-off over Failed pods: this, doubling to 15 minutes. */
  readonly failedPodBackoff: number;
  /** backOffPeriod: until a pod whose sync failed is looked at again; and resyncInterval, at the latest. */
  readonly syncRetry: number;
  readonly podResync: number;
  readonly crashBackoff: number;
  readonly crashBackoffMax: number;
  /** A container that ran this long starts with a fresh back-off. */
  readonly crashBackoffReset: number;
}

export const REAL_DELAYS: Delays = {
  runtimeStart: 800,
  kubeletStart: 2_500,
  kubeletRestart: 10_000,
  sandbox: 300,
  containerStart: 200,
  etcdStart: 1_000,
  apiserverBind: 1_000,
  apiserverStart: 4_500,
  apiserverFill: 600,
  apiserverReady: 2_000,
  apiserverPatience: 20_000,
  controllerStart: 1_500,
  controllerPatience: 10_000,
  lease: 15_000,
  renewDeadline: 10_000,
  otherStart: 500,
  stop: 200,
  apiserverHooks: 30,
  apiserverStop: 30_000,
  watchLatency: 10,
  listLatency: 100,
  reflectorBackoff: 800,
  reflectorBackoffMax: 30_000,
  reflectorBackoffReset: 120_000,
  nodeLook: 1_000,
  staticRelist: 20_000,
  mirrorCall: 22_000,
  mirrorDeletion: 10_000,
  mountRetry: 1_000,
  runtimeRelist: 500,
  housekeeping: 2_000,
  readinessPeriod: 1_000,
  controllerSync: 200,
  failedPodBackoff: 1_000,
  syncRetry: 10_000,
  podResync: 60_000,
  crashBackoff: 10_000,
  crashBackoffMax: 300_000,
  crashBackoffReset: 600_000,
};

/** What a runtime or a kubelet does within half a second is not scaled: the agent meets it at its own, real pace. */
const UNSCALED_MS_MAX = 500;

/** The same world with its long waits `factor` times as long (0.2: a fifth). */
export function scaledDelays(delays: Delays, factor: number): Delays {
  const scaled = Object.entries(delays).map(([name, ms]: [string, number]) => [
    name,
    ms <= UNSCALED_MS_MAX ? ms : ms * factor,
  ]);
  return Object.fromEntries(scaled) as unknown as Delays;
}
