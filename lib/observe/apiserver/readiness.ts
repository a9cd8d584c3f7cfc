// Whether an apiserver that has begun to answer says that it is ready. It answers lists seconds before that, and a
// handover in those seconds makes the outage longer instead of shorter. Asked once it serves, never at rest.

import { pause } from './back-off.ts';
import type { ApiAnswer } from './http.ts';

const EVERY_MS = 200;

/**
 * It is there for others first: where a parent was about to start at the very moment in which it became ready, its
 * handover began before anybody had an answer, and on a real node the API was ready 4 s later than it could have been.
 */
const STAYS_READY_MS = 500;

/** One that is not ready by then has a fault that waiting does not cure; nothing waits for it any longer. */
const GIVE_UP_MS = 60_000;

/** A server that will not say counts as ready: 403 and 404 are no word about its state. */
function saysReady(answer: ApiAnswer): boolean {
  return answer.ok || answer.status === 401 || answer.status === 403 || answer.status === 404;
}

export class Readiness {
  readonly #ask: () => Promise<ApiAnswer>;
  readonly #serving: () => boolean;
  readonly #onReady: () => void;
  readonly #closing: AbortSignal;
  #starting = false;
  #asking = false;

  constructor(
    ask: () => Promise<ApiAnswer>,
    serving: () => boolean,
    onReady: () => void,
    closing: AbortSignal,
  ) {
    this.#ask = ask;
    this.#serving = serving;
    this.#onReady = onReady;
    this.#closing = closing;
  }

  /** It serves, and has not said for a while that it is ready. */
  starting(): boolean {
    return this.#starting;
  }

  /** The API answers, for the first time or again: ask until it says that it is ready. */
  serving(): void {
    this.#starting = true;
    if (!this.#asking) void this.#untilReady();
  }

  async #untilReady(): Promise<void> {
    this.#asking = true;
    const giveUpAtMs = performance.now() + GIVE_UP_MS;
    let ready = false;
    while (this.#starting && !this.#closing.aborted) {
      const before = ready;
      ready = this.#serving() && saysReady(await this.#ask());
      if ((before && ready) || performance.now() >= giveUpAtMs) {
        this.#starting = false;
        this.#onReady();
      } else {
        await pause(ready ? STAYS_READY_MS : EVERY_MS, this.#closing);
      }
    }
    this.#asking = false;
  }
}
