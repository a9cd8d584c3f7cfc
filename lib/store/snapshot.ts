// The store as it is shown: by workload, intact revisions only, newest first. Built from a survey; the writer keeps it
// current, so that asking costs no look at the disk.

import type { RevisionId } from '../types/checkpoint.ts';
import type { WorkloadRecord } from '../types/memory.ts';
import type { StoredRevision, StoredWorkload } from '../types/store.ts';
import type { WorkloadKey } from '../types/workload.ts';
import type { SurveyedWorkload } from './survey.ts';

interface Entry {
  record: WorkloadRecord | undefined;
  readonly revisions: Map<RevisionId, StoredRevision>;
}

function newestFirst(a: StoredRevision, b: StoredRevision): number {
  return b.createdAtMs - a.createdAtMs || (a.revision < b.revision ? -1 : 1);
}

export class Snapshot {
  private readonly entries = new Map<WorkloadKey, Entry>();
  private shown: readonly StoredWorkload[] | undefined;

  static of(workloads: readonly SurveyedWorkload[]): Snapshot {
    const snapshot = new Snapshot();
    for (const { key, record, revisions } of workloads) {
      if (record?.body !== undefined) snapshot.setRecord(key, record.body);
      for (const { check } of revisions)
        if (check.state === 'intact') snapshot.setRevision(key, check.stored);
    }
    return snapshot;
  }

  /** The same arrays until something changes. */
  workloads(): readonly StoredWorkload[] {
    this.shown ??= [...this.entries]
      .filter(([, { record, revisions }]) => record !== undefined || revisions.size > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { record, revisions }]) => ({
        key,
        record,
        revisions: [...revisions.values()].sort(newestFirst),
      }));
    return this.shown;
  }

  revision(key: WorkloadKey, revision: RevisionId): StoredRevision | undefined {
    return this.entries.get(key)?.revisions.get(revision);
  }

  revisions(key: WorkloadKey): readonly StoredRevision[] {
    return [...(this.entries.get(key)?.revisions.values() ?? [])];
  }

  record(key: WorkloadKey): WorkloadRecord | undefined {
    return this.entries.get(key)?.record;
  }

  setRecord(key: WorkloadKey, record: WorkloadRecord): void {
    this.entry(key).record = record;
  }

  setRevision(key: WorkloadKey, stored: StoredRevision): void {
    this.entry(key).revisions.set(stored.revision, stored);
  }

  dropRevision(key: WorkloadKey, revision: RevisionId): void {
    this.entry(key).revisions.delete(revision);
  }

  dropWorkload(key: WorkloadKey): void {
    this.shown = undefined;
    this.entries.delete(key);
  }

  private entry(key: WorkloadKey): Entry {
    this.shown = undefined;
    const found = this.entries.get(key) ?? { record: undefined, revisions: new Map() };
    this.entries.set(key, found);
    return found;
  }
}
