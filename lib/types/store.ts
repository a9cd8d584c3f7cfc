// The durable state: what a workload's revisions are, what is known to work, and the small record that survives restarts.

import type { V1Pod } from '@kubernetes/client-node';
import type { CompiledCheckpoint, MaterialVolume, RevisionId } from './checkpoint.ts';
import type { WorkloadRecord } from './memory.ts';
import type { WorkloadKey } from './workload.ts';

export interface StoredRevision {
  readonly revision: RevisionId;
  readonly createdAtMs: number;
  /** The compiled manifest, material paths below MATERIAL_PLACEHOLDER. */
  readonly manifest: V1Pod;
  /** Absolute directory of the material: `<materialDir>/<volume>` is what a pod mounts. */
  readonly materialDir: string;
  readonly bytes: number;
  /** Tokens in this revision, to be refreshed before they end. */
  readonly tokens: readonly StoredToken[];
}

export interface StoredToken {
  readonly volume: string;
  readonly path: string;
  readonly audience?: string;
  readonly expirationSeconds: number;
  readonly expiresAtMs: number;
}

export interface StoredWorkload {
  readonly key: WorkloadKey;
  /** Undefined when no intact record was found; the revisions are still usable. */
  readonly record: WorkloadRecord | undefined;
  /** Intact revisions only, newest first. */
  readonly revisions: readonly StoredRevision[];
}

/** What opening or verifying found and did, one line each for people: file, what is wrong, what was done. */
export interface StoreFinding {
  readonly path: string;
  readonly problem: string;
  readonly action: string;
}

/** What is kept for the node as a whole. */
export interface NodeRecord {
  /** Boot id of the last boot whose first pass was completed. */
  readonly bootId?: string;
  /** UID of the Node object the checkpoints belong to. */
  readonly nodeUid?: string;
}

export interface StoreReader {
  /** A consistent snapshot. Never sees a half-written state, needs no lock. */
  workloads(): readonly StoredWorkload[];
  node(): NodeRecord;
  findings(): readonly StoreFinding[];
}

/** Every method is durable when it resolves (fsync of files and directories), and after a crash shows before or after. */
export interface StoreWriter extends StoreReader {
  /** Stores a revision; a revision that is there and intact already is left alone. Errors: ENOSPC, EIO, EROFS leave what exists intact. */
  addRevision(checkpoint: CompiledCheckpoint, createdAtMs: number): Promise<void>;
  /** Replaces the workload's record. */
  putRecord(key: WorkloadKey, record: WorkloadRecord): Promise<void>;
  putNode(record: NodeRecord): Promise<void>;
  /** Swaps a volume that holds tokens to new bytes, as the kubelet does (`..data`), also under an active checkpoint. */
  refreshVolume(key: WorkloadKey, revision: RevisionId, volume: MaterialVolume): Promise<void>;
  /** Files of a stored volume, to refresh only the token among them. */
  readVolume(key: WorkloadKey, revision: RevisionId, volume: string): Promise<MaterialVolume>;
  /** Checks every digest of one revision now; a rotten one is quarantined, reported and dropped from the snapshot. */
  verify(key: WorkloadKey, revision: RevisionId): Promise<boolean>;
  removeRevision(key: WorkloadKey, revision: RevisionId): Promise<void>;
  removeWorkload(key: WorkloadKey): Promise<void>;
  close(): Promise<void>;
}
