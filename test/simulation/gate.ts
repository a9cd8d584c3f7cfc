// Every call by which one process of the agent touches the world goes through its gate, and there the process can end:
// between any two calls. What always holds: after its end it makes no call, and one that it tries never returns.

import type { Life, Schedule } from '../world/schedule.ts';

export class Gate implements Life {
  alive = true;
  private readonly schedule: Schedule;
  private readonly before: (call: string) => void;

  /** `before` hears of each call and may end the process in its place. */
  constructor(schedule: Schedule, before: (call: string) => void) {
    this.schedule = schedule;
    this.before = before;
  }

  /** Whether the call may be made. */
  enter(call: string): boolean {
    if (this.alive) this.before(call);
    return this.alive;
  }

  /**
   * `work` does what it does to the world before its first wait; only the word of it (inotify's) may come later. Its
   * answer still comes to a process that has ended meanwhile, which can do nothing with it: its next call is not made.
   */
  io<T>(call: string, work: () => Promise<T>): Promise<T> {
    return this.enter(call) ? work() : never();
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule.after(ms, resolve, this));
  }
}

/** A new one each time: what waits on it goes with it. */
function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** Until everything that can go on without time passing has gone on: node runs all microtasks before the next tick. */
export function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
