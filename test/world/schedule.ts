// Model: the world's clock and its queue of things to come. Nothing happens in the world but through advance(),
// in the order of time, then of asking; so the same calls give the same history under a virtual and a real clock.

/** Something that can end before its events come due: a process, a kubelet, a pod worker. */
export interface Life {
  readonly alive: boolean;
}

interface Event {
  readonly atMs: number;
  readonly run: () => void;
  readonly life: Life | undefined;
}

export class Schedule {
  private clockMs: number;
  private readonly queue: Event[] = [];

  constructor(startMs: number) {
    this.clockMs = startMs;
  }

  get nowMs(): number {
    return this.clockMs;
  }

  /** Runs `run` after `delayMs`, unless `life` has ended by then. */
  after(delayMs: number, run: () => void, life?: Life): void {
    if (delayMs === Number.POSITIVE_INFINITY) return;
    const event: Event = { atMs: this.clockMs + Math.max(0, delayMs), run, life };
    let low = 0;
    let high = this.queue.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.queue[middle]?.atMs ?? 0) <= event.atMs) low = middle + 1;
      else high = middle;
    }
    this.queue.splice(low, 0, event);
  }

  /** When the next event is due; undefined when nothing is to come. */
  nextAtMs(): number | undefined {
    return this.queue[0]?.atMs;
  }

  /** Runs everything due until `toMs`. A clock that went back is ignored: the world's time only grows. */
  advance(toMs: number): void {
    for (;;) {
      const event = this.queue[0];
      if (event === undefined || event.atMs > toMs) break;
      this.queue.shift();
      this.clockMs = Math.max(this.clockMs, event.atMs);
      if (event.life === undefined || event.life.alive) event.run();
    }
    this.clockMs = Math.max(this.clockMs, toMs);
  }
}
