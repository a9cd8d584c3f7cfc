// The version of the layout. A newer one is refused before anything is touched; a directory without one is taken over
// when it is new, and read as version 1 when only this file was lost (every other file carries its own checksum).

import type { Disk } from './disk.ts';
import { formatFile } from './layout.ts';
import { StoreError } from './store-error.ts';
import { readTwin, type TwinFault, writeTwin } from './twin-file.ts';

export const FORMAT_VERSION = 1;
export const FORMAT_OWNER = 'checkpoint-agent state directory';

interface Format {
  readonly version: number;
}

export interface FormatState {
  /** False when the file has to be written. */
  readonly known: boolean;
  readonly faults: readonly TwinFault[];
}

/** Throws when a newer agent has written this directory. */
export async function readFormat(disk: Disk, root: string): Promise<FormatState> {
  const twin = await readTwin<Format>(disk, 'format', FORMAT_OWNER, formatFile(root));
  if (twin === undefined) return { known: false, faults: [] };
  const version = twin.body?.version ?? FORMAT_VERSION;
  if (version > FORMAT_VERSION) {
    const remedy = `it has format ${version}, this agent knows up to ${FORMAT_VERSION}: run the newer agent; nothing was changed`;
    throw new StoreError('use', formatFile(root), '', remedy);
  }
  return { known: twin.body !== undefined, faults: twin.faults };
}

export async function writeFormat(disk: Disk, root: string): Promise<void> {
  await writeTwin(disk, 'format', FORMAT_OWNER, formatFile(root), { version: FORMAT_VERSION });
}
