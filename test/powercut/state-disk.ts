// The disk that loses its power, with a cache of its own that forgets. Every boot runs on a fresh qcow2 layer: where a
// newly written block lies is known only to qemu's memory until the guest flushes, so qemu killed by SIGKILL loses what
// was not flushed, in part and in no order, as a drive with a volatile write cache does. What was flushed is in the
// host's page cache, and the host keeps its power.
//
// So the cache mode is `unsafe`: qemu then hands its tables to the host when the guest flushes, and leaves out only the
// host's own fdatasync. `writeback` would be the same and slower; `writethrough` and `directsync` would make every write
// durable, so that a missing flush could not be seen; `none` is about the host's page cache, which loses nothing here.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../cluster/command.ts';
import { QEMU_IMG } from './debian-parts.ts';
import type { FileSystem } from './guest-images.ts';

/** A file system's block: with larger clusters qemu would copy, and so write, the rest of each. */
const CLUSTER_BYTES = 4096;

const MAKE: Readonly<Record<FileSystem, readonly string[]>> = {
  ext4: ['mke2fs', '-q', '-t', 'ext4', '-b', '4096'],
  xfs: ['mkfs.xfs', '-q'],
};

/** xfs wants 300 MiB at least. */
const SIZE: Readonly<Record<FileSystem, string>> = { ext4: '96M', xfs: '320M' };

export class StateDisk {
  /** What a machine is given. */
  readonly layer: string;
  private readonly image: string;

  private constructor(directory: string) {
    this.image = join(directory, 'state.raw');
    this.layer = join(directory, 'state.qcow2');
  }

  static async create(directory: string, fileSystem: FileSystem): Promise<StateDisk> {
    const disk = new StateDisk(directory);
    await run(['truncate', '-s', SIZE[fileSystem], disk.image]);
    await run([...MAKE[fileSystem], disk.image]);
    return disk;
  }

  /** Power on: a layer whose blocks are all new. */
  async begin(): Promise<void> {
    const backing = ['-b', this.image, '-F', 'raw'];
    const options = ['-o', `cluster_size=${CLUSTER_BYTES}`];
    await run([QEMU_IMG, 'create', '-q', '-f', 'qcow2', ...backing, ...options, this.layer]);
  }

  /** Power off: what reached the layer is the disk now. */
  async settle(): Promise<void> {
    await run([QEMU_IMG, 'commit', '-q', '-d', '-t', 'unsafe', this.layer]);
    await rm(this.layer);
  }
}
