// The version of the layout, and the way from an older one to ours. A newer one is refused before anything is touched;
// a directory without one is taken over when it is new, and read as ours when only this file was lost (every other file
// carries its own checksum).

import type { Disk } from './disk.ts';
import { formatFile } from './layout.ts';
import { StoreError } from './store-error.ts';
import { readTwin, type TwinFault, writeTwin } from './twin-file.ts';

/**
 * Turns the layout of one version into that of the next. The power may go anywhere in it, and then it is begun anew on
 * what it has left: it must bear that, keep what it replaces until the new is durable, and be durable when it resolves.
 */
export type Migration = (disk: Disk, root: string) => Promise<void>;

/** The first leads from version 1 to 2, and so on. None yet: version 1 is the first there is. */
export const MIGRATIONS: readonly Migration[] = [];

export const FORMAT_OWNER = 'checkpoint-agent state directory';
const FIRST_VERSION = 1;

interface Format {
  readonly version: number;
}

export interface FormatState {
  readonly version: number;
  /** False when the file has to be written. */
  readonly known: boolean;
  readonly faults: readonly TwinFault[];
}

export function currentVersion(migrations: readonly Migration[] = MIGRATIONS): number {
  return FIRST_VERSION + migrations.length;
}

function refusal(root: string, remedy: string): StoreError {
  return new StoreError('use', formatFile(root), '', `${remedy}; nothing was changed`);
}

/** Throws when a newer agent has written this directory. */
export async function readFormat(disk: Disk, root: string, current = currentVersion()): Promise<FormatState> {
  const twin = await readTwin<Format>(disk, 'format', FORMAT_OWNER, formatFile(root));
  const version = twin?.body?.version ?? current;
  if (version > current) {
    throw refusal(root, `it has format ${version}, this agent knows up to ${current}: run the newer agent`);
  }
  return { version, known: twin?.body !== undefined, faults: twin?.faults ?? [] };
}

/** For readers, who may not migrate. Throws when an older agent has written this directory. */
export function refuseOlder({ version }: FormatState, root: string, current = currentVersion()): void {
  if (version === current) return;
  throw refusal(root, `it has format ${version}, and becomes format ${current} when this agent starts`);
}

export async function writeFormat(disk: Disk, root: string, version: number): Promise<void> {
  await writeTwin(disk, 'format', FORMAT_OWNER, formatFile(root), { version });
}

/** Brings the directory to our version, one version at a time. Returns the version that it had. */
export async function migrate(disk: Disk, root: string, migrations: readonly Migration[]): Promise<number> {
  const { version } = await readFormat(disk, root, currentVersion(migrations));
  for (const [index, step] of migrations.entries()) {
    if (index + FIRST_VERSION < version) continue;
    await step(disk, root);
    await writeFormat(disk, root, index + FIRST_VERSION + 1);
  }
  return version;
}
