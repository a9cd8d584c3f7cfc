// Model: the kubelet's CrashLoopBackOff. The first restart is immediate, then 10 s doubling to 300 s, counted from
// the end of the container; kept in the kubelet's memory by pod UID and container, so a new pod starts afresh.

import type { Delays } from './delays.ts';

export class CrashBackoff {
  private readonly delays: Delays;
  private readonly steps = new Map<string, { waitMs: number; lastExitMs: number }>();

  constructor(delays: Delays) {
    this.delays = delays;
  }

  /** How long after this exit the container is started again. */
  afterExit(podUid: string, container: string, exitedAtMs: number): number {
    const key = `${podUid}/${container}`;
    const step = this.steps.get(key);
    if (step === undefined || exitedAtMs - step.lastExitMs > this.delays.crashBackoffReset) {
      this.steps.set(key, { waitMs: this.delays.crashBackoff, lastExitMs: exitedAtMs });
      return 0;
    }
    const { waitMs } = step;
    this.steps.set(key, {
      waitMs: Math.min(waitMs * 2, this.delays.crashBackoffMax),
      lastExitMs: exitedAtMs,
    });
    return waitMs;
  }
}
