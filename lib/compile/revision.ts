// The digest that names a revision: what a checkpoint is, not when it was made or from which pod of its workload.
// Bytes and expiry of a token are left out, so that refreshing one makes no new revision.

import { hash } from 'node:crypto';
import type { MaterialFile, MaterialVolume, RevisionId } from '../types/checkpoint.ts';
import { canonical, type Json, type JsonObject } from './plain-json.ts';

export function revisionOf(manifest: JsonObject, volumes: readonly MaterialVolume[]): RevisionId {
  const content: Json = {
    manifest,
    volumes: volumes.map((volume) => ({
      name: volume.name,
      directoryMode: volume.directoryMode,
      directoryGid: volume.directoryGid,
      files: volume.files.map(describeFile),
      mountPoints: [...(volume.mountPoints ?? [])],
    })),
  };
  return hash('sha256', canonical(content)) as RevisionId;
}

function describeFile(file: MaterialFile): JsonObject {
  const { path, mode, uid, gid, token } = file;
  return {
    path,
    mode,
    uid,
    gid,
    ...(token === undefined
      ? { sha256: hash('sha256', file.content) }
      : { audience: token.audience ?? '', expirationSeconds: token.expirationSeconds }),
  };
}
