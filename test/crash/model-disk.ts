// A disk in memory with the promises POSIX makes and no others: what was written, renamed, created or removed reaches
// the disk only when its file or directory is fsynced, and before that in any order, or not at all, or torn. At every
// system call the possible disks after a power cut can be asked for (power-cut.ts).

import type { Disk, FileStat, FreeSpace, NewFile } from '../../lib/store/disk.ts';
import {
  type Attributes,
  appended,
  applyDurably,
  type DirectoryNode,
  type Effect,
  type FileNode,
  type Inode,
  newDirectory,
} from './inodes.ts';

export function errno(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}

export type SystemCall = { readonly name: string; readonly path: string; readonly writes: boolean };

export class ModelDisk implements Disk {
  readonly setsOwners = true;
  readonly root: DirectoryNode;
  /** In the order in which they were done. */
  readonly pending: Effect[] = [];
  /** Called before each system call; may throw in its place. */
  onCall: (call: SystemCall) => void = () => undefined;
  /** Says of a call of fsync that it is to do nothing: a bug put in on purpose. */
  ignoresFsync: (path: string) => boolean = () => false;
  /** What was found at a path, for as long as nothing is taken away from there: the same few are asked for a million times. */
  private readonly found = new Map<string, Inode>();

  constructor(root: DirectoryNode = newDirectory()) {
    this.root = root;
  }

  async lstat(path: string): Promise<FileStat> {
    this.onCall({ name: 'lstat', path, writes: false });
    const node = this.find(path);
    if (node.type === 'symlink')
      return { type: 'symlink', mode: 0o777, uid: 0, gid: 0, size: node.target.length };
    return { type: node.type, ...node.attributes, size: node.type === 'file' ? node.data.length : 0 };
  }

  async readdir(path: string): Promise<string[]> {
    this.onCall({ name: 'readdir', path, writes: false });
    return [...this.directory(path).entries.keys()].sort();
  }

  async readlink(path: string): Promise<string> {
    this.onCall({ name: 'readlink', path, writes: false });
    const node = this.find(path);
    if (node.type !== 'symlink') throw errno('EINVAL', path);
    return node.target;
  }

  async readFile(path: string, bytesMax: number): Promise<Uint8Array> {
    this.onCall({ name: 'readFile', path, writes: false });
    const node = this.find(path);
    if (node.type === 'symlink') throw errno('ELOOP', path);
    if (node.type === 'directory') throw errno('EINVAL', path);
    if (node.data.length > bytesMax) throw errno('EFBIG', path);
    return node.data;
  }

  async create(path: string): Promise<NewFile> {
    this.onCall({ name: 'create', path, writes: true });
    const attributes = { mode: 0o600, uid: 0, gid: 0 };
    const empty = new Uint8Array();
    const node: FileNode = { type: 'file', attributes, data: empty, durable: { attributes, data: empty } };
    this.link(path, node);
    return {
      write: async (bytes) => {
        this.onCall({ name: 'write', path, writes: true });
        const offset = node.data.length;
        node.data = appended(node.data, offset, bytes);
        this.pending.push({ kind: 'append', node, offset, bytes: bytes.slice(), waitsFor: new Set([node]) });
        return bytes.length;
      },
      chown: async (uid, gid) => this.setAttributes('fchown', path, node, { ...node.attributes, uid, gid }),
      chmod: async (mode) => this.setAttributes('fchmod', path, node, { ...node.attributes, mode }),
      fsync: async () => this.fsync(path, node),
      close: async () => undefined,
    };
  }

  async mkdir(path: string): Promise<void> {
    this.onCall({ name: 'mkdir', path, writes: true });
    this.link(path, newDirectory());
  }

  async symlink(target: string, path: string): Promise<void> {
    this.onCall({ name: 'symlink', path, writes: true });
    this.link(path, { type: 'symlink', target });
  }

  async rename(from: string, to: string): Promise<void> {
    this.onCall({ name: 'rename', path: to, writes: true });
    const [source, fromName] = this.parent(from);
    const [target, name] = this.parent(to);
    const child = this.find(from);
    const existing = target.entries.get(name);
    if (existing?.type === 'directory' && existing.entries.size > 0) throw errno('ENOTEMPTY', to);
    if (existing !== undefined && (existing.type === 'directory') !== (child.type === 'directory')) {
      throw errno(existing.type === 'directory' ? 'EISDIR' : 'ENOTDIR', to);
    }
    source.entries.delete(fromName);
    target.entries.set(name, child);
    this.found.delete(from);
    this.found.delete(to);
    if (child.type === 'directory') {
      this.namesWent();
      const waitsFor = new Set<Inode>([source, target]);
      this.pending.push({ kind: 'move', node: target, name, child, from: source, fromName, waitsFor });
      return;
    }
    this.pending.push({ kind: 'link', node: target, name, child, waitsFor: new Set([target]) });
    this.pending.push({ kind: 'unlink', node: source, name: fromName, waitsFor: new Set([source]) });
  }

  async unlink(path: string): Promise<void> {
    this.onCall({ name: 'unlink', path, writes: true });
    if (this.find(path).type === 'directory') throw errno('EISDIR', path);
    this.remove(path);
  }

  async rmdir(path: string): Promise<void> {
    this.onCall({ name: 'rmdir', path, writes: true });
    if (this.directory(path).entries.size > 0) throw errno('ENOTEMPTY', path);
    this.remove(path);
  }

  async chmod(path: string, mode: number): Promise<void> {
    const node = this.find(path);
    if (node.type === 'symlink') throw errno('ELOOP', path);
    this.setAttributes('chmod', path, node, { ...node.attributes, mode });
  }

  async chown(path: string, uid: number, gid: number): Promise<void> {
    const node = this.find(path);
    // The owner of a symlink is not modelled: nothing goes by it.
    if (node.type === 'symlink') return this.onCall({ name: 'chown', path, writes: true });
    this.setAttributes('chown', path, node, { ...node.attributes, uid, gid });
  }

  async fsyncDirectory(path: string): Promise<void> {
    this.fsync(path, this.directory(path));
  }

  async freeSpace(path: string): Promise<FreeSpace> {
    this.onCall({ name: 'statfs', path, writes: false });
    return { bytes: 2 ** 40, inodes: undefined };
  }

  private fsync(path: string, node: Inode): void {
    this.onCall({ name: 'fsync', path, writes: true });
    if (this.ignoresFsync(path)) return;
    for (const effect of [...this.pending]) {
      if (!effect.waitsFor.delete(node) || effect.waitsFor.size > 0) continue;
      this.pending.splice(this.pending.indexOf(effect), 1);
      applyDurably(effect);
    }
  }

  private setAttributes(
    name: string,
    path: string,
    node: FileNode | DirectoryNode,
    attributes: Attributes,
  ): void {
    this.onCall({ name, path, writes: true });
    node.attributes = attributes;
    this.pending.push({ kind: 'attributes', node, attributes, waitsFor: new Set([node]) });
  }

  private link(path: string, child: Inode): void {
    const [node, name] = this.parent(path);
    if (node.entries.has(name)) throw errno('EEXIST', path);
    node.entries.set(name, child);
    this.pending.push({ kind: 'link', node, name, child, waitsFor: new Set([node]) });
  }

  private remove(path: string): void {
    const [node, name] = this.parent(path);
    node.entries.delete(name);
    this.found.delete(path);
    this.pending.push({ kind: 'unlink', node, name, waitsFor: new Set([node]) });
  }

  /** Names were taken away, nobody says which. */
  namesWent(): void {
    this.found.clear();
  }

  private find(path: string): Inode {
    const known = this.found.get(path);
    if (known !== undefined) return known;
    let node: Inode = this.root;
    for (const name of path.split('/')) {
      if (name === '') continue;
      // Strict: the store never goes through a symlink.
      if (node.type !== 'directory') throw errno(node.type === 'symlink' ? 'ELOOP' : 'ENOTDIR', path);
      const child: Inode | undefined = node.entries.get(name);
      if (child === undefined) throw errno('ENOENT', path);
      node = child;
    }
    this.found.set(path, node);
    return node;
  }

  private directory(path: string): DirectoryNode {
    const node = this.find(path);
    if (node.type !== 'directory') throw errno('ENOTDIR', path);
    return node;
  }

  private parent(path: string): [DirectoryNode, string] {
    const slash = path.lastIndexOf('/');
    return [this.directory(path.slice(0, slash)), path.slice(slash + 1)];
  }
}
