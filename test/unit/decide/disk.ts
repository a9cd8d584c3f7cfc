// The disk of a scene: records, revisions and the static pod directory, and what each action does to them.

import type { Action } from '../../../lib/types/action.ts';
import type { RevisionId } from '../../../lib/types/checkpoint.ts';
import type { WorkloadRecord } from '../../../lib/types/memory.ts';
import type { NodeRecord, StoredWorkload } from '../../../lib/types/store.ts';
import type { WorkloadKey } from '../../../lib/types/workload.ts';
import { storedRevision } from './pods.ts';

export class Disk {
  readonly records = new Map<WorkloadKey, WorkloadRecord>();
  /** Newest first. */
  readonly revisions = new Map<WorkloadKey, RevisionId[]>();
  /** What stands in the static pod directory. */
  readonly placed = new Map<WorkloadKey, { revision: RevisionId; uid: string }>();
  node: NodeRecord = { bootId: 'boot-1', nodeUid: 'node-1' };
  /** Actions of these types fail, as on a full or read-only disk. */
  readonly failing = new Set<Action['type']>();
  #uids = 0;

  revisionsOf(key: WorkloadKey): RevisionId[] {
    const ids = this.revisions.get(key) ?? [];
    this.revisions.set(key, ids);
    return ids;
  }

  /** A revision fails its checksum and is quarantined. */
  lose(key: WorkloadKey, id: RevisionId): void {
    this.revisions.set(
      key,
      this.revisionsOf(key).filter((other) => other !== id),
    );
  }

  stored(): StoredWorkload[] {
    const keys = new Set([...this.records.keys(), ...this.revisions.keys()]);
    return [...keys].map((key) => ({
      key,
      record: this.records.get(key),
      revisions: (this.revisions.get(key) ?? []).map((id) => storedRevision(key, id)),
    }));
  }

  carryOut(action: Action): void {
    if (this.failing.has(action.type)) return;
    switch (action.type) {
      case 'store-revision':
        this.revisionsOf(action.workload).unshift(action.checkpoint.revision);
        return;
      case 'save-record':
        this.records.set(action.workload, JSON.parse(JSON.stringify(action.record)));
        return;
      case 'save-node':
        this.node = action.record;
        return;
      case 'activate':
        this.#uids += 1;
        this.placed.set(action.workload, { revision: action.revision, uid: `static-${this.#uids}` });
        return;
      case 'withdraw':
        this.placed.delete(action.workload);
        return;
      case 'remove-revision':
        this.lose(action.workload, action.revision);
        return;
      case 'remove-workload':
        this.records.delete(action.workload);
        this.revisions.delete(action.workload);
        return;
      case 'restart-parent':
        return;
    }
  }
}
