// Puts manifests into the kubelet's static pod directory and takes them out. What always holds: a file is complete
// before it is visible (one rename within the directory), and a file that is not ours is never touched.

import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Disk } from '../store/disk.ts';
import { realDisk } from '../store/real-disk.ts';
import { asStoreError } from '../store/store-error.ts';
import { isOurTemporary } from '../store/temporary-name.ts';
import { PRIVATE_FILE, unlinkDurable, writeDurable } from '../store/write-durable.ts';
import { manifestFileName, type WorkloadKey } from '../types/workload.ts';

/** Where the static pod directory is: the node's disk, or in the simulation a model of one. */
export interface ManifestFiles {
  readonly disk: Disk;
  /** unlink(2), done when it returns. Errors: any, when there is nothing to remove or it cannot be. */
  unlinkNow(path: string): void;
}

const REAL_FILES: ManifestFiles = { disk: realDisk, unlinkNow: unlinkSync };

/**
 * Makes a manifest visible to the kubelet, durably. Its temporary name begins with a dot, which the kubelet skips.
 * Errors: StoreError, naming the path.
 */
export async function placeManifest(
  directory: string,
  workload: WorkloadKey,
  text: string,
  { disk }: ManifestFiles = REAL_FILES,
): Promise<void> {
  await writeDurable(join(directory, manifestFileName(workload)), text, PRIVATE_FILE, disk);
}

/**
 * Takes a manifest out: gone for the kubelet when this has been called, durable when it resolves; one that is not there
 * is fine. Not through the thread pool, where it would queue behind fsyncs of seconds. Errors: StoreError, naming the path.
 */
export async function removeManifest(
  directory: string,
  workload: WorkloadKey,
  { disk, unlinkNow }: ManifestFiles = REAL_FILES,
): Promise<void> {
  const path = join(directory, manifestFileName(workload));
  try {
    unlinkNow(path);
  } catch {
    // Whatever is wrong, the durable removal below meets it too, and says so.
  }
  await unlinkDurable(path, disk);
}

/**
 * Removes what a process left unfinished when it ended in the middle of placing a manifest. Only before anything is
 * placed: the names are those that are used again. Errors: StoreError or the disk's own, naming the path.
 */
export async function removeLeftovers(
  directory: string,
  { disk }: ManifestFiles = REAL_FILES,
): Promise<void> {
  const names = await disk.readdir(directory);
  for (const name of names.filter(isOurTemporary)) await unlinkDurable(join(directory, name), disk);
}

/**
 * Makes durable what an earlier process changed and ended before it was. What the directory says is believed from then on,
 * and a power loss would bring a manifest back whose revision has been removed meanwhile. Errors: StoreError, naming the path.
 */
export async function settleDirectory(
  directory: string,
  { disk }: ManifestFiles = REAL_FILES,
): Promise<void> {
  try {
    await disk.fsyncDirectory(directory);
  } catch (error) {
    throw asStoreError(error, 'sync', directory);
  }
}
