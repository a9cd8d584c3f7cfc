// A small sealed file kept twice, so that the rot of either costs nothing: which revision is proven must be known after
// any single damage. The first is the truth; the copy follows it, so a cut between the two leaves the copy one older.

import { basename } from 'node:path';
import { type Disk, errnoOf } from './disk.ts';
import { SEALED_BYTES_MAX, type SealedKind, seal, unseal } from './sealed.ts';
import { PRIVATE_FILE, writeDurable } from './write-durable.ts';

export interface TwinFault {
  readonly path: string;
  /** `damaged`: for the quarantine. `unreadable`: the disk would not say, which is no proof of damage. */
  readonly kind: 'missing' | 'behind' | 'damaged' | 'unreadable';
  readonly problem: string;
}

export interface TwinFile<T> {
  /** Undefined when neither of the two is intact. */
  readonly body: T | undefined;
  readonly faults: readonly TwinFault[];
}

type Half<T> = { readonly body: T; readonly content: Uint8Array } | { readonly fault: TwinFault };

export function copyOf(path: string): string {
  return path.replace(/\.json$/, '.copy.json');
}

/** `twin`: the other one, which is given back where it is intact and has the same bytes. */
async function readHalf<T extends object>(
  disk: Disk,
  kind: SealedKind,
  of: string,
  path: string,
  twin?: Half<T>,
): Promise<Half<T>> {
  try {
    const content = await disk.readFile(path, SEALED_BYTES_MAX);
    if (twin !== undefined && 'body' in twin && Buffer.compare(twin.content, content) === 0) return twin;
    const unsealed = unseal<T>(kind, of, content);
    if (unsealed.intact) return { body: unsealed.body, content };
    return { fault: { path, kind: 'damaged', problem: unsealed.problem } };
  } catch (error) {
    return { fault: faultOf(path, errnoOf(error)) };
  }
}

function faultOf(path: string, code: string): TwinFault {
  if (code === 'ENOENT') return { path, kind: 'missing', problem: 'is missing' };
  if (code === 'ELOOP') return { path, kind: 'damaged', problem: 'is a symlink' };
  if (code === 'EINVAL' || code === 'EFBIG' || code === 'ENXIO') {
    return { path, kind: 'damaged', problem: 'is not a file of the store' };
  }
  return { path, kind: 'unreadable', problem: `cannot be read (${code})` };
}

/** Undefined when there is neither file. Never throws for what is on the disk. */
export async function readTwin<T extends object>(
  disk: Disk,
  kind: SealedKind,
  of: string,
  path: string,
): Promise<TwinFile<T> | undefined> {
  const first = await readHalf<T>(disk, kind, of, path);
  const copy = await readHalf<T>(disk, kind, of, copyOf(path), first);
  if ('body' in first) {
    if ('fault' in copy) return { body: first.body, faults: [copy.fault] };
    if (copy === first) return { body: first.body, faults: [] };
    const problem = `is older than ${basename(path)}: the power went between the two`;
    return { body: first.body, faults: [{ path: copyOf(path), kind: 'behind', problem }] };
  }
  if ('body' in copy) return { body: copy.body, faults: [first.fault] };
  const faults = [first.fault, copy.fault];
  if (faults.every((fault) => fault.kind === 'missing')) return undefined;
  return { body: undefined, faults };
}

/** Replaces both, the first before the copy. What is read is the new one from the first rename on. */
export async function writeTwin(
  disk: Disk,
  kind: SealedKind,
  of: string,
  path: string,
  body: object,
): Promise<void> {
  const text = seal(kind, of, body);
  await writeDurable(path, text, PRIVATE_FILE, disk);
  await writeDurable(copyOf(path), text, PRIVATE_FILE, disk);
}
