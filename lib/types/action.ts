// What the plan asks for. Each action is idempotent, and is decided again from what is seen when it failed.

import type { CompiledCheckpoint, RevisionId } from './checkpoint.ts';
import type { WorkloadRecord } from './memory.ts';
import type { NodeRecord } from './store.ts';
import type { WorkloadKey } from './workload.ts';

export type Action =
  /** Make a compiled checkpoint durable as candidate. */
  | {
      readonly type: 'store-revision';
      readonly workload: WorkloadKey;
      readonly checkpoint: CompiledCheckpoint;
    }
  /** Make the record durable. Carried out beside the passes; until it is on disk it is decided again. */
  | { readonly type: 'save-record'; readonly workload: WorkloadKey; readonly record: WorkloadRecord }
  | { readonly type: 'save-node'; readonly record: NodeRecord }
  /** Put the manifest into the static pod directory, with a fresh UID, replacing what stands there for the workload. */
  | {
      readonly type: 'activate';
      readonly workload: WorkloadKey;
      readonly revision: RevisionId;
      readonly reason: string;
    }
  | {
      readonly type: 'withdraw';
      readonly workload: WorkloadKey;
      readonly reason: string;
      /** Sandboxes of the checkpoint to stop at once: its parent starts, and has its ports a third of a second from now. */
      readonly stopSandboxes: readonly string[];
    }
  /** Kill a parent that was deleted and takes its time: nobody can make its successor before it is gone. */
  | { readonly type: 'hurry-parent'; readonly workload: WorkloadKey; readonly sandboxId: string }
  /** End the containers of a server that hangs, and the kubelet with it: it is started anew. */
  | {
      readonly type: 'restart-server';
      readonly workload: WorkloadKey;
      readonly containers: readonly string[];
    }
  | { readonly type: 'remove-revision'; readonly workload: WorkloadKey; readonly revision: RevisionId }
  /** Forget the workload: its record and revisions. Only after the runtime showed its checkpoint gone. */
  | { readonly type: 'remove-workload'; readonly workload: WorkloadKey; readonly reason: string }
  /** End the crash back-off of a parent: the kubelet starts it anew at its next look. */
  | {
      readonly type: 'restart-parent';
      readonly workload: WorkloadKey;
      readonly uid: string;
      /** Ended as well, to make the kubelet look. Absent where it may not have seen the parent's end yet. */
      readonly sandboxId?: string;
    };
