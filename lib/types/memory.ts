// What the state machine remembers. The record is the durable part (kept by the store, survives restarts and power
// cuts); the rest of the memory starts afresh with each process.

import type { RevisionId } from './checkpoint.ts';
import type { WorkloadKey, WorkloadOptions } from './workload.ts';

/**
 * Time that counts only while the agent runs and watches: each pass adds the time since the one before it, bounded.
 * So a clock that jumps neither ends a deadline at once nor stretches it for ever, and a restart goes on where it was.
 */
export interface Timer {
  readonly elapsedMs: number;
}

export type Phase =
  /** No proven revision yet. */
  | { readonly name: 'none' }
  /** Proven, on disk, not in the static pod directory. */
  | { readonly name: 'standby' }
  /** In the static pod directory. */
  | { readonly name: 'active'; readonly revision: RevisionId; readonly reason: string }
  /** Withdrawn for a parent that has started and does not serve yet; `waited` since the parent was seen alone. */
  | { readonly name: 'handover'; readonly parentUid: string; readonly waited: Timer; readonly alone?: true }
  /** The API says it is no longer wanted here; grace is running, or the withdrawal is. */
  | {
      readonly name: 'retiring';
      readonly waited: Timer;
      readonly from: 'none' | 'standby' | 'active';
      readonly revision?: RevisionId;
    }
  /** Nothing is done until a parent shows up again or a person says `agent forget`. */
  | { readonly name: 'held'; readonly reason: string; readonly active?: RevisionId };

export interface WorkloadRecord {
  readonly phase: Phase;
  readonly options: WorkloadOptions;
  /** Newest revision whose parent has served for the proving time, and since when (wall clock, for people only). */
  readonly proven?: { readonly revision: RevisionId; readonly atMs: number };
  /** The proven one before it. */
  readonly previous?: RevisionId;
  /** Compiled from the parent as it is now, not proven yet. */
  readonly candidate?: RevisionId;
  /** The parent last seen through the API. */
  readonly parent?: ParentIdentity;
  /** Handovers that failed since the last one that succeeded; the next deadline doubles with each. */
  readonly failedHandovers: number;
  /** The parent whose handover failed last. Unproven content that failed once is not given the port again. */
  readonly failedParent?: { readonly uid: string; readonly revision?: RevisionId };
  /** How often this parent was blamed since one of the workload served for good. */
  readonly strikes?: { readonly uid: string; readonly count: number };
  /** UID of the Node object this workload was checkpointed under. */
  readonly nodeUid?: string;
}

export interface ParentIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: ControllerRef;
}

export interface ControllerRef {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The durable record plus what only this process knows. */
export interface WorkloadMemory extends WorkloadRecord {
  /** How long nothing of the workload has run although it should. */
  readonly stoppedMs: number;
  /** How long nothing of it has been up, neither parent nor checkpoint. */
  readonly downMs: number;
  /** How long it has run without a break. */
  readonly runningMs: number;
  /** How long the current parent has been serving with the candidate's content. */
  readonly servingMs: number;
  /** How long nothing of the workload has served while the API answered. */
  readonly unservedMs: number;
  /** How long the present parent has sat in a crash back-off beside an active checkpoint. */
  readonly backOffMs: number;
  /** Read from the disk, and not yet compared with what stands in the static pod directory. */
  readonly recalled?: true;
  /** A parent that the API has said to be on its way out. */
  readonly leavingUid?: string;
  /** The containers of a parent that were ended because it hung, and that the kubelet is about to make anew. */
  readonly ended?: readonly string[];
  /** A parent whose back-off may be ended in this handover, or is being ended together with this sandbox of it. */
  readonly restart?:
    | { readonly uid: string; readonly state: 'allowed' }
    | { readonly uid: string; readonly state: 'under-way'; readonly sandboxId: string };
  /** A parent's sandbox that is to end with its back-off, until a container of it is seen in the next one. */
  readonly endedSandbox?: { readonly uid: string; readonly id: string };
  /** A parent's sandbox in which no container has been made yet, and for how long it has been seen like that. */
  readonly emptySandbox?: { readonly id: string; readonly ms: number };
  /** Why the parent cannot be carried, or why a decision waits, for status. */
  readonly note?: string;
  /** How long that has been the note. */
  readonly noteMs?: number;
}

export interface Memory {
  readonly workloads: ReadonlyMap<WorkloadKey, WorkloadMemory>;
  readonly bootId?: string;
  readonly nodeUid?: string;
  /** How long the API has not answered. */
  readonly apiAwayMs: number;
  /** Which workloads may have cost the API that it is without now. */
  readonly suspects?: ReadonlySet<WorkloadKey>;
  /** It has served in the life of this process. */
  readonly apiSeen?: true;
  /** How long the API has answered; not set back by the absence that a handover costs. */
  readonly apiServingMs: number;
  /** In that time the kubelet has made a container of a pod of the API. */
  readonly kubeletStarts?: true;
}
