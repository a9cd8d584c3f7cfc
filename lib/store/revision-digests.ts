// What a revision must consist of, byte for byte. Everything in it is immutable, but for the tokens: their bytes change
// while the revision stays, so their digests are kept beside it, one file a payload.

import type { CompiledCheckpoint, MaterialFile, MaterialVolume, RevisionId } from '../types/checkpoint.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { sha256 } from './sealed.ts';
import type { FileAttributes } from './write-durable.ts';

export interface FileDigest {
  readonly size: number;
  readonly sha256: string;
}

export interface ExpectedFile extends FileAttributes {
  readonly path: string;
  /** Absent for a token. */
  readonly digest?: FileDigest;
  readonly token?: { readonly audience?: string; readonly expirationSeconds: number };
}

export interface ExpectedVolume {
  readonly name: string;
  readonly directoryMode: number;
  readonly directoryGid: number;
  /** Directories in the volume's root on which other volumes are mounted. */
  readonly mountPoints?: readonly string[];
  /** A list and no object: `__proto__` is a valid key of a Secret. */
  readonly files: readonly ExpectedFile[];
}

/** digests.json. */
export interface RevisionDigests {
  readonly createdAtMs: number;
  /** Of all files and the manifest. */
  readonly bytes: number;
  readonly manifest: FileDigest;
  readonly volumes: readonly ExpectedVolume[];
}

/** tokens/<volume>.<stamp>.json. */
export interface TokenDigests {
  readonly tokens: readonly (FileDigest & { readonly path: string; readonly expiresAtMs: number })[];
}

/** The names under which the two are sealed. */
export const digestsOwner = (key: WorkloadKey, revision: RevisionId): string => `${key}@${revision}`;
export function tokensOwner(key: WorkloadKey, revision: RevisionId, volume: string, stamp: number): string {
  return `${key}@${revision}/${volume}.${stamp}`;
}

export function digestOf(content: Uint8Array): FileDigest {
  return { size: content.length, sha256: sha256(content) };
}

export function sameDigest(content: Uint8Array, expected: FileDigest): boolean {
  return content.length === expected.size && sha256(content) === expected.sha256;
}

function expectedFile(file: MaterialFile): ExpectedFile {
  const { path, mode, uid, gid, token } = file;
  if (token === undefined) return { path, mode, uid, gid, digest: digestOf(file.content) };
  const { audience, expirationSeconds } = token;
  return {
    path,
    mode,
    uid,
    gid,
    token: audience === undefined ? { expirationSeconds } : { audience, expirationSeconds },
  };
}

function expectedVolume(volume: MaterialVolume): ExpectedVolume {
  const { name, directoryMode, directoryGid, mountPoints = [] } = volume;
  const files = volume.files.map(expectedFile);
  return { name, directoryMode, directoryGid, files, ...(mountPoints.length > 0 ? { mountPoints } : {}) };
}

export function materialBytes(volumes: readonly MaterialVolume[]): number {
  return volumes.flatMap((volume) => volume.files).reduce((sum, file) => sum + file.content.length, 0);
}

export function digestsOf(
  checkpoint: CompiledCheckpoint,
  manifest: Uint8Array,
  createdAtMs: number,
): RevisionDigests {
  return {
    createdAtMs,
    bytes: manifest.length + materialBytes(checkpoint.volumes),
    manifest: digestOf(manifest),
    volumes: checkpoint.volumes.map(expectedVolume),
  };
}

/** Undefined when the volume holds no token. */
export function tokenDigestsOf(volume: MaterialVolume): TokenDigests | undefined {
  const tokens = volume.files.flatMap(({ path, content, token }) =>
    token === undefined ? [] : [{ path, ...digestOf(content), expiresAtMs: token.expiresAtMs }],
  );
  return tokens.length === 0 ? undefined : { tokens };
}
