// Whether an apiserver that has begun to answer says that it is ready, as lib/observe/apiserver/readiness.ts asks it:
// again and again until it has said so twice.

const EVERY_MS = 200;
const STAYS_READY_MS = 500;
const GIVE_UP_MS = 60_000;

export interface ReadinessSurroundings {
  isReady(): boolean;
  /** By what the agent has last heard. */
  serving(): boolean;
  later(ms: number, run: () => void): void;
  said(): void;
  nowMs(): number;
}

export class ReadinessView {
  starting = false;
  private asking = false;
  private readonly around: ReadinessSurroundings;

  constructor(around: ReadinessSurroundings) {
    this.around = around;
  }

  /** The API answers, for the first time or again. */
  serving(): void {
    this.starting = true;
    if (!this.asking) this.ask(false, this.around.nowMs() + GIVE_UP_MS);
  }

  private ask(before: boolean, giveUpAtMs: number): void {
    const { around } = this;
    this.asking = around.serving();
    if (!this.asking) return;
    const ready = around.isReady();
    if ((before && ready) || around.nowMs() >= giveUpAtMs) {
      this.asking = false;
      this.starting = false;
      around.said();
    } else {
      around.later(ready ? STAYS_READY_MS : EVERY_MS, () => this.ask(ready, giveUpAtMs));
    }
  }
}
