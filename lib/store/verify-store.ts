// What `agent verify` says: everything in the store checked, read-only, without the lock, also while the agent runs.
// Intact means more than good checksums: what a record counts on must be there.

import { relative } from 'node:path';
import type { RevisionId } from '../types/checkpoint.ts';
import type { StoredWorkload, StoreFinding } from '../types/store.ts';
import { lstatOrAbsent } from './disk.ts';
import { recordFile, revisionDir } from './layout.ts';
import { quarantined } from './quarantine.ts';
import { readStore } from './read-store.ts';
import { realDisk } from './real-disk.ts';
import { StoreError } from './store-error.ts';

export interface VerifyReport {
  readonly stateDir: string;
  readonly intact: boolean;
  readonly workloads: readonly {
    readonly workload: string;
    readonly proven: RevisionId | undefined;
    readonly revisions: readonly RevisionId[];
    readonly bytes: number;
  }[];
  readonly findings: readonly StoreFinding[];
  /** What earlier openings put away, relative to the state directory. Not used, so no fault of now. */
  readonly quarantined: readonly string[];
}

function missing(stateDir: string, workload: StoredWorkload): StoreFinding[] {
  const { key, record, revisions } = workload;
  if (record === undefined) {
    const action = 'the newest revision is used when nothing else is known';
    return [{ path: recordFile(stateDir, key), problem: 'there is no intact record', action }];
  }
  const there = new Set(revisions.map((each) => each.revision));
  const named: readonly (readonly [string, RevisionId | undefined])[] = [
    ['proven', record.proven?.revision],
    ['previous', record.previous],
    ['candidate', record.candidate],
  ];
  return named.flatMap(([role, revision]) => {
    if (revision === undefined || there.has(revision)) return [];
    const path = revisionDir(stateDir, key, revision);
    return [
      { path, problem: `the ${role} revision is missing or not intact`, action: 'another one is used' },
    ];
  });
}

/** Throws a StoreError when there is no store, or none that this agent can read. */
export async function verifyStore(stateDir: string): Promise<VerifyReport> {
  if ((await lstatOrAbsent(realDisk, stateDir)) === undefined) {
    throw new StoreError('verify', stateDir, '', 'there is no such directory: is --state-dir right?');
  }
  const store = await readStore(stateDir);
  const workloads = store.workloads();
  const findings = [...store.findings(), ...workloads.flatMap((workload) => missing(stateDir, workload))];
  return {
    stateDir,
    intact: findings.length === 0,
    workloads: workloads.map(({ key, record, revisions }) => ({
      workload: key,
      proven: record?.proven?.revision,
      revisions: revisions.map((each) => each.revision),
      bytes: revisions.reduce((sum, each) => sum + each.bytes, 0),
    })),
    findings,
    quarantined: (await quarantined(realDisk, stateDir)).map(({ path }) => relative(stateDir, path)),
  };
}
