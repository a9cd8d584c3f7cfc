// Drives a world by the machine's clock: everything that touches the model goes through run(), so the model is always
// at the present when somebody looks, and one timer waits for what comes next.

import type { World } from './world.ts';

export class RealClock {
  private readonly world: World;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(world: World) {
    this.world = world;
    this.arm();
  }

  /** Milliseconds of the epoch that never go back. */
  static nowMs(): number {
    return performance.timeOrigin + performance.now();
  }

  /** Brings the world to the present, runs `look`, and carries out what it asked for at this instant. */
  run<T>(look: () => T): T {
    this.world.advance(RealClock.nowMs());
    const result = look();
    this.world.advance(RealClock.nowMs());
    this.arm();
    return result;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private arm(): void {
    clearTimeout(this.timer);
    const nextAtMs = this.world.schedule.nextAtMs();
    if (this.closed || nextAtMs === undefined) return;
    const waitMs = Math.max(1, nextAtMs - RealClock.nowMs());
    this.timer = setTimeout(() => {
      this.world.advance(RealClock.nowMs());
      this.arm();
    }, waitMs);
  }
}
