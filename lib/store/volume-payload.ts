// The files of one volume on disk, laid out as the kubelet's AtomicWriter does: `<volume>/..<stamp>/<path>`, a link
// `..data` to the payload, and a link for each top-level name through it. So a pod sees all files change at once.

import { dirname, join } from 'node:path';
import type { MaterialVolume } from '../types/checkpoint.ts';
import type { Disk } from './disk.ts';
import { DATA_LINK, payloadName } from './layout.ts';
import { writeNewFile } from './write-durable.ts';

/** The kubelet's mode for a payload and the directories in it; the volume's own mode is what protects it. */
const PAYLOAD_DIRECTORY_MODE = 0o755;
const SETGID = 0o2000;

/** With fsGroup the kubelet sets setgid on every directory of a volume, not only on its own. */
export function payloadDirectoryMode({ directoryMode }: { readonly directoryMode: number }): number {
  return PAYLOAD_DIRECTORY_MODE | (directoryMode & SETGID);
}

function nestedDirectories(paths: readonly string[]): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) found.add(parent);
  }
  return [...found].sort();
}

/** Names that stand at the top of the volume. */
export function topNames(paths: readonly string[]): string[] {
  return [...new Set(paths.map((path) => path.split('/')[0] ?? path))].sort();
}

interface Shape {
  readonly files: readonly { readonly path: string }[];
  readonly mountPoints?: readonly string[];
}

/** Where other volumes are mounted, with the directories on the way there; by whether that is inside a linked name. */
function mountPointDirectories({ files, mountPoints = [] }: Shape, linked: boolean): string[] {
  const links = topNames(files.map((file) => file.path));
  const paths = [...new Set([...nestedDirectories(mountPoints), ...mountPoints])];
  return paths.filter((path) => links.includes(path.split('/')[0] ?? path) === linked).sort();
}

/** Directories inside the payload, parents first. */
export function payloadDirectories(volume: Shape): string[] {
  const paths = volume.files.map((file) => file.path);
  return [...new Set([...nestedDirectories(paths), ...mountPointDirectories(volume, true)])].sort();
}

/** Directories in the volume's root, beside the links into the payload, parents first. */
export function rootDirectories(volume: Shape): string[] {
  return mountPointDirectories(volume, false);
}

export function topLinkTarget(name: string): string {
  return `${DATA_LINK}/${name}`;
}

/**
 * A link belongs to whom the file behind it belongs to, as the kubelet has it since 1.36 (kubernetes#137332). Of several
 * files below one name it takes any; here it is the first. Nobody checks it again: whoever reads goes by the file.
 */
async function makeTopLink(
  disk: Disk,
  volumeDir: string,
  name: string,
  volume: MaterialVolume,
): Promise<void> {
  const path = join(volumeDir, name);
  await disk.symlink(topLinkTarget(name), path);
  const owner = volume.files.find((file) => file.path === name || file.path.startsWith(`${name}/`))?.uid ?? 0;
  if (owner !== 0) await disk.chown(path, owner, volume.directoryGid);
}

async function makeDirectory(disk: Disk, path: string, mode: number, gid: number): Promise<void> {
  await disk.mkdir(path);
  await disk.chown(path, 0, gid);
  await disk.chmod(path, mode);
}

/** Writes a payload directory, all of it synced; its name is durable once the volume's directory is. */
export async function writePayload(
  disk: Disk,
  volumeDir: string,
  volume: MaterialVolume,
  stamp: number,
): Promise<void> {
  const payload = join(volumeDir, payloadName(stamp));
  const directories = [payload, ...payloadDirectories(volume).map((path) => join(payload, path))];
  for (const path of directories) {
    await makeDirectory(disk, path, payloadDirectoryMode(volume), volume.directoryGid);
  }
  for (const file of volume.files) await writeNewFile(disk, join(payload, file.path), file.content, file);
  for (const path of directories.reverse()) await disk.fsyncDirectory(path);
}

/** Writes a volume that is not there yet, all of it synced but its own name. */
export async function writeVolume(
  disk: Disk,
  volumeDir: string,
  volume: MaterialVolume,
  stamp: number,
): Promise<void> {
  await makeDirectory(disk, volumeDir, volume.directoryMode, volume.directoryGid);
  await writePayload(disk, volumeDir, volume, stamp);
  await disk.symlink(payloadName(stamp), join(volumeDir, DATA_LINK));
  for (const name of topNames(volume.files.map((file) => file.path))) {
    await makeTopLink(disk, volumeDir, name, volume);
  }
  const mountPoints = rootDirectories(volume).map((path) => join(volumeDir, path));
  for (const path of mountPoints)
    await makeDirectory(disk, path, payloadDirectoryMode(volume), volume.directoryGid);
  for (const path of mountPoints.reverse()) await disk.fsyncDirectory(path);
  await disk.fsyncDirectory(volumeDir);
}
