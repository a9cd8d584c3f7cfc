// File systems for tests to break. They are mounted only in a mount namespace of the test's own, which the kernel takes
// away with the last process in it, loop devices included: nothing is left on this machine however the test ends.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../cluster/command.ts';

const MARK = 'CHECKPOINT_AGENT_PRIVATE_MOUNTS';

/** The command in front of a test that mounts. */
export const IN_PRIVATE_MOUNTS = ['unshare', '--mount', '--propagation', 'private', '--', 'env', `${MARK}=1`];

/** Where everything of such a test lies: an empty directory of every Debian, covered by a tmpfs in the namespace. */
const SCRATCH = '/mnt';
const SCRATCH_SIZE = '1g';

/** The one thing that is missing for such tests, or undefined. */
export async function missingRequirement(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'file systems can be mounted only by root: run as root';
  const probe = `mount -t tmpfs none ${SCRATCH} && truncate -s 4M ${SCRATCH}/d && mke2fs -q ${SCRATCH}/d && mount -o loop ${SCRATCH}/d ${SCRATCH}`;
  const { code, stderr } = await run([...IN_PRIVATE_MOUNTS, 'sh', '-c', probe], { mayFail: true });
  return code === 0 ? undefined : `mount namespaces and loop devices are needed: ${stderr.trim()}`;
}

/** A scratch directory that vanishes with this test. Errors: this process shares its mounts with the machine. */
export async function scratch(): Promise<string> {
  if (process.env[MARK] === undefined) {
    throw new Error(`mounts would be left behind: run with '${IN_PRIVATE_MOUNTS.join(' ')} node ...'`);
  }
  await run(['mount', '-t', 'tmpfs', '-o', `size=${SCRATCH_SIZE}`, 'none', SCRATCH]);
  return SCRATCH;
}

export function kernelHas(fileSystem: string): boolean {
  return new RegExp(`^\\s*${fileSystem}$`, 'm').test(readFileSync('/proc/filesystems', 'utf8'));
}

/** Makes a file system in `<directory>.img` and mounts it on `directory`. */
export async function mountImage(directory: string, size: string, make: readonly string[]): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await run(['truncate', '-s', size, `${directory}.img`]);
  await run([...make, `${directory}.img`]);
  await run(['mount', '-o', 'loop', `${directory}.img`, directory]);
}

/** An ext4 on this machine's own disk, where an fsync takes its time. Its image has no name, and goes with the mount. */
export async function mountOnRealDisk(directory: string): Promise<void> {
  const image = join(mkdtempSync('/var/tmp/checkpoint-agent-faults-'), 'image');
  mkdirSync(directory);
  try {
    await run(['truncate', '-s', '64M', image]);
    await run(['mke2fs', '-q', '-t', 'ext4', image]);
    await run(['mount', '-o', 'loop', image, directory]);
  } finally {
    rmSync(dirname(image), { recursive: true });
  }
}

/**
 * A second, read-only view on top of the same directory, for whoever looks its path up from now on. A remount would be
 * refused, since the agent holds its lock file open for writing.
 */
export async function coverReadOnly(directory: string): Promise<void> {
  await run(['mount', '--bind', directory, directory]);
  await run(['mount', '-o', 'remount,bind,ro', directory]);
}

export async function uncover(directory: string): Promise<void> {
  // Lazily: the agent may have a file open there just now.
  await run(['umount', '--lazy', directory]);
}
