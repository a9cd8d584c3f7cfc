// What the writer does at opening about what the survey found: damaged things go into quarantine, second copies and
// modes are put right, leftovers of a crash go. A disk that refuses (read-only, full) must not stop the opening: a
// recovery needs only to read. Every step is reported, done or not.

import { relative } from 'node:path';
import type { StoreFinding } from '../types/store.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { DRIFTED, type Drift } from './check-volume.ts';
import { type Disk, errnoOf, lstatOrAbsent } from './disk.ts';
import { FORMAT_OWNER, writeFormat } from './format.ts';
import { formatFile, nodeFile, recordFile } from './layout.ts';
import { holdsOnlyOurs, openDirectories } from './private-directories.ts';
import { quarantine } from './quarantine.ts';
import type { SealedKind } from './sealed.ts';
import { NODE_OWNER, type Survey, type SurveyedRevision } from './survey.ts';
import { type TwinFile, writeTwin } from './twin-file.ts';
import type { FileAttributes } from './write-durable.ts';

export type Report = (finding: StoreFinding) => void;

async function attempt(
  report: Report,
  path: string,
  problem: string,
  act: () => Promise<string>,
): Promise<void> {
  try {
    report({ path, problem, action: await act() });
  } catch (error) {
    const why = errnoOf(error) || String(error);
    report({ path, problem, action: `not used; it could not be put right (${why})` });
  }
}

async function moveAway(
  disk: Disk,
  root: string,
  key: WorkloadKey | undefined,
  path: string,
): Promise<string> {
  return `moved to ${relative(root, await quarantine(disk, root, key, path))}`;
}

interface TwinPlace {
  readonly kind: SealedKind;
  readonly of: string;
  readonly path: string;
  readonly key: WorkloadKey | undefined;
}

async function recoverTwin(
  disk: Disk,
  root: string,
  twin: TwinFile<object> | undefined,
  place: TwinPlace,
  report: Report,
): Promise<void> {
  if (twin === undefined || twin.faults.length === 0) return;
  for (const { path, kind, problem } of twin.faults) {
    await attempt(report, path, problem, async () => {
      if (kind === 'damaged') return await moveAway(disk, root, place.key, path);
      return twin.body === undefined ? 'not used' : 'written again from the other copy';
    });
  }
  if (twin.body === undefined) return;
  const body = twin.body;
  await writeTwin(disk, place.kind, place.of, place.path, body).catch((error: unknown) => {
    report({
      path: place.path,
      problem: 'has one intact copy only',
      action: `could not be written again (${errnoOf(error)})`,
    });
  });
}

export async function repairDrift(disk: Disk, drift: readonly Drift[], report: Report): Promise<void> {
  for (const { path, wanted } of drift) {
    await attempt(report, path, DRIFTED, async () => {
      await setAttributes(disk, path, wanted);
      return 'put right';
    });
  }
}

/** The owner first: chown(2) clears setuid and setgid bits. */
async function setAttributes(disk: Disk, path: string, { mode, uid, gid }: FileAttributes): Promise<void> {
  await disk.chown(path, uid, gid);
  await disk.chmod(path, mode);
}

/** Moves a damaged revision away; one that cannot be read is left. Nothing to do for an intact one but its modes. */
export async function recoverRevision(
  disk: Disk,
  root: string,
  key: WorkloadKey,
  { directory, check }: SurveyedRevision,
  report: Report,
): Promise<void> {
  if (check.state === 'intact') return await repairDrift(disk, check.drift, report);
  const { path, problem } = check;
  if (check.state === 'unreadable')
    return report({ path, problem, action: 'revision not used, left where it is' });
  const there = await lstatOrAbsent(disk, directory).catch(() => 'unknown');
  if (there === undefined)
    return report({ path: directory, problem: 'is missing', action: 'revision not used' });
  await attempt(report, path, problem, async () => `revision ${await moveAway(disk, root, key, directory)}`);
}

/** A directory that the kubelet made for a hostPath is open to everybody. */
async function begin(disk: Disk, root: string, version: number): Promise<void> {
  if (await holdsOnlyOurs(disk, root)) {
    for (const { path, wanted } of await openDirectories(disk, [root]))
      await setAttributes(disk, path, wanted);
  }
  await writeFormat(disk, root, version);
}

/** Throws only when a new directory cannot be given its format file. */
export async function recover(disk: Disk, root: string, found: Survey, report: Report): Promise<void> {
  const format = { kind: 'format', of: FORMAT_OWNER, path: formatFile(root), key: undefined } as const;
  const isNew = !found.format.known && found.format.faults.length === 0 && found.workloads.length === 0;
  if (isNew) await begin(disk, root, found.format.version);
  else if (found.format.known)
    await recoverTwin(
      disk,
      root,
      { body: { version: found.format.version }, faults: found.format.faults },
      format,
      report,
    );
  else {
    await recoverTwin(disk, root, { body: undefined, faults: found.format.faults }, format, report);
    await attempt(report, format.path, 'is lost', async () => {
      await writeFormat(disk, root, found.format.version);
      return 'written again: every other file carries its own checksum';
    });
  }
  const node = { kind: 'node', of: NODE_OWNER, path: nodeFile(root), key: undefined } as const;
  await recoverTwin(disk, root, found.node, node, report);
  for (const workload of found.workloads) {
    const { key } = workload;
    const place = { kind: 'record', of: key, path: recordFile(root, key), key } as const;
    await recoverTwin(disk, root, workload.record, place, report);
    for (const revision of workload.revisions) await recoverRevision(disk, root, key, revision, report);
  }
  await repairDrift(disk, found.open, report);
  found.strangers.forEach(report);
  for (const workload of found.workloads) workload.strangers.forEach(report);
}
