// When a guard that was told to go does go: a change of guard takes seconds, a handover tenths of one, and who guards
// next does not know what this one has heard.

import type { Memory } from '../types/memory.ts';

export interface Leave {
  /** So long it listens in any case: it may still hear of what was to end together with it. In milliseconds. */
  readonly listenMs: number;
  /** By then it goes, whatever goes on. */
  readonly withinMs: number;
}

export class Ending {
  #fromMs = Number.POSITIVE_INFINITY;
  #byMs = Number.POSITIVE_INFINITY;

  /** Told again, perhaps in another way: whichever is over sooner holds. */
  begin({ listenMs, withinMs }: Leave): void {
    const nowMs = performance.now();
    this.#fromMs = Math.min(this.#fromMs, nowMs + listenMs);
    this.#byMs = Math.min(this.#byMs, nowMs + withinMs);
  }

  /** Until it may go at the earliest; none to wait for when it may, or was not told to. */
  listensForMs(): number {
    const leftMs = this.#fromMs - performance.now();
    return leftMs > 0 ? leftMs : Number.POSITIVE_INFINITY;
  }

  mayGo({ workloads }: Memory): boolean {
    const nowMs = performance.now();
    if (nowMs < this.#fromMs) return false;
    const busy = [...workloads.values()].some(
      ({ phase, options, leavingUid }) =>
        phase.name === 'handover' ||
        (options.standbyLock === undefined && (phase.name === 'active' || leavingUid !== undefined)),
    );
    return !busy || nowMs >= this.#byMs;
  }
}
