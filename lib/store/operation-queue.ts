// Operations one after another, as one writer must. Before the first that changes something, and before the first after
// one that failed, the names found on the disk are swept and synced: what a failure left half done, or a killed process
// showed without syncing it, must not be built on.

import type { Disk } from './disk.ts';
import { asStoreError, StoreError } from './store-error.ts';
import { type Swept, sweep, syncNames } from './sweep.ts';

export class OperationQueue {
  private readonly disk: Disk;
  private readonly root: string;
  private last: Promise<unknown> = Promise.resolve();
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
  change(doing: string, work: () => Promise<void>): Promise<void> {
    return this.look(doing, async () => {
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
  look<T>(doing: string, work: () => Promise<T>): Promise<T> {
    const run = this.last.then(async () => {
      if (this.closed) throw new StoreError(doing, this.root, '', 'the store was closed');
      try {
        return await work();
      } catch (error) {
        throw asStoreError(error, doing, this.root);
      }
    });
    this.last = run.catch(() => undefined);
    return run;
  }

  /** Resolves when what was asked for before is done; what comes later is refused. */
  async close(): Promise<void> {
    this.closed = true;
    await this.last;
  }
}
