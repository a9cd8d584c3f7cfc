// What the virtual machine is made of, from Debian's packages: qemu is installed, the kernel and busybox are only
// unpacked into the cache, so that this machine's own /boot stays as it is. A directory in the cache is complete or not
// there. Once it is there, no network is needed.

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../cluster/cache.ts';
import { plainEnvironment, run } from '../cluster/command.ts';
import { installPackages, proxySettings } from '../cluster/packages.ts';

/** KVM is not asked for: it is missing on most CI machines, and under some hypervisors its guests hang. */
export const QEMU = '/usr/bin/qemu-system-x86_64';
export const QEMU_IMG = '/usr/bin/qemu-img';

const HOST_PACKAGES = [
  { name: 'qemu-system-x86', file: QEMU },
  { name: 'qemu-utils', file: QEMU_IMG },
  { name: 'e2fsprogs', file: '/usr/sbin/mke2fs' },
  { name: 'xfsprogs', file: '/usr/sbin/mkfs.xfs' },
];

/** Small, and with the drivers of virtual machines. */
const KERNEL_PACKAGE = 'linux-image-cloud-amd64';
const CACHE_PREFIX = 'powercut-';

export interface DebianParts {
  readonly kernel: string;
  /** Holds `drivers`, `fs`, `lib` and so on. */
  readonly modules: string;
  readonly busybox: string;
}

/** The one thing that is missing for a virtual machine here, or undefined. */
export async function missingRequirement(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'Debian packages can be installed only by root: run as root';
  if (process.arch !== 'x64') return `the virtual machine runs this machine's Node, and only x64 is set up`;
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  if (!/^ID=debian$/m.test(release)) return "it needs Debian's qemu and kernel: run on Debian";
  return undefined;
}

/** Installs and unpacks what is missing. Needs the machine's Debian sources the first time. */
export async function debianParts(log: (line: string) => void): Promise<DebianParts> {
  await installPackages(HOST_PACKAGES, log);
  const cached = (await readdir(cacheDirectory).catch((): string[] => []))
    .filter((name) => name.startsWith(CACHE_PREFIX) && !name.includes('.unpacking-'))
    .sort();
  const newest = cached.at(-1);
  return await partsIn(newest === undefined ? await unpack(log) : join(cacheDirectory, newest));
}

async function partsIn(directory: string): Promise<DebianParts> {
  const [version] = await readdir(join(directory, 'lib', 'modules'));
  if (version === undefined) throw new Error(`${directory}: no kernel modules inside; remove the directory`);
  return {
    kernel: join(directory, 'boot', `vmlinuz-${version}`),
    modules: join(directory, 'lib', 'modules', version, 'kernel'),
    busybox: join(directory, 'bin', 'busybox'),
  };
}

async function unpack(log: (line: string) => void): Promise<string> {
  const env = { ...plainEnvironment, ...proxySettings() };
  if ((await kernelPackage()) === undefined) await run(['apt-get', 'update'], { env });
  const kernel = await kernelPackage();
  if (kernel === undefined) throw new Error(`apt-get knows no package ${KERNEL_PACKAGE}: check sources.list`);
  log(`fetching Debian's ${kernel} and busybox-static`);
  const directory = join(cacheDirectory, `${CACHE_PREFIX}${kernel}`);
  const work = `${directory}.unpacking-${process.pid}`;
  await mkdir(work, { recursive: true });
  try {
    // The cache is root's own: apt's unprivileged download user could not write to it.
    const download = ['apt-get', '-o', 'APT::Sandbox::User=root', 'download', kernel, 'busybox-static'];
    await run(download, { cwd: work, env });
    for (const name of (await readdir(work)).filter((each) => each.endsWith('.deb'))) {
      await run(['dpkg-deb', '--extract', join(work, name), work]);
      await rm(join(work, name));
    }
    await run(['sync', '-f', work]);
    if (!existsSync(directory)) await rename(work, directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return directory;
}

/** The package that the newest kernel is in, such as linux-image-6.1.0-56-cloud-amd64. */
async function kernelPackage(): Promise<string | undefined> {
  const { stdout } = await run(['apt-cache', 'show', '--no-all-versions', KERNEL_PACKAGE], { mayFail: true });
  return /^Depends: (linux-image-\S+)/m.exec(stdout)?.[1];
}
