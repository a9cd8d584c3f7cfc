// The writer: every operation of the store, one after another, each durable when it resolves. What is shown is kept in
// memory; whatever an operation failed half way through is swept and synced before the next one begins.

import { join } from 'node:path';
import type { CompiledCheckpoint, MaterialVolume, RevisionId } from '../types/checkpoint.ts';
import type { WorkloadRecord } from '../types/memory.ts';
import type { NodeRecord, StoredWorkload, StoreFinding, StoreWriter } from '../types/store.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { checkCheckpoint, checkCount, checkSpace, revisionBytes } from './admission.ts';
import { buildRevision } from './build-revision.ts';
import { checkRevision, type RevisionCheck } from './check-revision.ts';
import { ensureDirectory, removeDirectoryDurable, removeEmpty } from './directories.ts';
import { type Disk, errnoOf, lstatOrAbsent } from './disk.ts';
import { nodeFile, recordFile, revisionDir, revisionsDir, workloadDir } from './layout.ts';
import { dropQuarantined } from './quarantine.ts';
import { recoverRevision } from './recover.ts';
import { assertSameButTokens, refreshVolume } from './refresh-volume.ts';
import { materialBytes } from './revision-digests.ts';
import type { Snapshot } from './snapshot.ts';
import { asStoreError, StoreError } from './store-error.ts';
import { NODE_OWNER } from './survey.ts';
import { sweep } from './sweep.ts';
import { writeTwin } from './twin-file.ts';

/** pino's shape. */
export interface StoreLog {
  warn(fields: object, message: string): void;
}

/** More would be the same news again: status shows them, the log has them all. */
const FINDINGS_MAX = 100;

export class DiskStore implements StoreWriter {
  readonly report = (finding: StoreFinding): void => {
    this.found.push(finding);
    if (this.found.length > FINDINGS_MAX) this.found.shift();
    this.log?.warn({ ...finding }, 'store');
  };

  private readonly disk: Disk;
  private readonly root: string;
  private readonly snapshot: Snapshot;
  private readonly log: StoreLog | undefined;
  private readonly found: StoreFinding[] = [];
  private nodeRecord: NodeRecord;
  private last: Promise<unknown> = Promise.resolve();
  private closed = false;
  /** False until the names found on the disk are durable: at the start, and after every failure. */
  private settled = false;

  constructor(disk: Disk, root: string, node: NodeRecord, snapshot: Snapshot, log: StoreLog | undefined) {
    this.disk = disk;
    this.root = root;
    this.nodeRecord = node;
    this.snapshot = snapshot;
    this.log = log;
  }

  workloads(): readonly StoredWorkload[] {
    return this.snapshot.workloads();
  }

  node(): NodeRecord {
    return this.nodeRecord;
  }

  findings(): readonly StoreFinding[] {
    return [...this.found];
  }

  addRevision(checkpoint: CompiledCheckpoint, createdAtMs: number): Promise<void> {
    const { workload: key, revision, volumes } = checkpoint;
    return this.change('store a revision in', async () => {
      checkCheckpoint(this.root, checkpoint);
      if (this.snapshot.revision(key, revision) !== undefined && (await this.verifyNow(key, revision)))
        return;
      const parent = revisionsDir(this.root, key);
      await checkSpace(this.disk, this.root, volumes, revisionBytes(checkpoint));
      try {
        await ensureDirectory(this.disk, this.root, parent);
        await checkCount(this.disk, this.root, checkpoint);
        await buildRevision(this.disk, this.root, checkpoint, createdAtMs);
      } catch (error) {
        await removeEmpty(this.disk, parent, this.root).catch(() => undefined);
        throw error;
      }
      const check = await this.check(key, revision);
      if (check.state !== 'intact') throw new StoreError('read back', check.path, '', check.problem);
      this.snapshot.setRevision(key, check.stored);
    });
  }

  putRecord(key: WorkloadKey, record: WorkloadRecord): Promise<void> {
    return this.change('save the record in', async () => {
      const directory = workloadDir(this.root, key);
      try {
        await ensureDirectory(this.disk, this.root, directory);
        await writeTwin(this.disk, 'record', key, recordFile(this.root, key), record);
      } catch (error) {
        await removeEmpty(this.disk, directory, this.root).catch(() => undefined);
        throw error;
      }
      this.snapshot.setRecord(key, record);
    });
  }

  putNode(record: NodeRecord): Promise<void> {
    return this.change('save the node record in', async () => {
      await writeTwin(this.disk, 'node', NODE_OWNER, nodeFile(this.root), record);
      this.nodeRecord = record;
    });
  }

  refreshVolume(key: WorkloadKey, revision: RevisionId, volume: MaterialVolume): Promise<void> {
    return this.change('refresh a token in', async () => {
      const directory = revisionDir(this.root, key, revision);
      const { digests, volumes } = await this.checkIntact(key, revision);
      const expected = digests.volumes.find((each) => each.name === volume.name);
      assertSameButTokens(expected, volume, join(directory, 'volumes', volume.name.slice(0, 80)));
      await checkSpace(this.disk, this.root, [volume], materialBytes([volume]));
      const stamp = volumes.get(volume.name)?.stamp ?? 0;
      await refreshVolume(this.disk, { key, revision, directory, stamp }, volume);
      this.snapshot.setRevision(key, (await this.checkIntact(key, revision)).stored);
    });
  }

  readVolume(key: WorkloadKey, revision: RevisionId, name: string): Promise<MaterialVolume> {
    return this.queue('read a volume in', async () => {
      const { digests, volumes } = await this.checkIntact(key, revision);
      const expected = digests.volumes.find((volume) => volume.name === name);
      const checked = volumes.get(name);
      if (expected === undefined || checked === undefined) {
        const path = revisionDir(this.root, key, revision);
        throw new StoreError('read a volume of', path, '', 'the revision has no volume of that name');
      }
      const files = expected.files.map(({ path, mode, uid, gid, token }) => {
        const content = new Uint8Array(checked.contents.get(path) ?? []);
        const issued = checked.tokens.find((each) => each.path === path);
        if (token === undefined || issued === undefined) return { path, mode, uid, gid, content };
        return { path, mode, uid, gid, content, token: { ...token, expiresAtMs: issued.expiresAtMs } };
      });
      return { name, directoryMode: expected.directoryMode, directoryGid: expected.directoryGid, files };
    });
  }

  verify(key: WorkloadKey, revision: RevisionId): Promise<boolean> {
    return this.queue('verify a revision in', async () => {
      if (this.snapshot.revision(key, revision) === undefined) return false;
      return await this.verifyNow(key, revision);
    });
  }

  removeRevision(key: WorkloadKey, revision: RevisionId): Promise<void> {
    return this.change('remove a revision from', async () => {
      const directory = revisionDir(this.root, key, revision);
      try {
        await removeDirectoryDurable(this.disk, directory, this.root);
      } finally {
        const left = await lstatOrAbsent(this.disk, directory).catch(() => 'unknown');
        if (left === undefined) this.snapshot.dropRevision(key, revision);
      }
      await dropQuarantined(this.disk, this.root, key, this.named(key, revision));
    });
  }

  removeWorkload(key: WorkloadKey): Promise<void> {
    return this.change('remove a workload from', async () => {
      const directory = workloadDir(this.root, key);
      try {
        await removeDirectoryDurable(this.disk, directory, this.root);
      } finally {
        const left = await lstatOrAbsent(this.disk, directory).catch(() => 'unknown');
        if (left === undefined) this.snapshot.dropWorkload(key);
      }
      await dropQuarantined(this.disk, this.root, key);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.last;
  }

  /** At opening, where a disk that cannot be written to must not be in the way. */
  async sweepLeftovers(): Promise<void> {
    try {
      for (const path of await sweep(this.disk, this.root, { sync: false })) {
        this.report({ path, problem: 'was left by a crash', action: 'removed' });
      }
    } catch (error) {
      const action = `could not be removed (${errnoOf(error)}); tried again later`;
      this.report({ path: this.root, problem: 'has leftovers of a crash', action });
    }
  }

  /** The revisions the record needs, but for the one that goes. */
  private named(key: WorkloadKey, without: RevisionId): Set<RevisionId> {
    const record = this.snapshot.record(key);
    const named = [record?.proven?.revision, record?.previous, record?.candidate];
    return new Set(named.filter((each) => each !== undefined && each !== without)) as Set<RevisionId>;
  }

  private check(key: WorkloadKey, revision: RevisionId): Promise<RevisionCheck> {
    return checkRevision(this.disk, revisionDir(this.root, key, revision), key, revision);
  }

  private async checkIntact(
    key: WorkloadKey,
    revision: RevisionId,
  ): Promise<RevisionCheck & { state: 'intact' }> {
    const path = revisionDir(this.root, key, revision);
    if (this.snapshot.revision(key, revision) === undefined) {
      throw new StoreError('use', path, '', 'there is no intact revision of that name');
    }
    const check = await this.check(key, revision);
    if (check.state === 'intact') return check;
    // An unreadable one stays: the disk may answer the next time.
    if (check.state === 'unreadable') throw asStoreError(check.cause, 'read', check.path);
    await this.setAside(key, revision, check);
    throw new StoreError('use', check.path, '', `it ${check.problem}, so the revision is not used`);
  }

  private async verifyNow(key: WorkloadKey, revision: RevisionId): Promise<boolean> {
    const check = await this.check(key, revision);
    if (check.state === 'intact') {
      await recoverRevision(this.disk, this.root, key, { revision, directory: '', check }, this.report);
      return true;
    }
    await this.setAside(key, revision, check);
    return false;
  }

  private async setAside(key: WorkloadKey, revision: RevisionId, check: RevisionCheck): Promise<void> {
    this.snapshot.dropRevision(key, revision);
    const directory = revisionDir(this.root, key, revision);
    await recoverRevision(this.disk, this.root, key, { revision, directory, check }, this.report);
  }

  /** An operation that writes: what an earlier one (or process) left half done is settled before. */
  private change(doing: string, work: () => Promise<void>): Promise<void> {
    return this.queue(doing, async () => {
      if (!this.settled) await sweep(this.disk, this.root, { sync: true });
      this.settled = false;
      await work();
      this.settled = true;
    });
  }

  private queue<T>(doing: string, work: () => Promise<T>): Promise<T> {
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
}
