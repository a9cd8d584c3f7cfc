// Model: one of the kubelet's reflectors (client-go tools/cache/reflector.go): it lists, then watches. While nobody
// listens it asks again after 0.8 s, doubling to 30 s, each time for up to twice as long; a request that is accepted
// waits for its answer, and one that is answered with 429 is sent again after the Retry-After of a second.

import type { KubeletSurroundings } from './kubelet-surroundings.ts';
import type { Life } from './schedule.ts';

/** What an apiserver says for the first ten seconds (cacher.go, calculateRetryAfterForUnreadyCache). */
const RETRY_AFTER_MS = 1_000;

export class Reflector {
  /** It has listed and watches; what an API that hangs does not say, it hears when that goes on. */
  connected = false;
  /** Never goes back: HasSynced. */
  listedOnce = false;
  private readonly around: KubeletSurroundings;
  private readonly life: Life;
  private readonly listed: () => void;
  private begun = false;
  private waiting = false;
  private backOffMs: number;
  private backedOffAtMs = 0;

  constructor(around: KubeletSurroundings, life: Life, listed: () => void) {
    this.around = around;
    this.life = life;
    this.listed = listed;
    this.backOffMs = around.delays.reflectorBackoff;
  }

  start(): void {
    this.begun = true;
    this.look();
  }

  /** Availability may have changed. */
  look(): void {
    if (!this.begun || this.waiting) return;
    const { availability, node, delays } = this.around;
    const answer = availability.answerTo(node);
    if (this.connected) {
      if (answer !== 'refused') return;
      this.connected = false;
      this.backOff();
      return;
    }
    switch (answer) {
      case 'serving':
        this.wait(delays.listLatency, () => this.list());
        break;
      case 'filling':
        this.wait(RETRY_AFTER_MS, () => this.look());
        break;
      case 'refused':
      case 'denied':
        this.backOff();
        break;
      case 'unready':
      case 'silent':
        // Its request waits there.
        break;
    }
  }

  private list(): void {
    if (this.around.availability.answerTo(this.around.node) !== 'serving') {
      this.look();
      return;
    }
    this.connected = true;
    this.listedOnce = true;
    this.listed();
  }

  private backOff(): void {
    const { delays, random, schedule } = this.around;
    const isOver = schedule.nowMs - this.backedOffAtMs > delays.reflectorBackoffReset;
    const ms = isOver ? delays.reflectorBackoff : this.backOffMs;
    this.backedOffAtMs = schedule.nowMs;
    this.backOffMs = Math.min(ms * 2, delays.reflectorBackoffMax);
    this.wait(random.between(ms, ms * 2), () => this.look());
  }

  private wait(ms: number, then: () => void): void {
    this.waiting = true;
    const over = (): void => {
      this.waiting = false;
      then();
    };
    this.around.schedule.after(ms, over, this.life);
  }
}
