// Model: the kubelet's CrashLoopBackOff (kuberuntime_manager.go doBackOff). Asked at each start of a container,
// with the end of the one before it: nothing ended, no back-off. The first restart is immediate, then 10 s doubling to
// 300 s. Kept in the kubelet's memory by pod UID and container, so a new pod starts afresh.

import type { Delays } from './delays.ts';

export class CrashBackoff {
  private readonly delays: Delays;
  private readonly steps = new Map<string, { readonly waitMs: number; readonly updatedMs: number }>();

  constructor(delays: Delays) {
    this.delays = delays;
  }

  /** How long a container that ended then has to wait still. */
  remainingMs(podUid: string, container: string, endedAtMs: number, nowMs: number): number {
    const step = this.steps.get(`${podUid}/${container}`);
    if (step === undefined || this.isOver(step.updatedMs, endedAtMs)) return 0;
    return Math.max(0, endedAtMs + step.waitMs - nowMs);
  }

  /** It is started again: the next wait is longer. */
  restarted(podUid: string, container: string, endedAtMs: number, nowMs: number): void {
    const key = `${podUid}/${container}`;
    const step = this.steps.get(key);
    const { crashBackoff, crashBackoffMax } = this.delays;
    const fresh = step === undefined || this.isOver(step.updatedMs, endedAtMs);
    const waitMs = fresh ? crashBackoff : Math.min(step.waitMs * 2, crashBackoffMax);
    this.steps.set(key, { waitMs, updatedMs: nowMs });
  }

  private isOver(updatedMs: number, endedAtMs: number): boolean {
    return endedAtMs - updatedMs > this.delays.crashBackoffReset;
  }
}
