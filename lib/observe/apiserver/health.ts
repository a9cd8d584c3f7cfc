// Is the API there, for this kubelet? Asked only when there is a doubt: a watch ended, somebody suspects, or the last
// answer was bad. While it is not serving a probe goes out every 250 ms; at rest none does.

import type { ApiState } from '../../types/observation.ts';
import { pause } from './back-off.ts';
import { isDenied } from './failure.ts';
import type { ApiAnswer, ApiFailure } from './http.ts';
import type { ApiTiming } from './timing.ts';

/**
 * Failures in a row that are told, beside the first: from about here on it may be an outage (700 ms, probes every 250).
 * One more of the same, four times a second while a node boots, is read at the turns of whoever wants to know.
 */
const FAILURES_TOLD = 4;

/** Probes that may wait for an answer at the same time, so that one lost packet does not hide a recovery. */
const IN_FLIGHT_MAX = 3;

export class Health {
  readonly #ask: (timeoutMs: number) => Promise<ApiAnswer>;
  readonly #timing: ApiTiming;
  readonly #onChange: () => void;
  readonly #onRecovery: () => void;
  readonly #onServing: () => void;
  readonly #closing = new AbortController();
  #state: ApiState = { name: 'unasked' };
  #deniedSinceMs = 0;
  #inFlight = 0;
  #askAgain = false;
  #successes = 0;
  #watching = false;
  #waiters: (() => void)[] = [];

  constructor(
    ask: (timeoutMs: number) => Promise<ApiAnswer>,
    timing: ApiTiming,
    on: { change(): void; recovery(): void; serving?(): void },
  ) {
    this.#ask = ask;
    this.#timing = timing;
    this.#onChange = on.change;
    this.#onRecovery = on.recovery;
    this.#onServing = () => on.serving?.();
  }

  state(): ApiState {
    return this.#state;
  }

  serving(): boolean {
    return this.#state.name === 'serving';
  }

  /**
   * A probe now, and others while it is not answered; resolves with the state after it. An apiserver that lost its etcd
   * answers none: that it did not answer a few of them was known 2.4 s later when others waited for the first.
   */
  probe(timeoutMs: number): Promise<ApiState> {
    const answer = this.#probe(timeoutMs);
    void this.#probeWhile(answer, timeoutMs);
    return answer;
  }

  async #probeWhile(answer: Promise<unknown>, timeoutMs: number): Promise<void> {
    const answered = new AbortController();
    void answer.finally(() => answered.abort());
    for (;;) {
      await pause(this.#timing.probeIntervalMs, answered.signal);
      if (answered.signal.aborted || this.#closing.signal.aborted) return;
      if (this.#inFlight >= IN_FLIGHT_MAX) return;
      void this.#probe(timeoutMs);
    }
  }

  async #probe(timeoutMs: number): Promise<ApiState> {
    const successesBefore = this.#successes;
    this.#inFlight++;
    const answer = await this.#ask(timeoutMs);
    this.#inFlight--;
    if (this.#closing.signal.aborted) return this.#state;
    if (answer.ok) this.heard();
    // A slow failure says nothing against a success that was asked for later.
    else if (this.#successes === successesBefore) this.#failed(answer.cause, answer.reason);
    return this.#state;
  }

  /** Something looks wrong: probe now, drop nothing. Calls that come while a probe is out make one more, not many. */
  suspect(): void {
    if (this.#closing.signal.aborted || this.#state.name === 'away' || this.#state.name === 'denied') return;
    if (this.#inFlight > 0) {
      this.#askAgain = true;
      return;
    }
    void this.probe(this.#timing.probeTimeoutMs).then(() => {
      if (!this.#askAgain) return;
      this.#askAgain = false;
      this.suspect();
    });
  }

  /** A list or a watch was answered with success: as good as a probe. */
  heard(): void {
    this.#successes++;
    if (this.serving()) return;
    const recovered = this.#state.name !== 'unasked';
    this.#state = { name: 'serving' };
    this.#onServing();
    for (const waiter of this.#waiters.splice(0)) waiter();
    if (recovered) this.#onRecovery();
    this.#onChange();
  }

  /** Resolves when the API serves, or when the signal is aborted. */
  untilServing(signal: AbortSignal): Promise<void> {
    if (this.serving() || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        this.#waiters = this.#waiters.filter((waiter) => waiter !== done);
        resolve();
      };
      this.#waiters.push(done);
      signal.addEventListener('abort', done);
    });
  }

  close(): void {
    this.#closing.abort();
  }

  #failed(cause: ApiFailure['cause'], detail: string): void {
    const before = this.#state;
    if (isDenied(cause)) {
      if (before.name !== 'denied') this.#deniedSinceMs = performance.now();
      this.#state = { name: 'denied', cause, detail };
    } else {
      const failedProbes = before.name === 'away' ? before.failedProbes + 1 : 1;
      this.#state = { name: 'away', cause, detail, failedProbes };
    }
    if (isNews(this.#state, before)) this.#onChange();
    void this.#probeUntilServing();
  }

  async #probeUntilServing(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    while (!this.serving() && !this.#closing.signal.aborted) {
      await pause(this.#intervalMs(), this.#closing.signal);
      if (this.serving() || this.#closing.signal.aborted) break;
      if (this.#inFlight < IN_FLIGHT_MAX) void this.#probe(this.#timing.probeTimeoutMs);
    }
    this.#watching = false;
  }

  #intervalMs(): number {
    const deniedLong =
      this.#state.name === 'denied' && performance.now() - this.#deniedSinceMs > this.#timing.deniedFastMs;
    return deniedLong ? this.#timing.deniedIntervalMs : this.#timing.probeIntervalMs;
  }
}

function isNews(state: ApiState, before: ApiState): boolean {
  if (causeOf(state) !== causeOf(before)) return true;
  return state.name === 'away' && state.failedProbes === FAILURES_TOLD;
}

function causeOf(state: ApiState): string | undefined {
  return 'cause' in state ? state.cause : undefined;
}
