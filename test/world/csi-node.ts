// Model: the kubelet publishes its CSINode (pkg/volume/csi/csi_plugin.go initializeCSINode, the same from 1.34 to 1.37).
// It asks every second until an API has answered, however long that takes. From then on it has six attempts in 140 s, and
// a kubelet that fails at all of them ends itself (klog.Fatalf): an API that never answers ends none.

import type { KubeletSurroundings } from './kubelet-surroundings.ts';
import type { Life } from './schedule.ts';

const LOOK_MS = 1_000;
const FIRST_RETRY_MS = 30;
const RETRY_FACTOR = 8;
const ATTEMPTS = 6;
/** Of one attempt: four tries, of which each but the last is followed by a pause (nodeinfomanager.go updateBackoff). */
const TRIES_MS = [10, 50, 250];
/** A connection that is not made is given up after 30 s (Go's dialer), and one that says nothing after 45 s (HTTP/2). */
const SILENCE_MS = 30_000;

export class CsiNode {
  private readonly around: KubeletSurroundings;
  private readonly life: Life;
  private readonly gaveUp: () => void;

  constructor(around: KubeletSurroundings, life: Life, gaveUp: () => void) {
    this.around = around;
    this.life = life;
    this.gaveUp = gaveUp;
  }

  start(): void {
    if (this.answers()) this.attempt(1);
    else this.later(LOOK_MS, () => this.start());
  }

  private attempt(number: number): void {
    this.ask(0, () => {
      if (number === ATTEMPTS) this.gaveUp();
      else this.later(FIRST_RETRY_MS * RETRY_FACTOR ** (number - 1), () => this.attempt(number + 1));
    });
  }

  /** Its requests take a moment; the API they are meant for may be gone by then. */
  private ask(tries: number, failed: () => void): void {
    const { availability, delays, node } = this.around;
    this.later(delays.listLatency, () => {
      if (this.answers()) return;
      const pauseMs = TRIES_MS[tries];
      const again = (): void =>
        pauseMs === undefined ? failed() : this.later(pauseMs, () => this.ask(tries + 1, failed));
      if (availability.answerTo(node) === 'refused') again();
      else this.later(SILENCE_MS, again);
    });
  }

  private answers(): boolean {
    return this.around.availability.answersFor(this.around.node);
  }

  private later(ms: number, run: () => void): void {
    this.around.schedule.after(ms, run, this.life);
  }
}
