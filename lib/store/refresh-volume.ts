// Gives a stored volume new tokens, also while a pod mounts it: a whole new payload beside the old one, synced, then
// one rename of `..data` (kubelet's AtomicWriter). The digests of the new payload are durable before it is shown.

import { join } from 'node:path';
import type { MaterialVolume, RevisionId } from '../types/checkpoint.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { removeTree } from './directories.ts';
import type { Disk } from './disk.ts';
import {
  DATA_LINK,
  DATA_LINK_UNFINISHED,
  materialDir,
  payloadName,
  tokensDir,
  tokensFile,
} from './layout.ts';
import { type ExpectedVolume, sameDigest, tokenDigestsOf, tokensOwner } from './revision-digests.ts';
import { seal } from './sealed.ts';
import { StoreError } from './store-error.ts';
import { writePayload } from './volume-payload.ts';
import { PRIVATE_FILE, writeDurable } from './write-durable.ts';

/** Only tokens may differ: anything else is another revision. */
export function assertSameButTokens(
  expected: ExpectedVolume | undefined,
  volume: MaterialVolume,
  path: string,
): void {
  const refusal = (why: string): StoreError =>
    new StoreError('refresh', path, '', `${why}: store it as a new revision`);
  if (expected === undefined) throw refusal('the revision has no such volume');
  if (tokenDigestsOf(volume) === undefined) throw refusal('it holds no token, and only tokens may change');
  if (expected.directoryMode !== volume.directoryMode || expected.directoryGid !== volume.directoryGid) {
    throw refusal('its mode or group changed');
  }
  if (expected.files.length !== volume.files.length) throw refusal('files were added or removed');
  for (const file of volume.files) {
    const known = expected.files.find((each) => each.path === file.path);
    if (known === undefined) throw refusal('files were added or removed');
    if (known.mode !== file.mode || known.uid !== file.uid || known.gid !== file.gid) {
      throw refusal('the mode or owner of a file changed');
    }
    if ((known.token === undefined) !== (file.token === undefined)) throw refusal('a token became a file');
    if (known.digest !== undefined && !sameDigest(file.content, known.digest)) {
      throw refusal('a file that is no token changed');
    }
  }
}

export interface RefreshTarget {
  readonly key: WorkloadKey;
  readonly revision: RevisionId;
  /** The revision's directory. */
  readonly directory: string;
  /** Stamp of the payload that is shown now. */
  readonly stamp: number;
}

export async function refreshVolume(
  disk: Disk,
  target: RefreshTarget,
  volume: MaterialVolume,
): Promise<void> {
  const { key, revision, directory, stamp } = target;
  const next = stamp + 1;
  const volumeDir = join(materialDir(directory), volume.name);
  await removeTree(disk, join(volumeDir, payloadName(next)));
  await removeTree(disk, join(volumeDir, DATA_LINK_UNFINISHED));

  await writePayload(disk, volumeDir, volume, next);
  // The payload's name must be on the disk before the link to it can be.
  await disk.fsyncDirectory(volumeDir);
  const digests = seal('tokens', tokensOwner(key, revision, volume.name, next), tokenDigestsOf(volume) ?? {});
  await writeDurable(tokensFile(directory, volume.name, next), digests, PRIVATE_FILE, disk);

  await disk.symlink(payloadName(next), join(volumeDir, DATA_LINK_UNFINISHED));
  await disk.rename(join(volumeDir, DATA_LINK_UNFINISHED), join(volumeDir, DATA_LINK));
  await disk.fsyncDirectory(volumeDir);

  await removeTree(disk, join(volumeDir, payloadName(stamp)));
  await disk.fsyncDirectory(volumeDir);
  await disk.unlink(tokensFile(directory, volume.name, stamp));
  await disk.fsyncDirectory(tokensDir(directory));
}
