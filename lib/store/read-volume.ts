// The files of a stored volume as the compiler knows them, from a revision that was found intact.

import type { MaterialFile, MaterialVolume } from '../types/checkpoint.ts';
import type { IntactRevision } from './revision-gate.ts';

/** Undefined when the revision has no such volume. */
export function materialOf({ digests, volumes }: IntactRevision, name: string): MaterialVolume | undefined {
  const expected = digests.volumes.find((volume) => volume.name === name);
  const checked = volumes.get(name);
  if (expected === undefined || checked === undefined) return undefined;
  const files = expected.files.map(({ path, mode, uid, gid, token }): MaterialFile => {
    const content = new Uint8Array(checked.contents.get(path) ?? []);
    const issued = checked.tokens.find((each) => each.path === path);
    if (token === undefined || issued === undefined) return { path, mode, uid, gid, content };
    return { path, mode, uid, gid, content, token: { ...token, expiresAtMs: issued.expiresAtMs } };
  });
  return { name, directoryMode: expected.directoryMode, directoryGid: expected.directoryGid, files };
}
