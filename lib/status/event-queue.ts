// Events wait here until the API takes them: most of what they tell happens while it is away. What always holds: they
// are posted in order, each with the time at which it happened, and the oldest go when too many wait.

import type { ApiState } from '../types/observation.ts';
import { known, type Observed } from '../types/observed.ts';

export interface QueuedEvent {
  /** Absent: it is about the Node. */
  readonly pod?: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, such as `CheckpointActivated`. */
  readonly reason: string;
  readonly message: string;
  /** When it happened, in milliseconds since the epoch; absent: now. */
  readonly atMs?: number;
}

interface Api {
  state(): ApiState;
  event(event: QueuedEvent): Promise<Observed<true>>;
}

const WAITING_MAX = 100;

/** What an API that serves has refused so often (a namespace that is gone, say) is not worth another try. */
const ATTEMPTS_MAX = 3;

export class EventQueue {
  readonly #api: Api;
  readonly #wallClockMs: () => number;
  readonly #waiting: { readonly event: QueuedEvent; attempts: number }[] = [];
  #posting = false;

  constructor(api: Api, wallClockMs: () => number) {
    this.#api = api;
    this.#wallClockMs = wallClockMs;
  }

  /** Takes it; it is posted as soon as the API serves. */
  async event(event: QueuedEvent): Promise<Observed<true>> {
    this.#waiting.push({ event: { ...event, atMs: event.atMs ?? this.#wallClockMs() }, attempts: 0 });
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    void this.flush();
    return known(true);
  }

  /** To be called whenever the API may have come back. */
  async flush(): Promise<void> {
    if (this.#posting) return;
    this.#posting = true;
    while (this.#serves()) {
      const first = this.#waiting[0];
      if (first === undefined) break;
      const posted = await this.#api.event(first.event);
      if (!posted.known && !this.#serves()) break;
      first.attempts += 1;
      if (!posted.known && first.attempts < ATTEMPTS_MAX) break;
      // By now it may be gone, for the sake of newer ones.
      if (this.#waiting[0] === first) this.#waiting.shift();
    }
    this.#posting = false;
  }

  /** One that is not ready yet refuses for want of its caches. */
  #serves(): boolean {
    const state = this.#api.state();
    return state.name === 'serving' && state.starting === undefined;
  }
}
