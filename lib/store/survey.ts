// Looks at everything in the state directory and judges it, changing nothing. The reader shows the result, the writer
// acts on it. What is no name of ours is reported and otherwise left alone; no symlink is entered.

import { join } from 'node:path';
import type { RevisionId } from '../types/checkpoint.ts';
import type { WorkloadRecord } from '../types/memory.ts';
import type { NodeRecord, StoreFinding } from '../types/store.ts';
import { type WorkloadKey, workloadKey } from '../types/workload.ts';
import { checkRevision, type RevisionCheck } from './check-revision.ts';
import type { Drift } from './check-volume.ts';
import { directoryExists } from './directories.ts';
import { type Disk, errnoOf, lstatOrAbsent } from './disk.ts';
import { currentVersion, type FormatState, readFormat, refuseOlder } from './format.ts';
import {
  isNamespace,
  isRevision,
  isWorkloadName,
  nodeFile,
  quarantineDir,
  recordFile,
  revisionsDir,
  workloadDir,
  workloadsDir,
} from './layout.ts';
import { holdsOnlyOurs, openDirectories } from './private-directories.ts';
import { asStoreError } from './store-error.ts';
import { isOurTemporary } from './temporary-name.ts';
import { copyOf, readTwin, type TwinFile } from './twin-file.ts';

export const NODE_OWNER = 'node';

export interface SurveyedRevision {
  readonly revision: RevisionId;
  readonly directory: string;
  readonly check: RevisionCheck;
}

export interface SurveyedWorkload {
  readonly key: WorkloadKey;
  readonly record: TwinFile<WorkloadRecord> | undefined;
  readonly revisions: readonly SurveyedRevision[];
  readonly strangers: readonly StoreFinding[];
}

export interface Survey {
  readonly format: FormatState;
  readonly node: TwinFile<NodeRecord> | undefined;
  readonly workloads: readonly SurveyedWorkload[];
  readonly strangers: readonly StoreFinding[];
  /** Directories on the way to the material that are open to others. */
  readonly open: readonly Drift[];
}

function stranger(path: string): StoreFinding {
  return { path, problem: 'is not a name of the store', action: 'left alone and not used' };
}

function unreadable(path: string, error: unknown): StoreFinding {
  return { path, problem: `cannot be read (${errnoOf(error)})`, action: 'left alone and not used' };
}

/** Directories below `path` with an allowed name; the rest becomes a finding. */
async function children(
  disk: Disk,
  path: string,
  allowed: (name: string) => boolean,
  strangers: StoreFinding[],
): Promise<string[]> {
  const found: string[] = [];
  try {
    for (const name of await disk.readdir(path)) {
      if (isOurTemporary(name)) continue;
      const child = join(path, name);
      if (allowed(name) && (await lstatOrAbsent(disk, child))?.type === 'directory') found.push(name);
      else strangers.push(stranger(child));
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') strangers.push(unreadable(path, error));
  }
  return found;
}

export async function surveyWorkload(disk: Disk, root: string, key: WorkloadKey): Promise<SurveyedWorkload> {
  const strangers: StoreFinding[] = [];
  const record = await readTwin<WorkloadRecord>(disk, 'record', key, recordFile(root, key));
  const ids = await revisionNames(disk, root, key, strangers);
  const revisions = await Promise.all(
    ids.map(async (revision) => {
      const directory = join(revisionsDir(root, key), revision);
      return { revision, directory, check: await checkRevision(disk, directory, key, revision) };
    }),
  );
  return { key, record, revisions, strangers };
}

/** Everything under a revision's name, also what is no directory: that is damage, and the check says so. */
async function revisionNames(
  disk: Disk,
  root: string,
  key: WorkloadKey,
  strangers: StoreFinding[],
): Promise<RevisionId[]> {
  const path = revisionsDir(root, key);
  try {
    // The way to the workload's directory was looked at.
    if (!(await directoryExists(disk, workloadDir(root, key), path))) return [];
    const names = (await disk.readdir(path)).filter((name) => !isOurTemporary(name));
    strangers.push(...names.filter((name) => !isRevision(name)).map((name) => stranger(join(path, name))));
    return names.filter(isRevision);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') strangers.push(unreadable(path, error));
    return [];
  }
}

async function workloadStrangers(disk: Disk, root: string, key: WorkloadKey): Promise<StoreFinding[]> {
  const record = recordFile(root, key);
  const ours = new Set([record, copyOf(record), revisionsDir(root, key)]);
  const directory = join(record, '..');
  const names = await disk.readdir(directory).catch(() => []);
  return names
    .filter((name) => !isOurTemporary(name))
    .map((name) => join(directory, name))
    .filter((path) => !ours.has(path))
    .map(stranger);
}

/** Throws only when the state directory as a whole cannot be read, or is of another format. */
export async function survey(
  disk: Disk,
  root: string,
  version = currentVersion(),
  lookAt: typeof surveyWorkload = surveyWorkload,
): Promise<Survey> {
  try {
    const format = await readFormat(disk, root, version);
    refuseOlder(format, root, version);
    const node = await readTwin<NodeRecord>(disk, 'node', NODE_OWNER, nodeFile(root));
    const strangers: StoreFinding[] = [];
    const top = workloadsDir(root);
    const namespaces = (await directoryExists(disk, root, top))
      ? await children(disk, top, isNamespace, strangers)
      : [];
    const keys: WorkloadKey[] = [];
    for (const namespace of namespaces) {
      const names = await children(disk, join(top, namespace), isWorkloadName, strangers);
      keys.push(...names.map((name) => workloadKey(namespace, name)));
    }
    const workloads = await Promise.all(keys.map((key) => lookAt(disk, root, key)));
    const within = await Promise.all(keys.map((key) => workloadStrangers(disk, root, key)));
    const way = [
      ...(format.known && (await holdsOnlyOurs(disk, root)) ? [root] : []),
      ...[quarantineDir(root), top, ...namespaces.map((namespace) => join(top, namespace))],
      ...keys.flatMap((key) => [workloadDir(root, key), revisionsDir(root, key)]),
    ];
    const open = await openDirectories(disk, way);
    return { format, node, workloads, strangers: [...strangers, ...within.flat()], open };
  } catch (error) {
    throw asStoreError(error, 'read', root);
  }
}
