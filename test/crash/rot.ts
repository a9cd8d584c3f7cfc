// Every file under the state directory, one at a time: each byte with a bit turned, cut short, emptied, gone, swapped
// with every other. It must be noticed; nothing of it may be shown; and what was proven, or the one before, stays.

import { openStore } from '../../lib/store/open-store.ts';
import { readStore } from '../../lib/store/read-store.ts';
import type { StoredWorkload, StoreReader } from '../../lib/types/store.ts';
import type { Tally } from './crash-run.ts';
import { STATE } from './fixtures.ts';
import { describe, diskOf, fingerprint, type Image } from './image.ts';
import { ground } from './interruption.ts';
import { CrashError } from './judge.ts';
import type { Random } from './power-cut.ts';

type Path = readonly string[];

function filesBelow(image: Image, path: Path = []): Path[] {
  if (image.type !== 'directory') return [path];
  return [...image.entries].flatMap(([name, child]) => filesBelow(child, [...path, name]));
}

function at(image: Image, path: Path): Image {
  const [name, ...rest] = path;
  if (name === undefined) return image;
  const child = image.type === 'directory' ? image.entries.get(name) : undefined;
  if (child === undefined) throw new Error(`no ${name}`);
  return at(child, rest);
}

/** The image with something else, or nothing, in that place. */
function replaced(image: Image, path: Path, content: Image | undefined): Image {
  const [name, ...rest] = path;
  if (name === undefined || image.type !== 'directory') throw new Error('a path inside a directory');
  const entries = new Map(image.entries);
  const child = rest.length === 0 ? content : replaced(at(image, [name]), rest, content);
  if (child === undefined) entries.delete(name);
  else entries.set(name, child);
  return { ...image, entries };
}

function* rotten(
  found: Image,
  mounted: boolean,
  random: Random,
): Generator<readonly [string, Image | undefined]> {
  yield ['is gone', undefined];
  if (found.type === 'symlink') {
    yield ['points elsewhere', { type: 'symlink', target: '/etc/passwd' }];
    yield ['points to nothing', { type: 'symlink', target: '..999' }];
    return;
  }
  if (found.type !== 'file') return;
  yield ['is a symlink', { type: 'symlink', target: '/etc/passwd' }];
  yield ['is a directory', { type: 'directory', attributes: found.attributes, entries: new Map() }];
  yield ['is empty', { ...found, data: new Uint8Array() }];
  yield ['is cut short', { ...found, data: found.data.slice(0, -1) }];
  yield ['is zeros', { ...found, data: new Uint8Array(found.data.length) }];
  yield ['is longer', { ...found, data: Buffer.concat([found.data, Buffer.from('\n')]) }];
  // The rest stands in directories of root's alone, and is not mounted.
  if (mounted) yield ['has another mode', { ...found, attributes: { ...found.attributes, mode: 0o666 } }];
  for (let byte = 0; byte < found.data.length; byte += 1) {
    const data = found.data.slice();
    data[byte] = (data[byte] ?? 0) ^ (1 << Math.floor(random() * 8));
    yield [`has a bit turned in byte ${byte}`, { ...found, data }];
  }
}

interface Rot {
  readonly what: string;
  readonly image: Image;
  /** A file of each of two revisions: no third one is kept to fall back on. */
  readonly hitsTwoRevisions: boolean;
}

const revisionOf = (path: Path): string | undefined => path[path.indexOf('revisions') + 1 || path.length];

function* oneRotten(image: Image, random: Random): Generator<Rot> {
  const paths = filesBelow(image);
  for (const path of paths) {
    for (const [what, content] of rotten(at(image, path), path.includes('volumes'), random)) {
      yield {
        what: `${path.join('/')} ${what}`,
        image: replaced(image, path, content),
        hitsTwoRevisions: false,
      };
    }
  }
}

function* twoSwapped(image: Image): Generator<Rot> {
  const paths = filesBelow(image);
  for (const [index, first] of paths.entries()) {
    for (const second of paths.slice(index + 1)) {
      const swapped = replaced(replaced(image, first, at(image, second)), second, at(image, first));
      const what = `${first.join('/')} swapped with ${second.join('/')}`;
      const revisions = new Set([revisionOf(first), revisionOf(second)].filter((each) => each !== undefined));
      yield { what, image: swapped, hitsTwoRevisions: revisions.size === 2 };
    }
  }
}

/** What is wrong with what is shown, given what was stored. */
function fault(
  stored: readonly StoredWorkload[],
  reader: StoreReader,
  fallsBack: boolean,
): string | undefined {
  for (const workload of stored) {
    const shown = reader.workloads().find((each) => each.key === workload.key);
    if (shown === undefined) return `${workload.key} is not shown at all`;
    for (const revision of shown.revisions) {
      const original = workload.revisions.find((each) => each.revision === revision.revision);
      if (JSON.stringify(original) !== JSON.stringify(revision))
        return `${revision.revision} is shown changed`;
    }
    if (JSON.stringify(shown.record) !== JSON.stringify(workload.record))
      return `the record of ${workload.key} is lost`;
    const fallback = [workload.record?.proven?.revision, workload.record?.previous].filter(
      (each) => each !== undefined,
    );
    if (
      fallsBack &&
      fallback.length > 0 &&
      !shown.revisions.some((each) => fallback.includes(each.revision))
    ) {
      return `neither the proven revision of ${workload.key} nor the one before is left`;
    }
  }
  return undefined;
}

async function judge(image: Image, original: StoreReader, fallsBack: boolean): Promise<string | undefined> {
  const reader = await readStore(STATE, { fs: diskOf(image), patienceMs: 0 });
  if (reader.findings().length === 0) return 'a reader does not notice it';
  const stored = original.workloads().filter((each) => each.record?.proven !== undefined);
  const asRead = fault(stored, reader, fallsBack);
  if (asRead !== undefined) return `a reader: ${asRead}`;

  const disk = diskOf(image);
  const writer = await openStore(STATE, { fs: disk });
  if (writer.findings().length === 0) return 'the writer does not notice it';
  const asWritten = fault(stored, writer, fallsBack);
  if (asWritten !== undefined) return `the writer: ${asWritten}`;
  const after = (await readStore(STATE, { fs: disk, patienceMs: 0 })).findings();
  return after.length === 0 ? undefined : `it is not put right: ${JSON.stringify(after)}`;
}

async function judgeAll(cases: (image: Image) => Iterable<Rot>, tally: Tally): Promise<void> {
  const image = await ground();
  const original = await readStore(STATE, { fs: diskOf(image), patienceMs: 0 });
  for (const { what, image: changed, hitsTwoRevisions } of cases(image)) {
    if (fingerprint(changed) === fingerprint(image)) continue;
    tally.states += 1;
    const problem = await judge(changed, original, !hitsTwoRevisions);
    if (problem !== undefined) throw new CrashError(`${what}: ${problem}\n${describe(changed)}`);
  }
}

export function rot(random: Random, tally: Tally): Promise<void> {
  return judgeAll((image) => oneRotten(image, random), tally);
}

export function swap(tally: Tally): Promise<void> {
  return judgeAll(twoSwapped, tally);
}
