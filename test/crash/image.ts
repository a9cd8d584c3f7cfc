// A file system at rest, as a value: what is on a disk, to be compared, told, and made a disk of again.

import { type Attributes, type Inode, newDirectory } from './inodes.ts';
import { ModelDisk } from './model-disk.ts';

/** A file system at rest, as a value. */
export type Image =
  | { readonly type: 'file'; readonly attributes: Attributes; readonly data: Uint8Array }
  | {
      readonly type: 'directory';
      readonly attributes: Attributes;
      readonly entries: ReadonlyMap<string, Image>;
    }
  | { readonly type: 'symlink'; readonly target: string };

const latin = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** Everything that can be told apart, as text: one line an entry, sorted. */
export function describe(image: Image, path = ''): string {
  if (image.type === 'symlink') return `${path} -> ${image.target}\n`;
  const { mode, uid, gid } = image.attributes;
  const line = `${path} ${mode.toString(8)} ${uid}:${gid}`;
  if (image.type === 'file') return `${line} ${latin(image.data)}\n`;
  const children = [...image.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${line}/\n${children.map(([name, child]) => describe(child, `${path}/${name}`)).join('')}`;
}

const fingerprints = new WeakMap<Image, number>();
const numbers = new Map<string, number>();

/** The same number for two images that cannot be told apart, and for no others. Shared parts are looked at once. */
export function fingerprint(image: Image): number {
  const known = fingerprints.get(image);
  if (known !== undefined) return known;
  const text = distinctive(image);
  const number = numbers.get(text) ?? numbers.size;
  numbers.set(text, number);
  fingerprints.set(image, number);
  return number;
}

function distinctive(image: Image): string {
  if (image.type === 'symlink') return `-> ${image.target}`;
  const { mode, uid, gid } = image.attributes;
  if (image.type === 'file') return `${mode},${uid},${gid} ${latin(image.data)}`;
  const names = [...image.entries.keys()].sort();
  return `${mode},${uid},${gid}/${names.map((name) => `${name}=${fingerprint(image.entries.get(name) as Image)}`)}`;
}

/** What a process sees, power on. */
export function imageOf(node: Inode): Image {
  if (node.type === 'symlink') return node;
  if (node.type === 'file') return { type: 'file', attributes: node.attributes, data: node.data };
  const entries = new Map([...node.entries].map(([name, child]) => [name, imageOf(child)]));
  return { type: 'directory', attributes: node.attributes, entries };
}

function inodeOf(image: Image): Inode {
  if (image.type === 'symlink') return { ...image };
  const { attributes } = image;
  if (image.type === 'file') {
    return { type: 'file', attributes, data: image.data, durable: { attributes, data: image.data } };
  }
  const directory = newDirectory(attributes);
  for (const [name, child] of image.entries) {
    const node = inodeOf(child);
    directory.entries.set(name, node);
    directory.durable.entries.set(name, node);
  }
  return directory;
}

export function diskOf(image: Image): ModelDisk {
  const root = inodeOf(image);
  if (root.type !== 'directory') throw new Error('the root of a disk is a directory');
  return new ModelDisk(root);
}
