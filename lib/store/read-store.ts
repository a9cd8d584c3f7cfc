// The store for those who only look: no lock, nothing is changed. A writer may be at work meanwhile, so whatever looks
// wrong or moved between two looks is looked at again; only what stays wrong is reported.

import { resolve } from 'node:path';
import type { StoreFinding, StoreReader } from '../types/store.ts';
import { DRIFTED, type Drift } from './check-volume.ts';
import type { Disk } from './disk.ts';
import { lstatOrAbsent } from './disk.ts';
import { currentVersion } from './format.ts';
import { DEFAULT_STATE_DIR } from './layout.ts';
import { realDisk } from './real-disk.ts';
import { type Seen, settledLook } from './settled-look.ts';
import { Snapshot } from './snapshot.ts';
import { asStoreError } from './store-error.ts';
import { type Survey, type SurveyedWorkload, survey, surveyWorkload } from './survey.ts';
import type { TwinFile } from './twin-file.ts';

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

/** What was found wrong in a workload, in the words of somebody who may not touch it. */
function workloadFindings({ record, revisions, strangers }: SurveyedWorkload): StoreFinding[] {
  const checks = revisions.flatMap(({ check }): StoreFinding[] => {
    if (check.state === 'intact') return driftFindings(check.drift);
    return [{ path: check.path, problem: check.problem, action: 'revision not used' }];
  });
  return [...twinFindings(record), ...strangers, ...checks];
}

/** And in what stands above the workloads. */
function frameFindings({ format, node, strangers, workloads, open }: Survey): StoreFinding[] {
  const findings = [...twinFindings(format), ...twinFindings(node), ...strangers, ...driftFindings(open)];
  if (!format.known && workloads.length > 0) {
    findings.push({ path: 'format.json', problem: 'is lost', action: 'read as the current format' });
  }
  return findings;
}

function judgeWorkload(found: SurveyedWorkload): Seen {
  const revisions = found.revisions.map(({ revision, check }) => [
    revision,
    check.state === 'intact' ? check.stored.tokens : check,
  ]);
  const findings = workloadFindings(found);
  return {
    outline: JSON.stringify([found.record?.body, revisions, findings]),
    wrong: findings.length > 0,
  };
}

/** Record and revisions of a workload are seen together as they were at one time; workloads do not hang together. */
function settledSurvey(disk: Disk, root: string, patienceMs: number): Promise<Survey> {
  const lookAt: typeof surveyWorkload = (...place) =>
    settledLook(() => surveyWorkload(...place), judgeWorkload, patienceMs);
  const look = (): Promise<Survey> => survey(disk, root, currentVersion(), lookAt);
  const judgeFrame = (found: Survey): Seen => {
    const findings = frameFindings(found);
    const keys = found.workloads.map(({ key }) => key);
    return { outline: JSON.stringify([found.node?.body, keys, findings]), wrong: findings.length > 0 };
  };
  return settledLook(look, judgeFrame, patienceMs);
}

export interface ReadOptions {
  readonly fs?: Disk;
  /** Between two looks when something is wrong or moves. 0 where no writer can be. */
  readonly patienceMs?: number;
}

/** A snapshot of the store as it is now. A directory that does not exist is an empty store. */
export async function readStore(
  directory = DEFAULT_STATE_DIR,
  options: ReadOptions = {},
): Promise<StoreReader> {
  const disk = options.fs ?? realDisk;
  const stateDir = resolve(directory);
  try {
    if ((await lstatOrAbsent(disk, stateDir)) === undefined) {
      return { workloads: () => [], node: () => ({}), findings: () => [] };
    }
  } catch (error) {
    throw asStoreError(error, 'read', stateDir);
  }
  const found = await settledSurvey(disk, stateDir, options.patienceMs ?? PATIENCE_MS);
  const snapshot = Snapshot.of(found.workloads);
  const findings = [...frameFindings(found), ...found.workloads.flatMap(workloadFindings)];
  return {
    workloads: () => snapshot.workloads(),
    node: () => found.node?.body ?? {},
    findings: () => findings,
  };
}
