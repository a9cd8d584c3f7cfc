// Nothing of a revision is used before all of it was compared with its digests, now. What fails is taken out of what is
// shown and put into quarantine; what the disk would not read is left where it is, since the disk may answer next time.

import type { RevisionId } from '../types/checkpoint.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { checkRevision, type RevisionCheck } from './check-revision.ts';
import type { Disk } from './disk.ts';
import { revisionDir } from './layout.ts';
import { type Report, recoverRevision } from './recover.ts';
import type { Snapshot } from './snapshot.ts';
import { asStoreError, StoreError } from './store-error.ts';

export type IntactRevision = RevisionCheck & { readonly state: 'intact' };

export class RevisionGate {
  private readonly disk: Disk;
  private readonly root: string;
  private readonly snapshot: Snapshot;
  private readonly report: Report;

  constructor(disk: Disk, root: string, snapshot: Snapshot, report: Report) {
    this.disk = disk;
    this.root = root;
    this.snapshot = snapshot;
    this.report = report;
  }

  /** One that was just written. Throws when it does not read back as it should. */
  async readBack(key: WorkloadKey, revision: RevisionId): Promise<IntactRevision> {
    const check = await this.check(key, revision);
    if (check.state === 'intact') return check;
    throw new StoreError('read back', check.path, '', check.problem);
  }

  /** One that is shown. Throws when it is not, or not intact any more. */
  async intact(key: WorkloadKey, revision: RevisionId): Promise<IntactRevision> {
    if (this.snapshot.revision(key, revision) === undefined) {
      const path = revisionDir(this.root, key, revision);
      throw new StoreError('use', path, '', 'there is no intact revision of that name');
    }
    const check = await this.check(key, revision);
    if (check.state === 'intact') return check;
    if (check.state === 'unreadable') throw asStoreError(check.cause, 'read', check.path);
    await this.setAside(key, revision, check);
    throw new StoreError('use', check.path, '', `it ${check.problem}, so the revision is not used`);
  }

  /** Whether it is shown and intact; wrong modes are put right on the way. */
  async verify(key: WorkloadKey, revision: RevisionId): Promise<boolean> {
    if (this.snapshot.revision(key, revision) === undefined) return false;
    const check = await this.check(key, revision);
    if (check.state !== 'intact') {
      await this.setAside(key, revision, check);
      return false;
    }
    await this.recover(key, revision, check);
    return true;
  }

  /** Whether it is shown and intact, with nothing to put right. Writes nothing; what the process lacks is a no. */
  async isInOrder(key: WorkloadKey, revision: RevisionId): Promise<boolean> {
    if (this.snapshot.revision(key, revision) === undefined) return false;
    const check = await this.check(key, revision).catch(() => undefined);
    return check?.state === 'intact' && check.drift.length === 0;
  }

  private check(key: WorkloadKey, revision: RevisionId): Promise<RevisionCheck> {
    return checkRevision(this.disk, revisionDir(this.root, key, revision), key, revision);
  }

  private async setAside(key: WorkloadKey, revision: RevisionId, check: RevisionCheck): Promise<void> {
    this.snapshot.dropRevision(key, revision);
    await this.recover(key, revision, check);
  }

  private recover(key: WorkloadKey, revision: RevisionId, check: RevisionCheck): Promise<void> {
    const directory = revisionDir(this.root, key, revision);
    return recoverRevision(this.disk, this.root, key, { revision, directory, check }, this.report);
  }
}
