// The writer: every operation of the store, durable when it resolves. What is shown is kept in memory and follows the
// disk, never the other way round.

import { join } from 'node:path';
import type { CompiledCheckpoint, MaterialVolume, RevisionId } from '../types/checkpoint.ts';
import type { WorkloadRecord } from '../types/memory.ts';
import type { NodeRecord, StoredWorkload, StoreFinding, StoreWriter } from '../types/store.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { checkBytes, checkCheckpoint, checkCount, checkSpace, revisionBytes } from './admission.ts';
import { buildRevision } from './build-revision.ts';
import { ensureDirectory, removeDirectoryDurable, removeEmpty } from './directories.ts';
import { type Disk, lstatOrAbsent } from './disk.ts';
import type { Findings } from './findings.ts';
import { nodeFile, recordFile, revisionDir, revisionsDir, workloadDir } from './layout.ts';
import { OperationQueue } from './operation-queue.ts';
import { dropQuarantined, dropQuarantinedRevisions } from './quarantine.ts';
import { materialOf } from './read-volume.ts';
import { assertSameButTokens, refreshVolume } from './refresh-volume.ts';
import { materialBytes } from './revision-digests.ts';
import { RevisionGate } from './revision-gate.ts';
import type { Snapshot } from './snapshot.ts';
import { StoreError } from './store-error.ts';
import { NODE_OWNER } from './survey.ts';
import type { Swept } from './sweep.ts';
import { writeTwin } from './twin-file.ts';

export class DiskStore implements StoreWriter {
  private readonly disk: Disk;
  private readonly root: string;
  private readonly snapshot: Snapshot;
  private readonly found: Findings;
  private readonly queue: OperationQueue;
  private readonly gate: RevisionGate;
  private nodeRecord: NodeRecord;

  constructor(
    disk: Disk,
    root: string,
    node: NodeRecord,
    snapshot: Snapshot,
    found: Findings,
    swept: Swept | undefined,
  ) {
    this.disk = disk;
    this.root = root;
    this.nodeRecord = node;
    this.snapshot = snapshot;
    this.found = found;
    this.queue = new OperationQueue(disk, root, swept);
    this.gate = new RevisionGate(disk, root, snapshot, found.report);
  }

  workloads(): readonly StoredWorkload[] {
    return this.snapshot.workloads();
  }

  node(): NodeRecord {
    return this.nodeRecord;
  }

  findings(): readonly StoreFinding[] {
    return this.found.list();
  }

  addRevision(checkpoint: CompiledCheckpoint, createdAtMs: number): Promise<void> {
    const { workload: key, revision, volumes } = checkpoint;
    return this.queue.change('store a revision in', key, async () => {
      checkCheckpoint(this.root, checkpoint);
      if (await this.gate.verify(key, revision)) return;
      checkBytes(this.root, checkpoint, this.snapshot.revisions(key));
      await checkSpace(this.disk, this.root, volumes, revisionBytes(checkpoint));
      await this.inDirectory(revisionsDir(this.root, key), async () => {
        await checkCount(this.disk, this.root, checkpoint);
        await buildRevision(this.disk, this.root, checkpoint, createdAtMs);
      });
      this.snapshot.setRevision(key, (await this.gate.readBack(key, revision)).stored);
    });
  }

  putRecord(key: WorkloadKey, record: WorkloadRecord): Promise<void> {
    return this.queue.change('save the record in', key, async () => {
      await this.inDirectory(workloadDir(this.root, key), () =>
        writeTwin(this.disk, 'record', key, recordFile(this.root, key), record),
      );
      this.snapshot.setRecord(key, record);
      await dropQuarantinedRevisions(this.disk, this.root, key, revisionsNamedBy(record));
    });
  }

  putNode(record: NodeRecord): Promise<void> {
    return this.queue.change('save the node record in', 'node', async () => {
      await writeTwin(this.disk, 'node', NODE_OWNER, nodeFile(this.root), record);
      this.nodeRecord = record;
    });
  }

  refreshVolume(key: WorkloadKey, revision: RevisionId, volume: MaterialVolume): Promise<void> {
    return this.queue.change('refresh a token in', key, async () => {
      const directory = revisionDir(this.root, key, revision);
      const { digests, volumes } = await this.gate.intact(key, revision);
      const expected = digests.volumes.find((each) => each.name === volume.name);
      assertSameButTokens(expected, volume, join(directory, 'volumes', volume.name.slice(0, 80)));
      await checkSpace(this.disk, this.root, [volume], materialBytes([volume]));
      const stamp = volumes.get(volume.name)?.stamp ?? 0;
      const whole = { ...volume, mountPoints: expected?.mountPoints ?? [] };
      await refreshVolume(this.disk, { key, revision, directory, stamp }, whole);
      this.snapshot.setRevision(key, (await this.gate.intact(key, revision)).stored);
    });
  }

  readVolume(key: WorkloadKey, revision: RevisionId, name: string): Promise<MaterialVolume> {
    return this.queue.look('read a volume in', key, async () => {
      const material = materialOf(await this.gate.intact(key, revision), name);
      if (material !== undefined) return material;
      const path = revisionDir(this.root, key, revision);
      throw new StoreError('read a volume of', path, '', 'the revision has no volume of that name');
    });
  }

  /**
   * Not in turn, unless something is wrong with it: where an fsync takes half a second, the first change of a process, which
   * syncs all names, takes 15 s, and the activation of another workload would wait for that.
   */
  async verify(key: WorkloadKey, revision: RevisionId): Promise<boolean> {
    if (this.queue.isIdle(key) && (await this.gate.isInOrder(key, revision))) return true;
    return this.queue.look('verify a revision in', key, () => this.gate.verify(key, revision));
  }

  removeRevision(key: WorkloadKey, revision: RevisionId): Promise<void> {
    return this.queue.change('remove a revision from', key, async () => {
      await this.removeDirectory(revisionDir(this.root, key, revision), () =>
        this.snapshot.dropRevision(key, revision),
      );
      const needed = revisionsNamedBy(this.snapshot.record(key));
      needed.delete(revision);
      await dropQuarantinedRevisions(this.disk, this.root, key, needed);
    });
  }

  removeWorkload(key: WorkloadKey): Promise<void> {
    return this.queue.change('remove a workload from', key, async () => {
      await this.removeDirectory(workloadDir(this.root, key), () => this.snapshot.dropWorkload(key));
      await dropQuarantined(this.disk, this.root, key);
    });
  }

  close(): Promise<void> {
    return this.queue.close();
  }

  /** Makes the directory; a failure leaves none that is empty. */
  private async inDirectory(directory: string, work: () => Promise<void>): Promise<void> {
    try {
      await ensureDirectory(this.disk, this.root, directory);
      await work();
    } catch (error) {
      await removeEmpty(this.disk, directory, this.root).catch(() => undefined);
      throw error;
    }
  }

  /** What has left its name is not shown any more, also when its removal went wrong after that. */
  private async removeDirectory(directory: string, forget: () => void): Promise<void> {
    try {
      await removeDirectoryDurable(this.disk, directory, this.root);
    } finally {
      const left = await lstatOrAbsent(this.disk, directory).catch(() => 'unknown');
      if (left === undefined) forget();
    }
  }
}

function revisionsNamedBy(record: WorkloadRecord | undefined): Set<string> {
  const named = [record?.proven?.revision, record?.previous, record?.candidate];
  return new Set(named.filter((each) => each !== undefined));
}
