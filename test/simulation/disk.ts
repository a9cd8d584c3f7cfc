// The node's disk in the simulation: the model that forgets what was not synced, as one process of the agent sees it.
// What always holds: a process that has died makes no further call, and no secret byte is written but to material.

import type { Disk, FileStat, FreeSpace, NewFile } from '../../lib/store/disk.ts';
import {
  appended,
  applyEntry,
  type DirectoryNode,
  type Effect,
  type Inode,
  newDirectory,
} from '../crash/inodes.ts';
import type { ModelDisk } from '../crash/model-disk.ts';
import type { Random } from '../world/random.ts';
import type { Gate } from './gate.ts';

export const STATE_DIR = '/var/lib/checkpoint-agent';
export const STATIC_POD_DIR = '/etc/kubernetes/manifests';

/** What the rest of the simulation wants to know of the agent's writes. */
export interface DiskWatcher {
  /** A name in the static pod directory was created, renamed into, written or removed. */
  staticPodChanged(name: string): void;
  written(path: string, bytes: Uint8Array): void;
  /** How long an fsync takes now. */
  fsyncMs(): number;
}

export class ProcessDisk implements Disk {
  readonly setsOwners = true;
  private readonly disk: ModelDisk;
  private readonly gate: Gate;
  private readonly watcher: DiskWatcher;

  constructor(disk: ModelDisk, gate: Gate, watcher: DiskWatcher) {
    this.disk = disk;
    this.gate = gate;
    this.watcher = watcher;
  }

  lstat(path: string): Promise<FileStat> {
    return this.gate.io('lstat', () => this.disk.lstat(path));
  }

  readdir(path: string): Promise<string[]> {
    return this.gate.io('readdir', () => this.disk.readdir(path));
  }

  readlink(path: string): Promise<string> {
    return this.gate.io('readlink', () => this.disk.readlink(path));
  }

  readFile(path: string, bytesMax: number): Promise<Uint8Array> {
    return this.gate.io('readFile', () => this.disk.readFile(path, bytesMax));
  }

  async create(path: string): Promise<NewFile> {
    const { gate, watcher } = this;
    const file = await gate.io('create', () => this.disk.create(path));
    this.tell(path);
    return {
      write: (bytes) => {
        watcher.written(path, bytes);
        return gate.io('write', () => file.write(bytes));
      },
      chown: (uid, gid) => gate.io('fchown', () => file.chown(uid, gid)),
      chmod: (mode) => gate.io('fchmod', () => file.chmod(mode)),
      fsync: () => this.sync(() => file.fsync()),
      close: () => file.close(),
    };
  }

  mkdir(path: string): Promise<void> {
    return this.gate.io('mkdir', () => this.disk.mkdir(path));
  }

  symlink(target: string, path: string): Promise<void> {
    return this.gate.io('symlink', () => this.disk.symlink(target, path));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.gate.io('rename', async () => {
      await this.disk.rename(from, to);
      this.tell(to);
    });
  }

  async unlink(path: string): Promise<void> {
    await this.gate.io('unlink', async () => {
      await this.disk.unlink(path);
      this.tell(path);
    });
  }

  /** unlink(2) without a wait: done when it returns. */
  unlinkNow(path: string): void {
    if (!this.gate.enter('unlinkNow')) return;
    // The model does its work before its first await.
    this.disk.unlink(path).catch(() => undefined);
    this.tell(path);
  }

  rmdir(path: string): Promise<void> {
    return this.gate.io('rmdir', () => this.disk.rmdir(path));
  }

  chmod(path: string, mode: number): Promise<void> {
    return this.gate.io('chmod', () => this.disk.chmod(path, mode));
  }

  chown(path: string, uid: number, gid: number): Promise<void> {
    return this.gate.io('chown', () => this.disk.chown(path, uid, gid));
  }

  fsyncDirectory(path: string): Promise<void> {
    return this.sync(() => this.disk.fsyncDirectory(path));
  }

  freeSpace(path: string): Promise<FreeSpace> {
    return this.gate.io('statfs', () => this.disk.freeSpace(path));
  }

  private async sync(call: () => Promise<void>): Promise<void> {
    const slow = this.watcher.fsyncMs();
    if (slow > 0) await this.gate.pause(slow);
    await this.gate.io('fsync', call);
  }

  private tell(path: string): void {
    if (path.startsWith(`${STATIC_POD_DIR}/`)) {
      this.watcher.staticPodChanged(path.slice(STATIC_POD_DIR.length + 1));
    }
  }
}

/** The power goes: of what was not synced, each part reached the disk, or did not, or a piece of it. */
export function losePower(disk: ModelDisk, random: Random): void {
  const reach = random.next();
  for (const effect of disk.pending) {
    if (random.next() < reach) reachDisk(effect, random);
  }
  disk.pending.length = 0;
  forget(disk.root, new Set());
  disk.namesWent();
}

function reachDisk(effect: Effect, random: Random): void {
  if (effect.kind === 'attributes') {
    effect.node.durable.attributes = effect.attributes;
  } else if (effect.kind === 'append') {
    const { node, offset, bytes } = effect;
    const torn = random.next() < 0.5 ? bytes : bytes.slice(0, Math.floor(random.next() * bytes.length));
    node.durable.data = appended(node.durable.data, offset, torn);
  } else {
    applyEntry(effect, (directory) => directory.durable.entries);
  }
}

function forget(node: Inode, seen: Set<Inode>): void {
  if (node.type === 'symlink' || seen.has(node)) return;
  seen.add(node);
  node.attributes = node.durable.attributes;
  if (node.type === 'file') {
    node.data = node.durable.data;
    return;
  }
  node.entries.clear();
  for (const [name, child] of node.durable.entries) {
    node.entries.set(name, child);
    forget(child, seen);
  }
}

/** What is at a path, to look at it from outside: symlinks in it are followed. */
export function nodeAt(disk: ModelDisk, path: string): Inode | undefined {
  let node: Inode | undefined = disk.root;
  for (const name of path.split('/')) {
    if (name === '') continue;
    if (node?.type !== 'directory') return undefined;
    let child: Inode | undefined = node.entries.get(name);
    if (child?.type === 'symlink') child = node.entries.get(child.target.split('/')[0] ?? '');
    node = child;
  }
  return node;
}

/** Files that are none of ours, where ours are, too: the kubelet reads some of them. */
export const FOREIGN_FILES: Readonly<Record<string, string>> = {
  'node-exporter.json': JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'node-exporter', uid: 'foreign-1' },
    spec: { containers: [{ name: 'main', image: 'registry.example/node-exporter:v1' }] },
  }),
  '.checkpoint-agent_kube-system_etcd.json.swp': 'an editor was here',
};

/** The host as it is before the agent comes: directories, and other people's files. */
export function hostFilesOn(disk: ModelDisk): void {
  const make = (parent: DirectoryNode, name: string): DirectoryNode => {
    const made = newDirectory({ mode: 0o755, uid: 0, gid: 0 });
    for (const entries of [parent.entries, parent.durable.entries]) entries.set(name, made);
    return made;
  };
  const manifests = make(make(make(disk.root, 'etc'), 'kubernetes'), 'manifests');
  make(make(disk.root, 'var'), 'lib');
  for (const [name, text] of Object.entries(FOREIGN_FILES)) {
    const state = { attributes: { mode: 0o644, uid: 0, gid: 0 }, data: new TextEncoder().encode(text) };
    const file: Inode = { type: 'file', ...state, durable: { ...state } };
    for (const entries of [manifests.entries, manifests.durable.entries]) entries.set(name, file);
  }
}
