// Opening a state directory: what is put right, what is refused, what is left alone.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../../lib/store/open-store.ts';
import { readStore } from '../../../lib/store/read-store.ts';
import { realDisk } from '../../../lib/store/real-disk.ts';
import { seal } from '../../../lib/store/sealed.ts';
import { survey } from '../../../lib/store/survey.ts';
import { intoOwnDirectory } from '../../crash/migration.ts';
import {
  checkpoint,
  file,
  fileOf,
  filled,
  id,
  KEY,
  KEY_FILE,
  record,
  stateDirectory,
  tokenVolume,
  volume,
  WORKLOAD,
} from './state-directory.ts';

test('wrong modes are put right and reported, without losing the revision', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  await chmod(join(state, fileOf(2, KEY_FILE)), 0o666);
  const store = await openStore(state);
  assert.equal((await lstat(join(state, fileOf(2, KEY_FILE)))).mode & 0o777, 0o600);
  assert.match(store.findings()[0]?.problem ?? '', /another mode or owner/);
  assert.equal(store.workloads()[0]?.revisions.length, 2);
});

test('however its directory is named, its paths are whole: a manifest mounts them', async (t) => {
  const state = await stateDirectory(t);
  const name = `${relative(process.cwd(), state)}/./`;
  const store = await openStore(name);
  await store.addRevision(checkpoint(1), 1);
  await store.putRecord(KEY, record(1));
  const wanted = join(state, fileOf(1, 'volumes'));
  for (const shown of [store, await readStore(name)])
    assert.equal(shown.workloads()[0]?.revisions[0]?.materialDir, wanted);
  await store.removeWorkload(KEY);
  assert.deepEqual((await readStore(state)).workloads(), []);
});

test('a directory on the way that is open to others is closed again and reported', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const way = ['', 'workloads', 'workloads/kube-system', WORKLOAD, join(WORKLOAD, 'revisions')];
  const within = [fileOf(2, ''), fileOf(2, 'volumes'), fileOf(2, 'tokens')];
  for (const path of [...way, ...within].map((name) => join(state, name))) {
    await chmod(path, 0o755);
    const reported = (await readStore(state)).findings();
    assert.deepEqual(
      reported.map((finding) => join(finding.path, '.')),
      [join(path, '.')],
    );
    assert.match((await openStore(state)).findings()[0]?.action ?? '', /put right/);
    assert.equal((await lstat(path)).mode & 0o777, 0o700, path);
  }
});

test('a new state directory is closed to others, unless something else is kept in it', async (t) => {
  const state = await stateDirectory(t);
  for (const [name, mode] of [
    ['lock', 0o700],
    ['theirs', 0o755],
  ] as const) {
    const directory = join(state, name);
    await mkdir(directory, { recursive: true, mode: 0o755 });
    await writeFile(join(directory, name), '');
    for (let opening = 0; opening < 2; opening += 1) {
      assert.deepEqual((await openStore(directory)).findings(), []);
      assert.equal((await lstat(directory)).mode & 0o777, mode, name);
    }
  }
});

test('a newer format is refused and left as it is, also when other files would need a repair', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const newer = seal('format', 'checkpoint-agent state directory', { version: 2 });
  await writeFile(join(state, 'format.json'), newer);
  await writeFile(join(state, 'format.copy.json'), newer);
  await writeFile(join(state, fileOf(2, KEY_FILE)), 'rotten');
  const before = execFileSync('find', [state, '-ls'], { encoding: 'utf8' });
  await assert.rejects(
    openStore(state),
    /format 2, this agent knows up to 1: run the newer agent; nothing was changed/,
  );
  await assert.rejects(readStore(state), /format 2/);
  assert.equal(execFileSync('find', [state, '-ls'], { encoding: 'utf8' }), before);
});

test('an older format is migrated when the store is opened, and is not touched by who only reads', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const kept = (await openStore(state)).workloads();
  const revisions = join(state, WORKLOAD, 'revisions');
  for (const name of await readdir(revisions))
    await rename(join(revisions, name), join(state, WORKLOAD, name));
  await rmdir(revisions);

  const lines: object[] = [];
  const log = { warn: (fields: object) => lines.push(fields) };
  const store = await openStore(state, { log, migrations: [intoOwnDirectory] });
  assert.deepEqual(store.workloads(), kept);
  assert.deepEqual([store.findings(), lines], [[], [{ path: state, before: 1, version: 2 }]]);
  assert.match(await readFile(join(state, 'format.json'), 'utf8'), /"version": 2/);
  await openStore(state, { migrations: [() => assert.fail('it is done once')] });
  await assert.rejects(
    openStore(state),
    /format 2, this agent knows up to 1/,
    'the older agent is refused now',
  );
  await assert.rejects(
    survey(realDisk, state, 3),
    /it has format 2, and becomes format 3 when this agent starts; nothing was changed/,
  );
});

test('a migration that fails says so, and is begun again the next time', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const failing = async (): Promise<void> => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  };
  await assert.rejects(openStore(state, { migrations: [failing] }), /cannot open the store .* full/);
  assert.equal(
    (await readStore(state)).workloads()[0]?.revisions.length,
    2,
    'the older agent can still use it',
  );
  const store = await openStore(state, { migrations: [intoOwnDirectory] });
  assert.equal(store.workloads()[0]?.revisions.length, 2);
});

test("somebody else's directory is not taken over", async (t) => {
  const state = await stateDirectory(t);
  await mkdir(join(state, 'quarantine/empty'), { recursive: true });
  await writeFile(join(state, 'theirs'), 'x');
  await assert.rejects(openStore(state), /choose an empty --state-dir/);
  assert.deepEqual((await readdir(state)).sort(), ['quarantine', 'theirs']);
});

test('symlinks planted anywhere are not followed', async (t) => {
  const state = await stateDirectory(t);
  const outside = join(state, '../outside');
  await mkdir(join(outside, 'kube-apiserver'), { recursive: true });
  await writeFile(join(outside, 'passwd'), 'theirs');
  await filled(state);
  const original = join(state, '../original');

  // In place of a file of a pod: as a copy of the right content, so that only the link is wrong.
  await writeFile(join(outside, 'tls.key'), 'private 2', { mode: 0o600 });
  await rm(join(state, fileOf(2, KEY_FILE)));
  await symlink(join(outside, 'tls.key'), join(state, fileOf(2, KEY_FILE)));
  const store = await openStore(state);
  assert.match(store.findings()[0]?.problem ?? '', /is a symlink, not a file/);
  await store.addRevision(checkpoint(2), 2);

  // In place of the record (again the right content), and of a temporary name of ours.
  await rename(join(state, WORKLOAD, 'record.json'), join(outside, 'record.json'));
  await symlink(join(outside, 'record.json'), join(state, WORKLOAD, 'record.json'));
  assert.match((await readStore(state)).findings()[0]?.problem ?? '', /is a symlink/);
  await symlink(join(outside, 'passwd'), join(state, WORKLOAD, '.checkpoint-agent-new.record.json'));
  await store.putRecord(KEY, record(1));
  assert.equal((await lstat(join(state, WORKLOAD, 'record.json'))).isFile(), true);

  // In place of a directory on the way.
  await rename(join(state, 'workloads/kube-system'), original);
  await symlink(outside, join(state, 'workloads/kube-system'));
  for (const attempt of [
    store.putRecord(KEY, record(1)),
    store.addRevision(checkpoint(3), 3),
    store.removeWorkload(KEY),
  ]) {
    await assert.rejects(attempt, /kube-system: it is a symlink, not a directory of the store: remove it/);
  }
  const reader = await readStore(state);
  assert.deepEqual(reader.workloads(), []);
  assert.match(reader.findings()[0]?.path ?? '', /workloads\/kube-system$/);
  assert.deepEqual(await readdir(join(outside, 'kube-apiserver')), []);
  assert.equal(await readFile(join(outside, 'passwd'), 'utf8'), 'theirs');
});

test('a FIFO or a huge file under a name of ours neither hangs nor fills the memory', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  await rm(join(state, WORKLOAD, 'record.json'));
  execFileSync('mkfifo', [join(state, WORKLOAD, 'record.json')]);
  await rm(join(state, fileOf(2, 'digests.json')));
  execFileSync('truncate', ['-s', '100G', join(state, fileOf(2, 'digests.json'))]);
  const store = await openStore(state);
  assert.deepEqual(store.workloads()[0]?.record?.proven, record(2).proven);
  assert.equal(store.workloads()[0]?.revisions.length, 1);
  const problems = store.findings().map((finding) => finding.problem);
  assert.deepEqual(problems, ['is not a file of the store', 'is larger than it was written']);
});

test("leftovers of a crash go, strangers' files stay and are reported", async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const leftovers = [
    join(WORKLOAD, '.checkpoint-agent-new.record.json'),
    join(WORKLOAD, 'revisions/.checkpoint-agent-removed.x'),
    fileOf(1, 'volumes/certs/..7'),
  ];
  const strangers = ['workloads/README', join(WORKLOAD, '.notes'), join(WORKLOAD, 'revisions/old.tar')];
  for (const path of [...leftovers, ...strangers, 'theirs']) await writeFile(join(state, path), 'x');
  const store = await openStore(state);
  assert.equal(store.workloads()[0]?.revisions.length, 2);
  for (const path of leftovers) await assert.rejects(lstat(join(state, path)), /ENOENT/, path);
  for (const path of [...strangers, 'theirs']) assert.equal(await readFile(join(state, path), 'utf8'), 'x');
  const reported = store.findings().map((finding) => finding.path);
  for (const path of [...leftovers, ...strangers]) assert.ok(reported.includes(join(state, path)), path);
});

test('reading changes nothing, and a directory that is not there is an empty store', async (t) => {
  const state = await stateDirectory(t);
  assert.deepEqual((await readStore(state)).workloads(), []);
  await assert.rejects(lstat(state), /ENOENT/);
  await filled(state);
  await writeFile(join(state, fileOf(2, KEY_FILE)), 'rotten');
  await writeFile(join(state, WORKLOAD, 'record.json'), 'rotten');
  const before = execFileSync('find', [state, '-ls'], { encoding: 'utf8' });
  const reader = await readStore(state);
  assert.equal(reader.findings().length, 2);
  assert.equal(reader.workloads()[0]?.revisions.length, 1);
  assert.equal(execFileSync('find', [state, '-ls'], { encoding: 'utf8' }), before);
});

test('readers beside a busy writer see only states that were, and nothing wrong', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const store = await openStore(state);
  let done = false;
  const writing = (async () => {
    for (let number = 3; number < 15; number += 1) {
      const volumes = [volume('v', [file('f', String(number))]), tokenVolume(`${number}`)];
      await store.addRevision(checkpoint(number, volumes), number);
      await store.putRecord(KEY, record(number));
      await store.refreshVolume(KEY, id(number), tokenVolume(`fresh ${number}`));
      await store.removeRevision(KEY, id(number - 1));
    }
    done = true;
  })();
  for (let reads = 0; !done; reads += 1) {
    const reader = await readStore(state);
    const [workload] = reader.workloads();
    assert.deepEqual(reader.findings(), [], `read ${reads}`);
    const proven = workload?.record?.proven?.revision;
    assert.ok(
      workload?.revisions.some((each) => each.revision === proven),
      'the proven revision is there',
    );
  }
  await writing;
});
