// The disks that a power cut may leave: every legal choice of what had reached the disk, all of them when they are few,
// otherwise the corners (all, none, all but one, only one) and a seeded sample. Torn writes: nothing, a prefix, the
// length without the bytes, some blocks, everything.

import { fingerprint, type Image } from './image.ts';
import {
  type Attributes,
  appended,
  applyEntry,
  type DirectoryNode,
  type Effect,
  type FileNode,
  type Inode,
} from './inodes.ts';
import type { ModelDisk } from './model-disk.ts';

export type Random = () => number;

/** mulberry32: small, and the same on every machine. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TORN_BLOCK_BYTES = 64;

function torn(bytes: Uint8Array, choice: number): Uint8Array {
  if (choice === 1) return bytes;
  if (choice === 2) return bytes.slice(0, Math.floor(bytes.length / 2));
  const holes = new Uint8Array(bytes.length);
  if (choice === 3) return holes;
  for (let start = TORN_BLOCK_BYTES; start < bytes.length; start += 2 * TORN_BLOCK_BYTES) {
    holes.set(bytes.subarray(start, start + TORN_BLOCK_BYTES), start);
  }
  return holes;
}

const choicesOf = (effect: Effect): number => (effect.kind === 'append' ? 5 : 2);

/** The disk when of each effect the given choice (0: not at all, 1: whole, more: torn) has reached it. */
function imageAfter(
  root: DirectoryNode,
  effects: readonly Effect[],
  choices: readonly number[],
  still: ReadonlyMap<Inode, Image>,
): Image {
  const entries = new Map<DirectoryNode, Map<string, Inode>>();
  const attributes = new Map<Inode, Attributes>();
  const data = new Map<FileNode, Uint8Array>();
  const entriesOf = (directory: DirectoryNode): Map<string, Inode> => {
    const found = entries.get(directory) ?? new Map(directory.durable.entries);
    entries.set(directory, found);
    return found;
  };
  effects.forEach((effect, index) => {
    const choice = choices[index] ?? 0;
    if (choice === 0) return;
    if (effect.kind === 'attributes') attributes.set(effect.node, effect.attributes);
    else if (effect.kind === 'append') {
      const { node, offset, bytes } = effect;
      data.set(node, appended(data.get(node) ?? node.durable.data, offset, torn(bytes, choice)));
    } else applyEntry(effect, entriesOf);
  });
  const build = (node: Inode): Image => {
    const unchanged = still.get(node);
    if (unchanged !== undefined) return unchanged;
    if (node.type === 'symlink') return node;
    const own = attributes.get(node) ?? node.durable.attributes;
    if (node.type === 'file')
      return { type: 'file', attributes: own, data: data.get(node) ?? node.durable.data };
    const children = entries.get(node) ?? node.durable.entries;
    return {
      type: 'directory',
      attributes: own,
      entries: new Map([...children].map(([k, v]) => [k, build(v)])),
    };
  };
  return build(root);
}

/** Effects that could show after the cut: what hangs on nothing on the disk or on its way there is of no interest. */
function visibleEffects(disk: ModelDisk): Effect[] {
  const reached = new Set<Inode>();
  const visit = (node: Inode): void => {
    if (reached.has(node)) return;
    reached.add(node);
    if (node.type === 'directory') for (const child of node.durable.entries.values()) visit(child);
    for (const effect of disk.pending) {
      if ((effect.kind === 'link' || effect.kind === 'move') && effect.node === node) visit(effect.child);
    }
  };
  visit(disk.root);
  return disk.pending.filter((effect) => reached.has(effect.node));
}

/** The parts of the tree that no effect touches: the same in every image of this cut. */
function stillParts(root: DirectoryNode, effects: readonly Effect[]): Map<Inode, Image> {
  const moving = new Set<Inode>();
  for (const effect of effects) {
    moving.add(effect.node);
    if (effect.kind === 'move') moving.add(effect.from);
  }
  const still = new Map<Inode, Image>();
  const visit = (node: Inode): Image | undefined => {
    const known = still.get(node);
    if (known !== undefined) return known;
    let image: Image | undefined = node.type === 'symlink' ? node : undefined;
    if (node.type === 'file' && !moving.has(node)) image = { type: 'file', ...node.durable };
    if (node.type === 'directory') {
      const children = [...node.durable.entries].map(([name, child]) => [name, visit(child)] as const);
      const all = children.every((child): child is [string, Image] => child[1] !== undefined);
      if (all && !moving.has(node)) {
        image = { type: 'directory', attributes: node.durable.attributes, entries: new Map(children) };
      }
    }
    if (image !== undefined) still.set(node, image);
    return image;
  };
  visit(root);
  // What is on its way to a name, too.
  for (const effect of effects) if (effect.kind === 'link' || effect.kind === 'move') visit(effect.child);
  return still;
}

export interface CutOptions {
  /** Up to so many combinations all are taken. */
  readonly exhaustiveMax: number;
  /** Otherwise so many at random, besides the corners. */
  readonly samples: number;
  readonly random: Random;
}

function* combinations(effects: readonly Effect[], options: CutOptions): Generator<number[]> {
  const total = effects.reduce((product, effect) => product * choicesOf(effect), 1);
  if (total <= options.exhaustiveMax) {
    for (let number = 0; number < total; number += 1) {
      let rest = number;
      yield effects.map((effect) => {
        const choice = rest % choicesOf(effect);
        rest = Math.floor(rest / choicesOf(effect));
        return choice;
      });
    }
    return;
  }
  yield effects.map(() => 0);
  yield effects.map(() => 1);
  for (const [one, effect] of effects.entries()) {
    for (let choice = 0; choice < choicesOf(effect); choice += 1) {
      if (choice !== 1) yield effects.map((_, index) => (index === one ? choice : 1));
      if (choice !== 0) yield effects.map((_, index) => (index === one ? choice : 0));
    }
  }
  for (let sample = 0; sample < options.samples; sample += 1) {
    const reach = options.random();
    yield effects.map((effect) =>
      options.random() < reach ? 1 + Math.floor(options.random() * (choicesOf(effect) - 1)) : 0,
    );
  }
}

/** The different disks the power cut may leave now, by their fingerprint; `known` ones are left out. */
export function cut(disk: ModelDisk, options: CutOptions, known: Set<number>): Image[] {
  const effects = visibleEffects(disk);
  const still = stillParts(disk.root, effects);
  const found: Image[] = [];
  for (const choices of combinations(effects, options)) {
    const image = imageAfter(disk.root, effects, choices, still);
    const number = fingerprint(image);
    if (known.has(number)) continue;
    known.add(number);
    found.push(image);
  }
  return found;
}
