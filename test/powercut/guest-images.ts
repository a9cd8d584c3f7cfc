// What the virtual machine boots from: an initramfs of busybox, kernel modules and our init, and a read-only disk with
// this machine's own Node, its libraries and the guest program in one bundle. Made anew for every run, in a second or two.

import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { build } from 'esbuild';
import { run } from '../cluster/command.ts';
import type { DebianParts } from './debian-parts.ts';

/** Modules in the order in which they need each other, by file system. The cloud kernel has ext4 inside. */
const MODULES = {
  common: [
    'drivers/virtio/virtio_ring',
    'drivers/virtio/virtio',
    'drivers/virtio/virtio_pci_legacy_dev',
    'drivers/virtio/virtio_pci_modern_dev',
    'drivers/virtio/virtio_pci',
    'drivers/block/virtio_blk',
  ],
  ext4: [],
  xfs: ['lib/libcrc32c', 'fs/xfs/xfs'],
} as const;

export type FileSystem = Exclude<keyof typeof MODULES, 'common'>;

export interface GuestImages {
  readonly kernel: string;
  readonly initramfs: string;
  readonly tools: string;
}

/** Node's 95 MB, its libraries, the bundle, and ext4's own tables. */
const TOOLS_SIZE = '192M';

export async function makeGuestImages(parts: DebianParts, directory: string): Promise<GuestImages> {
  const initramfs = join(directory, 'initramfs.cpio');
  const tools = join(directory, 'tools.img');
  await makeInitramfs(parts, join(directory, 'initramfs'), initramfs);
  await makeTools(join(directory, 'tools'), tools);
  return { kernel: parts.kernel, initramfs, tools };
}

async function makeInitramfs(parts: DebianParts, tree: string, image: string): Promise<void> {
  for (const name of ['bin', 'dev', 'modules', 'proc', 'state', 'tools']) {
    await mkdir(join(tree, name), { recursive: true });
  }
  await copyFile(parts.busybox, join(tree, 'bin', 'busybox'));
  await copyFile(join(import.meta.dirname, 'guest-init.sh'), join(tree, 'init'));
  for (const [group, modules] of Object.entries(MODULES)) {
    const names = modules.map((module) => `${basename(module)}.ko`);
    await writeFile(join(tree, 'modules', group), `${names.join('\n')}\n`);
    for (const module of modules) {
      await copyFile(join(parts.modules, `${module}.ko`), join(tree, 'modules', `${basename(module)}.ko`));
    }
  }
  await run(['chmod', '0755', join(tree, 'init'), join(tree, 'bin', 'busybox')]);
  const pack = 'cd "$1" && find . | "$2" cpio -o -H newc >"$3"';
  await run(['sh', '-c', pack, 'sh', tree, parts.busybox, image]);
}

async function makeTools(tree: string, image: string): Promise<void> {
  await mkdir(tree, { recursive: true });
  await copyFile(process.execPath, join(tree, 'node'));
  const { stdout } = await run(['ldd', process.execPath]);
  for (const [library] of stdout.matchAll(/\/\S+/g)) {
    // The loader is the one that is named without an arrow; it is called by its path.
    await copyFile(library, join(tree, /\/ld-linux/.test(library) ? 'ld.so' : basename(library)));
  }
  await build({
    entryPoints: [join(import.meta.dirname, 'guest.ts')],
    outfile: join(tree, 'guest.mjs'),
    absWorkingDir: dirname(import.meta.dirname),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    logLevel: 'warning',
  });
  await run(['mke2fs', '-q', '-t', 'ext4', '-O', '^has_journal', '-d', tree, image, TOOLS_SIZE]);
}
