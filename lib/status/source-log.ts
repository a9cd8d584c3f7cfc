// What becomes of the API and of the runtime, in the log: whoever reads it in the morning sees when each was lost, how,
// and for how long, beside what the agent did about it.

import type { Logger } from 'pino';
import type { ApiState, Observation } from '../types/observation.ts';
import { apiWords } from './api-words.ts';

type Source = 'api' | 'runtime';

/** How a source is: `kind` is what it is lost or found by, `way` tells one way of being lost from another. */
interface State {
  readonly kind: string;
  readonly way: string;
  readonly words: string;
  readonly well: boolean;
}

interface Heard {
  readonly kind: string;
  /** The ways in which it has been so: each is told once, since some come and go with every probe. */
  readonly ways: Set<string>;
  readonly sinceMs: number;
}

export class SourceLog {
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #monotonicMs: () => number;
  readonly #heard = new Map<Source, Heard>();

  constructor(log: Pick<Logger, 'info' | 'warn'>, monotonicMs: () => number) {
    this.#log = log;
    this.#monotonicMs = monotonicMs;
  }

  look({ api, runtime }: Pick<Observation, 'api' | 'runtime'>): void {
    if (api.name !== 'unasked') this.#tell('api', apiState(api));
    this.#tell(
      'runtime',
      runtime.known
        ? { kind: 'answers', way: '', words: 'answers', well: true }
        : { kind: 'silent', way: '', words: runtime.reason, well: false },
    );
  }

  #tell(source: Source, { kind, way, words, well }: State): void {
    const before = this.#heard.get(source);
    const same = before?.kind === kind;
    if (same && before.ways.has(way)) return;
    const nowMs = this.#monotonicMs();
    const lasted = same || before === undefined ? {} : { afterMs: Math.round(nowMs - before.sinceMs) };
    if (same) before.ways.add(way);
    else this.#heard.set(source, { kind, ways: new Set([way]), sinceMs: nowMs });
    this.#log[well ? 'info' : 'warn']({ source, ...lasted }, words);
  }
}

function apiState(api: ApiState): State {
  const way = 'cause' in api ? api.cause : 'starting' in api ? 'starting' : '';
  return { kind: api.name, way, words: apiWords(api, false).words, well: api.name === 'serving' };
}
