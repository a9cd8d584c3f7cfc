// Operations one after another, as one writer must. Before the first that changes something, and before the first after
// one that failed, the names found on the disk are swept and synced: what a failure left half done, or a killed process
// showed without syncing it, must not be built on.

import type { WorkloadKey } from '../types/workload.ts';
import type { Disk } from './disk.ts';
import { asStoreError, StoreError } from './store-error.ts';
import { type Swept, sweep, syncNames } from './sweep.ts';

/** What an operation is about: a workload, or the node. */
type Subject = WorkloadKey | 'node';

export class OperationQueue {
  private readonly disk: Disk;
  private readonly root: string;
  private last: Promise<unknown> = Promise.resolve();
  /** Of each subject, those that have not ended. */
  private readonly underWay = new Map<Subject, number>();
  private closed = false;
  /** Whether all names on the disk are durable. */
  private settled = false;
  private swept: Swept | undefined;

  /** `swept`: of a sweep after which nothing was changed but by operations that were durable when they ended. */
  constructor(disk: Disk, root: string, swept: Swept | undefined) {
    this.disk = disk;
    this.root = root;
    this.swept = swept;
  }

  /** An operation that writes. `doing` says what, for the error. */
  change(doing: string, subject: Subject, work: () => Promise<void>): Promise<void> {
    return this.look(doing, subject, async () => {
      if (!this.settled) await this.settle();
      this.settled = false;
      await work();
      this.settled = true;
    });
  }

  private async settle(): Promise<void> {
    const { swept } = this;
    this.swept = undefined;
    await syncNames(this.disk, swept ?? (await sweep(this.disk, this.root)));
  }

  /** One that writes nothing but what it puts right. Errors are StoreErrors. */
  look<T>(doing: string, subject: Subject, work: () => Promise<T>): Promise<T> {
    this.count(subject, 1);
    const run = this.last.then(async () => {
      try {
        if (this.closed) throw new StoreError(doing, this.root, '', 'the store was closed');
        return await work();
      } catch (error) {
        throw asStoreError(error, doing, this.root);
      } finally {
        this.count(subject, -1);
      }
    });
    this.last = run.catch(() => undefined);
    return run;
  }

  /** Nothing of this subject is being done, or waits for its turn. */
  isIdle(subject: Subject): boolean {
    return !this.closed && !this.underWay.has(subject);
  }

  private count(subject: Subject, change: 1 | -1): void {
    const count = (this.underWay.get(subject) ?? 0) + change;
    if (count === 0) this.underWay.delete(subject);
    else this.underWay.set(subject, count);
  }

  /** Resolves when what was asked for before is done; what comes later is refused. */
  async close(): Promise<void> {
    this.closed = true;
    await this.last;
  }
}
