// When the next pass begins: at its turn, or sooner once something has been heard. What always holds: a pass begins no
// sooner than `SPACING_MS` after the one before it, and nothing that was heard is left without a pass that follows it.

import { SPACING_MS } from './pace.ts';

export class Turns {
  #beganMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;
  #woken = false;
  #heard = false;
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  /** A pass begins now. */
  begin(): void {
    this.#beganMs = performance.now();
  }

  /** Something changed: the next pass begins as soon as it may. */
  kick(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** As `kick`, of what a look reads at its end: one that is under way will have seen it. */
  hear(): void {
    this.#heard = true;
    this.#wake?.();
  }

  /** The look under way reads what was heard. */
  read(): void {
    this.#heard = false;
  }

  /** No pass is to follow: whoever waits for one waits no longer. */
  end(): void {
    this.#ended = true;
    this.kick();
  }

  /** Until the next pass is to begin, which is after `ms` where nothing is heard. */
  next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        this.#woken = false;
        this.#heard = false;
        resolve();
      };
      const wakeAfter = (waitMs: number): void => {
        clearTimeout(timer);
        if (waitMs <= 0 || this.#ended) done();
        else timer = setTimeout(done, waitMs);
      };
      this.#wake = () => wakeAfter(this.#spacingMs());
      wakeAfter(this.#woken || this.#heard ? this.#spacingMs() : ms);
    });
  }

  #spacingMs(): number {
    return this.#beganMs + SPACING_MS - performance.now();
  }
}
