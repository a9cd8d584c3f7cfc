// The times the state machine goes by, all in milliseconds, and why each has its default.

export interface Settings {
  /** How long a parent serves before its content counts as proven: a bad flag shows itself within seconds. */
  readonly provingMs: number;
  /** How long the API must have failed to answer, over at least `failedProbesMin` probes, before anything is activated outside the first boot pass. */
  readonly outageMs: number;
  readonly failedProbesMin: number;
  /** The kubelet restarts a container that died for the first time at once; a checkpoint in its way would only take its port. */
  readonly restartPatienceMs: number;
  /** A sandbox without containers: a pull, or a runtime at work. */
  readonly startPatienceMs: number;
  /** Without any probe to ask, a container that ran this long without a restart is taken to serve. */
  readonly settleMs: number;
  /** First handover deadline; doubles with every failure up to `handoverMsMax`. */
  readonly handoverMs: number;
  readonly handoverMsMax: number;
  /** How long a workload that is not wanted here any more is kept. */
  readonly graceMs: number;
  /** How long nothing of a wanted workload may have served, with the API answering, before its checkpoint is activated. */
  readonly rescueMs: number;
}

export const DEFAULT_SETTINGS: Settings = {
  provingMs: 20_000,
  outageMs: 700,
  failedProbesMin: 3,
  restartPatienceMs: 3_000,
  startPatienceMs: 30_000,
  settleMs: 10_000,
  handoverMs: 30_000,
  handoverMsMax: 300_000,
  graceMs: 120_000,
  rescueMs: 20_000,
};
