// Jittered, doubling pauses between attempts, and a pause that a kick ends early. A stream that closes at once must
// never make requests as fast as the network allows (client-node 1.4.0: 350 a second).

export class BackOff {
  readonly #msMin: number;
  readonly #msMax: number;
  #nextMs: number;

  constructor(msMin: number, msMax: number) {
    this.#msMin = msMin;
    this.#msMax = msMax;
    this.#nextMs = msMin;
  }

  /** Half fixed, half random: never zero, and clients that were cut off together do not come back together. */
  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.#msMax);
    return ms / 2 + Math.random() * (ms / 2);
  }

  reset(): void {
    this.#nextMs = this.#msMin;
  }
}

/** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
