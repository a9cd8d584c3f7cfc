// What the store found wrong and did about it: the newest for status, all of them for the log.

import type { StoreFinding } from '../types/store.ts';

/** pino's shape. */
export interface StoreLog {
  warn(fields: object, message: string): void;
}

/** More would be the same news again. */
const SHOWN_MAX = 100;

export class Findings {
  readonly report = (finding: StoreFinding): void => {
    this.found.push(finding);
    if (this.found.length > SHOWN_MAX) this.found.shift();
    this.log?.warn({ ...finding }, 'store');
  };

  private readonly found: StoreFinding[] = [];
  private readonly log: StoreLog | undefined;

  constructor(log: StoreLog | undefined) {
    this.log = log;
  }

  /** Oldest first. */
  list(): readonly StoreFinding[] {
    return [...this.found];
  }
}
