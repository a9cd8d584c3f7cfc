// Builds a revision beside its final name and makes it visible by one rename, everything in it synced before.
// So a revision that has its name is complete; what a cut left under the temporary name is removed at opening.

import { join } from 'node:path';
import type { CompiledCheckpoint } from '../types/checkpoint.ts';
import { ensureDirectory, removeTree } from './directories.ts';
import { type Disk, lstatOrAbsent } from './disk.ts';
import { digestsFile, manifestFile, materialDir, revisionsDir, tokensDir, tokensFile } from './layout.ts';
import { digestsOf, digestsOwner, tokenDigestsOf, tokensOwner } from './revision-digests.ts';
import { seal } from './sealed.ts';
import { removedName, unfinishedName } from './temporary-name.ts';
import { writeVolume } from './volume-payload.ts';
import { PRIVATE_FILE, writeNewFile } from './write-durable.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

const FIRST_STAMP = 1;

export function manifestBytes(checkpoint: CompiledCheckpoint): Uint8Array {
  return encode(`${JSON.stringify(checkpoint.manifest, null, 2)}\n`);
}

async function writeVolumes(disk: Disk, directory: string, checkpoint: CompiledCheckpoint): Promise<void> {
  await disk.mkdir(materialDir(directory));
  await disk.mkdir(tokensDir(directory));
  for (const volume of checkpoint.volumes) {
    await writeVolume(disk, join(materialDir(directory), volume.name), volume, FIRST_STAMP);
    const tokens = tokenDigestsOf(volume);
    if (tokens === undefined) continue;
    const owner = tokensOwner(checkpoint.workload, checkpoint.revision, volume.name, FIRST_STAMP);
    const path = tokensFile(directory, volume.name, FIRST_STAMP);
    await writeNewFile(disk, path, encode(seal('tokens', owner, tokens)), PRIVATE_FILE);
  }
  await disk.fsyncDirectory(materialDir(directory));
  await disk.fsyncDirectory(tokensDir(directory));
}

/** Frees the final name from a revision that could not be read, only now that its successor is complete beside it. */
async function displace(disk: Disk, parent: string, revision: string): Promise<void> {
  const target = join(parent, revision);
  if ((await lstatOrAbsent(disk, target)) === undefined) return;
  await disk.rename(target, join(parent, removedName(revision)));
}

async function discardDisplaced(disk: Disk, parent: string, revision: string): Promise<void> {
  const displaced = join(parent, removedName(revision));
  if ((await lstatOrAbsent(disk, displaced)) === undefined) return;
  await removeTree(disk, displaced);
  await disk.fsyncDirectory(parent);
}

/** Replaces what has the revision's name and is not intact. On an error what was begun is taken away again, as far as the disk lets us. */
export async function buildRevision(
  disk: Disk,
  root: string,
  checkpoint: CompiledCheckpoint,
  createdAtMs: number,
): Promise<void> {
  const { workload, revision } = checkpoint;
  const parent = revisionsDir(root, workload);
  const unfinished = join(parent, unfinishedName(revision));
  await ensureDirectory(disk, root, parent);
  await removeTree(disk, unfinished);
  try {
    const manifest = manifestBytes(checkpoint);
    const digests = digestsOf(checkpoint, manifest, createdAtMs);
    await disk.mkdir(unfinished);
    await writeNewFile(disk, manifestFile(unfinished), manifest, PRIVATE_FILE);
    const sealed = encode(seal('digests', digestsOwner(workload, revision), digests));
    await writeNewFile(disk, digestsFile(unfinished), sealed, PRIVATE_FILE);
    await writeVolumes(disk, unfinished, checkpoint);
    await disk.fsyncDirectory(unfinished);
    await displace(disk, parent, revision);
    await disk.rename(unfinished, join(parent, revision));
    await disk.fsyncDirectory(parent);
    await discardDisplaced(disk, parent, revision);
  } catch (error) {
    await removeTree(disk, unfinished).catch(() => undefined);
    throw error;
  }
}
