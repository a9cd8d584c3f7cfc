// What a worker process is asked, and what it tells.

import type { Schedule } from './faults.ts';

export interface WorkerTask {
  /** Seeds `first`, `first + step`, …, `count` of them. */
  readonly first: number;
  readonly count: number;
  readonly step: number;
  /** These are played first. */
  readonly known: readonly Schedule[];
  /** Ends at the first failure. */
  readonly untilFailure: boolean;
  /** Leaves out of a failing schedule what its failure does not need. */
  readonly isolate: boolean;
}

export interface Failure {
  readonly seed: number;
  readonly setup: string;
  /** The rule, and how it was broken. */
  readonly failure: string;
  /** Those that are needed for it, where that was asked for. */
  readonly faults: readonly string[];
  readonly story: string;
}

export type WorkerMessage =
  | ({ readonly type: 'failure' } & Failure)
  | { readonly type: 'progress'; readonly done: number }
  | {
      readonly type: 'end';
      readonly done: number;
      readonly virtualMs: number;
      /** The agent's calls to its world. */
      readonly calls: number;
      readonly cpuMs: number;
    };
