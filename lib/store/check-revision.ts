// Decides whether one revision on disk is exactly what was stored: the one gate before anything is given out or
// activated. Reads only.

import { join } from 'node:path';
import type { V1Pod } from '@kubernetes/client-node';
import type { RevisionId } from '../types/checkpoint.ts';
import type { StoredRevision } from '../types/store.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { type CheckedVolume, type Drift, VolumeCheck } from './check-volume.ts';
import { DamageError, readDamaged } from './damage.ts';
import { type Disk, errnoOf } from './disk.ts';
import { digestsFile, manifestFile, materialDir, tokensDir, tokensFile } from './layout.ts';
import { openDirectories } from './private-directories.ts';
import {
  digestsOwner,
  type RevisionDigests,
  sameDigest,
  type TokenDigests,
  tokensOwner,
} from './revision-digests.ts';
import { SEALED_BYTES_MAX, unseal } from './sealed.ts';
import { isOurTemporary } from './temporary-name.ts';

export type RevisionCheck =
  | {
      readonly state: 'intact';
      readonly stored: StoredRevision;
      readonly digests: RevisionDigests;
      readonly volumes: ReadonlyMap<string, CheckedVolume>;
      readonly drift: readonly Drift[];
    }
  | { readonly state: 'damaged'; readonly path: string; readonly problem: string }
  /** The disk would not say; left where it is, and not used. */
  | {
      readonly state: 'unreadable';
      readonly path: string;
      readonly problem: string;
      readonly cause: unknown;
    };

const TOP_NAMES = ['digests.json', 'manifest.json', 'tokens', 'volumes'];

/** The process lacks something, and the disk may be well: an error of the caller, no judgement on the revision. */
const SHORTAGE = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN']);

export async function checkRevision(
  disk: Disk,
  directory: string,
  key: WorkloadKey,
  revision: RevisionId,
): Promise<RevisionCheck> {
  try {
    return await check(disk, directory, key, revision);
  } catch (error) {
    if (error instanceof DamageError) return { state: 'damaged', path: error.path, problem: error.problem };
    if (SHORTAGE.has(errnoOf(error))) throw error;
    const path = (error as NodeJS.ErrnoException).path ?? directory;
    return { state: 'unreadable', path, problem: `cannot be read (${errnoOf(error)})`, cause: error };
  }
}

async function check(
  disk: Disk,
  directory: string,
  key: WorkloadKey,
  revision: RevisionId,
): Promise<RevisionCheck> {
  const { type } = await readDamaged(directory, () => disk.lstat(directory));
  if (type !== 'directory') throw new DamageError(directory, `is a ${type}, not a directory`);
  const digests = await readSealed<RevisionDigests>(
    disk,
    'digests',
    digestsOwner(key, revision),
    digestsFile(directory),
  );
  const manifest = await readManifest(disk, manifestFile(directory), digests);
  const volumes = await checkVolumes(disk, directory, key, revision, digests);
  await checkNames(disk, directory, (name) => TOP_NAMES.includes(name));
  await checkNames(disk, materialDir(directory), (name) => volumes.has(name));
  const withTokens = [...volumes].filter(([, { tokens }]) => tokens.length > 0).map(([name]) => name);
  await checkNames(disk, tokensDir(directory), (name) => isTokensFileOf(name, withTokens));

  const checked = [...volumes.values()];
  const stored: StoredRevision = {
    revision,
    createdAtMs: digests.createdAtMs,
    manifest,
    materialDir: materialDir(directory),
    bytes: digests.bytes,
    tokens: checked.flatMap((volume) => volume.tokens),
  };
  const open = await openDirectories(disk, [directory, materialDir(directory), tokensDir(directory)]);
  const drift = [...open, ...checked.flatMap((volume) => volume.drift)];
  return { state: 'intact', stored, digests, volumes, drift };
}

async function readSealed<T extends object>(
  disk: Disk,
  kind: 'digests' | 'tokens',
  of: string,
  path: string,
): Promise<T> {
  const content = await readDamaged(path, () => disk.readFile(path, SEALED_BYTES_MAX));
  const unsealed = unseal<T>(kind, of, content);
  if (!unsealed.intact) throw new DamageError(path, unsealed.problem);
  return unsealed.body;
}

async function readManifest(disk: Disk, path: string, digests: RevisionDigests): Promise<V1Pod> {
  const content = await readDamaged(path, () => disk.readFile(path, digests.manifest.size));
  if (!sameDigest(content, digests.manifest)) throw new DamageError(path, 'fails its checksum');
  return JSON.parse(new TextDecoder().decode(content)) as V1Pod;
}

async function checkVolumes(
  disk: Disk,
  directory: string,
  key: WorkloadKey,
  revision: RevisionId,
  digests: RevisionDigests,
): Promise<Map<string, CheckedVolume>> {
  const checked = new Map<string, CheckedVolume>();
  for (const volume of digests.volumes) {
    const tokensOf = (stamp: number): Promise<TokenDigests> =>
      readSealed<TokenDigests>(
        disk,
        'tokens',
        tokensOwner(key, revision, volume.name, stamp),
        tokensFile(directory, volume.name, stamp),
      );
    const check = new VolumeCheck(disk, join(materialDir(directory), volume.name), volume);
    checked.set(volume.name, await check.run(tokensOf));
  }
  return checked;
}

/** What is missing was noticed when it was read; this finds what was added. */
async function checkNames(disk: Disk, directory: string, wanted: (name: string) => boolean): Promise<void> {
  for (const name of await readDamaged(directory, () => disk.readdir(directory))) {
    if (wanted(name) || isOurTemporary(name)) continue;
    throw new DamageError(join(directory, name), 'does not belong into the revision');
  }
}

/** Digests of other payloads are what a cut in the middle of a refresh leaves. */
function isTokensFileOf(name: string, volumes: readonly string[]): boolean {
  return volumes.some(
    (volume) => name.startsWith(`${volume}.`) && /^[0-9]+\.json$/.test(name.slice(volume.length + 1)),
  );
}
