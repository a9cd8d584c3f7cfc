// What a model disk consists of: inodes, each as a process sees it and as it is on the disk for certain, and the effects
// of system calls that have not reached the disk yet.

export interface Attributes {
  mode: number;
  uid: number;
  gid: number;
}

export interface FileNode {
  readonly type: 'file';
  attributes: Attributes;
  data: Uint8Array;
  durable: { attributes: Attributes; data: Uint8Array };
}

export interface DirectoryNode {
  readonly type: 'directory';
  attributes: Attributes;
  readonly entries: Map<string, Inode>;
  durable: { attributes: Attributes; readonly entries: Map<string, Inode> };
}

export interface SymlinkNode {
  readonly type: 'symlink';
  readonly target: string;
}

export type Inode = FileNode | DirectoryNode | SymlinkNode;

/** One thing that was done and has not reached the disk for certain. */
export type Effect = { readonly waitsFor: Set<Inode> } & (
  | { readonly kind: 'attributes'; readonly node: FileNode | DirectoryNode; readonly attributes: Attributes }
  | { readonly kind: 'append'; readonly node: FileNode; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'link'; readonly node: DirectoryNode; readonly name: string; readonly child: Inode }
  | { readonly kind: 'unlink'; readonly node: DirectoryNode; readonly name: string }
  /** A directory never has two names, nor none, so its move is one effect; a file's is a link and an unlink. */
  | {
      readonly kind: 'move';
      readonly node: DirectoryNode;
      readonly name: string;
      readonly child: Inode;
      readonly from: DirectoryNode;
      readonly fromName: string;
    }
);

export function newDirectory(attributes: Attributes = { mode: 0o700, uid: 0, gid: 0 }): DirectoryNode {
  return { type: 'directory', attributes, entries: new Map(), durable: { attributes, entries: new Map() } };
}

export function appended(data: Uint8Array, offset: number, bytes: Uint8Array): Uint8Array {
  const grown = new Uint8Array(Math.max(data.length, offset + bytes.length));
  grown.set(data);
  grown.set(bytes, offset);
  return grown;
}

/** What was synced. */
export function applyDurably(effect: Effect): void {
  const { node } = effect;
  if (effect.kind === 'attributes') node.durable.attributes = effect.attributes;
  else if (effect.kind === 'append') {
    effect.node.durable.data = appended(effect.node.durable.data, effect.offset, effect.bytes);
  } else applyEntry(effect, (directory) => directory.durable.entries);
}

/** Applies an effect on names to whatever view of the directories is asked for. */
export function applyEntry(
  effect: Effect & { kind: 'link' | 'unlink' | 'move' },
  entriesOf: (directory: DirectoryNode) => Map<string, Inode>,
): void {
  if (effect.kind === 'unlink') return void entriesOf(effect.node).delete(effect.name);
  if (effect.kind === 'move' && entriesOf(effect.from).get(effect.fromName) === effect.child) {
    entriesOf(effect.from).delete(effect.fromName);
  }
  entriesOf(effect.node).set(effect.name, effect.child);
}
