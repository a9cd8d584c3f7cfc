// Compares one volume on disk with its digests: every file, link, mode and owner, and nothing besides. Reads only.
// A wrong mode or owner is no damage (it can be put right); everything else that differs is.

import { join } from 'node:path';
import type { StoredToken } from '../types/store.ts';
import { DamageError, readDamaged } from './damage.ts';
import type { Disk } from './disk.ts';
import { DATA_LINK, DATA_LINK_UNFINISHED, payloadName, payloadStamp } from './layout.ts';
import type { ExpectedFile, ExpectedVolume, FileDigest, TokenDigests } from './revision-digests.ts';
import { sameDigest } from './revision-digests.ts';
import {
  payloadDirectories,
  payloadDirectoryMode,
  rootDirectories,
  topLinkTarget,
  topNames,
} from './volume-payload.ts';
import type { FileAttributes } from './write-durable.ts';

export const DRIFTED = 'has another mode or owner than it was stored with';

/** Something whose bytes are right and whose mode or owner is not. */
export interface Drift {
  readonly path: string;
  readonly wanted: FileAttributes;
}

export interface CheckedVolume {
  readonly stamp: number;
  readonly tokens: readonly StoredToken[];
  readonly contents: ReadonlyMap<string, Uint8Array>;
  readonly drift: readonly Drift[];
}

/** The payload that `..data` shows now. */
export async function currentStamp(disk: Disk, volumeDir: string): Promise<number> {
  const link = join(volumeDir, DATA_LINK);
  const stamp = payloadStamp(await readDamaged(link, () => disk.readlink(link)));
  if (stamp === undefined) throw new DamageError(link, 'does not point to a payload of the store');
  return stamp;
}

export class VolumeCheck {
  private readonly drift: Drift[] = [];
  private readonly disk: Disk;
  private readonly directory: string;
  private readonly expected: ExpectedVolume;

  constructor(disk: Disk, directory: string, expected: ExpectedVolume) {
    this.disk = disk;
    this.directory = directory;
    this.expected = expected;
  }

  /** `tokensOf` reads the digests of the tokens in a payload. */
  async run(tokensOf: (stamp: number) => Promise<TokenDigests>): Promise<CheckedVolume> {
    const { disk, directory, expected } = this;
    const { directoryMode: mode, directoryGid: gid } = expected;
    await this.compareDirectory(directory, { mode, uid: 0, gid });
    const stamp = await currentStamp(disk, directory);
    const payload = join(directory, payloadName(stamp));
    await this.checkTop(payloadName(stamp));
    await this.checkPayloadNames(payload);

    const digests = expected.files.some((file) => file.token !== undefined)
      ? await tokensOf(stamp)
      : { tokens: [] };
    const contents = new Map<string, Uint8Array>();
    const tokens: StoredToken[] = [];
    for (const file of expected.files) {
      const issued = digests.tokens.find((token) => token.path === file.path);
      const digest = file.digest ?? issued;
      if (digest === undefined) throw new DamageError(join(payload, file.path), 'has no digest');
      contents.set(file.path, await this.checkFile(join(payload, file.path), file, digest));
      if (file.token === undefined || issued === undefined) continue;
      tokens.push({
        volume: expected.name,
        path: file.path,
        ...file.token,
        expiresAtMs: issued.expiresAtMs,
      });
    }
    return { stamp, tokens, contents, drift: this.drift };
  }

  private async checkTop(payload: string): Promise<void> {
    const links = topNames(this.expected.files.map((file) => file.path));
    const mountPoints = rootDirectories(this.expected);
    const wanted = new Set([DATA_LINK, payload, ...links, ...topNames(mountPoints)]);
    const names = await readDamaged(this.directory, () => this.disk.readdir(this.directory));
    for (const name of names) {
      // Other payloads are what a cut in the middle of a refresh leaves.
      if (wanted.has(name) || name === DATA_LINK_UNFINISHED || payloadStamp(name) !== undefined) continue;
      throw new DamageError(join(this.directory, name), 'does not belong into the volume');
    }
    for (const name of links) {
      const path = join(this.directory, name);
      const target = await readDamaged(path, () => this.disk.readlink(path));
      if (target !== topLinkTarget(name)) throw new DamageError(path, 'points somewhere else');
    }
    for (const name of mountPoints) {
      await this.compareDirectory(join(this.directory, name), {
        mode: payloadDirectoryMode(this.expected),
        uid: 0,
        gid: this.expected.directoryGid,
      });
    }
  }

  private async checkPayloadNames(payload: string): Promise<void> {
    const paths = this.expected.files.map((file) => file.path);
    const nested = payloadDirectories(this.expected);
    const wanted = new Set([...paths, ...nested]);
    for (const directory of ['', ...nested]) {
      const path = join(payload, directory);
      await this.compareDirectory(path, {
        mode: payloadDirectoryMode(this.expected),
        uid: 0,
        gid: this.expected.directoryGid,
      });
      for (const name of await readDamaged(path, () => this.disk.readdir(path))) {
        if (!wanted.has(join(directory, name))) {
          throw new DamageError(join(path, name), 'does not belong into the volume');
        }
      }
    }
  }

  private async checkFile(path: string, file: ExpectedFile, digest: FileDigest): Promise<Uint8Array> {
    await this.compare(path, 'file', file);
    const content = await readDamaged(path, () => this.disk.readFile(path, digest.size));
    if (!sameDigest(content, digest)) throw new DamageError(path, 'fails its checksum');
    return content;
  }

  private async compareDirectory(path: string, wanted: FileAttributes): Promise<void> {
    await this.compare(path, 'directory', wanted);
  }

  private async compare(path: string, type: 'file' | 'directory', wanted: FileAttributes): Promise<void> {
    const found = await readDamaged(path, () => this.disk.lstat(path));
    if (found.type !== type) throw new DamageError(path, `is a ${found.type}, not a ${type}`);
    const ownersDiffer = found.uid !== wanted.uid || found.gid !== wanted.gid;
    if (found.mode === wanted.mode && !(this.disk.setsOwners && ownersDiffer)) return;
    this.drift.push({ path, wanted: { mode: wanted.mode, uid: wanted.uid, gid: wanted.gid } });
  }
}
