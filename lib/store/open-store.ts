// The store for its one writer. The caller holds flock(2) on `<state>/lock` (lib/agent); nothing here checks that.
// Operations run one after another; each is durable when it resolves and shows before or after when the power goes.

import { dirname, resolve } from 'node:path';
import type { StoreWriter } from '../types/store.ts';
import { type Disk, errnoOf, lstatOrAbsent } from './disk.ts';
import { DiskStore } from './disk-store.ts';
import { Findings, type StoreLog } from './findings.ts';
import { currentVersion, MIGRATIONS, type Migration, migrate } from './format.ts';
import { DEFAULT_STATE_DIR, nodeFile, quarantineDir, workloadsDir } from './layout.ts';
import { realDisk } from './real-disk.ts';
import { type Report, recover } from './recover.ts';
import { Snapshot } from './snapshot.ts';
import { asStoreError, StoreError } from './store-error.ts';
import { type Survey, survey } from './survey.ts';
import { type Swept, sweep } from './sweep.ts';

export interface OpenOptions {
  readonly log?: StoreLog;
  readonly fs?: Disk;
  readonly migrations?: readonly Migration[];
}

/** Opens the store for writing, verifies everything in it, puts right what it can. The caller holds the lock. */
export async function openStore(
  directory = DEFAULT_STATE_DIR,
  options: OpenOptions = {},
): Promise<StoreWriter> {
  const { fs: disk = realDisk, migrations = MIGRATIONS, log } = options;
  const stateDir = resolve(directory);
  try {
    await makeStateDirectory(disk, stateDir);
    const version = currentVersion(migrations);
    const before = await migrate(disk, stateDir, migrations);
    if (before < version) log?.warn({ path: stateDir, before, version }, 'migrated to a newer format');
    const found = await survey(disk, stateDir, version);
    await refuseForeign(disk, stateDir, found);
    const findings = new Findings(log);
    const swept = await removeLeftovers(disk, stateDir, findings.report);
    await recover(disk, stateDir, found, findings.report);
    const snapshot = Snapshot.of(found.workloads);
    return new DiskStore(disk, stateDir, found.node?.body ?? {}, snapshot, findings, swept);
  } catch (error) {
    throw asStoreError(error, 'open the store in', stateDir);
  }
}

async function makeStateDirectory(disk: Disk, path: string): Promise<void> {
  if ((await lstatOrAbsent(disk, path)) !== undefined) return;
  const parent = dirname(path);
  if (parent !== path) await makeStateDirectory(disk, parent);
  await disk.mkdir(path);
  await disk.fsyncDirectory(parent);
}

/** A disk that cannot be written to must not be in the way. */
async function removeLeftovers(disk: Disk, root: string, report: Report): Promise<Swept | undefined> {
  try {
    const swept = await sweep(disk, root);
    for (const path of swept.removed) report({ path, problem: 'was left by a crash', action: 'removed' });
    return swept;
  } catch (error) {
    const action = `could not be removed (${errnoOf(error)}); tried again later`;
    report({ path: root, problem: 'has leftovers of a crash', action });
    return undefined;
  }
}

/** A mistyped --state-dir must not make us tidy up in somebody else's directories. */
async function refuseForeign(disk: Disk, root: string, found: Survey): Promise<void> {
  const { known, faults } = found.format;
  const shown = Snapshot.of(found.workloads).workloads();
  if (known || faults.length > 0 || found.node?.body !== undefined || shown.length > 0) return;
  for (const path of [workloadsDir(root), quarantineDir(root), nodeFile(root)]) {
    if ((await lstatOrAbsent(disk, path)) === undefined) continue;
    const remedy =
      'there is something of that name, and no format.json beside it: choose an empty --state-dir';
    throw new StoreError('use', path, '', remedy);
  }
}
