// Questions whose answers may take seconds, asked beside the passes: a pass never waits for an API that is starting or
// for a probe that hangs. It reads the last answer, and the next pass comes as soon as another one is there.

import { isDeepStrictEqual } from 'node:util';

/** What a question gives before its first answer. */
export interface AnswersOptions<T> {
  readonly pending: T;
  /** An answer this old is asked for anew, while it is still read. */
  readonly freshMs: number;
  /** Says of an answer that asking again soon will hardly change it: each time it is left alone twice as long, up to `freshMsMax`. */
  readonly lasting?: (answer: T) => boolean;
  readonly freshMsMax?: number;
  readonly monotonicMs: () => number;
  /** The answer is another than the last one. */
  readonly onAnswer: () => void;
}

interface Entry<T> {
  answer: T;
  atMs: number;
  freshMs: number;
  asking: boolean;
}

export class Answers<T> {
  readonly #options: AnswersOptions<T>;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(options: AnswersOptions<T>) {
    this.#options = options;
  }

  /** The last answer under this key; asks when there is none that is fresh. `ask` must not reject. */
  read(key: string, ask: () => Promise<T>): T {
    const { pending, freshMs, freshMsMax = freshMs, lasting, monotonicMs, onAnswer } = this.#options;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { answer: pending, atMs: Number.NEGATIVE_INFINITY, freshMs: 0, asking: false };
      this.#entries.set(key, entry);
    }
    if (!entry.asking && monotonicMs() - entry.atMs >= entry.freshMs) {
      const mine = entry;
      mine.asking = true;
      void ask().then((answer) => {
        const before = mine.answer;
        const again = lasting?.(answer) === true && lasting(before);
        mine.freshMs = again ? Math.min(Math.max(mine.freshMs * 2, freshMs), freshMsMax) : freshMs;
        mine.answer = answer;
        mine.atMs = monotonicMs();
        mine.asking = false;
        if (!isDeepStrictEqual(answer, before)) onAnswer();
      });
    }
    return entry.answer;
  }

  /** Forgets what nobody asks about any more. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.#entries.keys()) if (!keys.has(key)) this.#entries.delete(key);
  }
}
