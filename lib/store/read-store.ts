// The store for those who only look: no lock, nothing is changed. A writer may be at work meanwhile, so whatever looks
// wrong or moved between two looks is looked at again; only what stays wrong is reported.

import { setTimeout as pause } from 'node:timers/promises';
import type { StoreFinding, StoreReader } from '../types/store.ts';
import { DRIFTED, type Drift } from './check-volume.ts';
import type { Disk } from './disk.ts';
import { lstatOrAbsent } from './disk.ts';
import { DEFAULT_STATE_DIR } from './layout.ts';
import { realDisk } from './real-disk.ts';
import { Snapshot } from './snapshot.ts';
import { asStoreError } from './store-error.ts';
import { type Survey, survey } from './survey.ts';
import type { TwinFile } from './twin-file.ts';

const LOOKS_MAX = 8;

/** Something wrong must be seen so many times in a row; something well, twice. */
const WRONG_LOOKS_MIN = 3;

/** Longer than a writer takes from one file to the next, on a disk that is not hopeless. */
const PATIENCE_MS = 50;

function twinFindings(twin: Pick<TwinFile<object>, 'faults'> | undefined): StoreFinding[] {
  const action = 'for the agent to put right when it starts';
  // A copy that is behind is what a writer at work looks like; the next writer sees to it.
  const faults = (twin?.faults ?? []).filter(({ kind }) => kind !== 'behind');
  return faults.map(({ path, problem }) => ({ path, problem, action }));
}

function driftFindings(drift: readonly Drift[]): StoreFinding[] {
  const [problem, action] = [DRIFTED, 'put right when the agent starts'];
  return drift.map(({ path }) => ({ path, problem, action }));
}

/** What a survey found wrong, in the words of somebody who may not touch it. */
function findingsOf(found: Survey): StoreFinding[] {
  const findings = [...twinFindings(found.format), ...twinFindings(found.node), ...found.strangers];
  if (!found.format.known && found.workloads.length > 0) {
    findings.push({ path: 'format.json', problem: 'is lost', action: 'read as the current format' });
  }
  findings.push(...driftFindings(found.open));
  for (const { record, revisions, strangers } of found.workloads) {
    findings.push(...twinFindings(record), ...strangers);
    for (const { check } of revisions) {
      if (check.state === 'intact') {
        findings.push(...driftFindings(check.drift));
      } else findings.push({ path: check.path, problem: check.problem, action: 'revision not used' });
    }
  }
  return findings;
}

/** What two looks must agree on to be one state: records, and which revisions there are. */
function outline(found: Survey): string {
  const workloads = found.workloads.map(({ key, record, revisions }) => [
    key,
    record?.body,
    revisions.map(({ revision, check }) => [
      revision,
      check.state === 'intact' ? check.stored.tokens : check,
    ]),
  ]);
  return JSON.stringify([found.node?.body, workloads, findingsOf(found)]);
}

/** Looks until nothing moves any more. Damage stands still, a writer at work does not. */
async function settledSurvey(disk: Disk, root: string, patienceMs: number): Promise<Survey> {
  let found = await survey(disk, root);
  let seen = outline(found);
  for (let looks = 1, agreeing = 1; looks < LOOKS_MAX; looks += 1) {
    const wrong = findingsOf(found).length > 0;
    if (agreeing >= (wrong ? WRONG_LOOKS_MIN : 2)) break;
    if (patienceMs > 0 && (wrong || looks > 1)) await pause(patienceMs);
    found = await survey(disk, root);
    const now = outline(found);
    agreeing = now === seen ? agreeing + 1 : 1;
    seen = now;
  }
  return found;
}

export interface ReadOptions {
  readonly fs?: Disk;
  /** Between two looks when something is wrong or moves. 0 where no writer can be. */
  readonly patienceMs?: number;
}

/** A snapshot of the store as it is now. A directory that does not exist is an empty store. */
export async function readStore(
  stateDir = DEFAULT_STATE_DIR,
  options: ReadOptions = {},
): Promise<StoreReader> {
  const disk = options.fs ?? realDisk;
  try {
    if ((await lstatOrAbsent(disk, stateDir)) === undefined) {
      return { workloads: () => [], node: () => ({}), findings: () => [] };
    }
  } catch (error) {
    throw asStoreError(error, 'read', stateDir);
  }
  const found = await settledSurvey(disk, stateDir, options.patienceMs ?? PATIENCE_MS);
  const snapshot = Snapshot.of(found.workloads);
  const findings = findingsOf(found);
  return {
    workloads: () => snapshot.workloads(),
    node: () => found.node?.body ?? {},
    findings: () => findings,
  };
}
