// What a worker process is asked, and what it tells.

import type { History } from './faults.ts';

export interface WorkerTask {
  /** Machines `firstMachine`, `firstMachine + step`, … up to the one of the seed `last`. */
  readonly firstMachine: number;
  readonly step: number;
  readonly last: number;
  /** These are played first. */
  readonly known: readonly History[];
  /** Ends at the first failure. */
  readonly untilFailure: boolean;
  /** Leaves out of a failing history what its failure does not need. */
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
