// What fails its checksum: it is put aside, reported, bounded, and what is intact is left.

import assert from 'node:assert/strict';
import { lstat, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../../lib/store/open-store.ts';
import { QUARANTINE_BYTES_MAX, quarantined } from '../../../lib/store/quarantine.ts';
import { readStore } from '../../../lib/store/read-store.ts';
import { realDisk } from '../../../lib/store/real-disk.ts';
import {
  checkpoint,
  everyByteBelow,
  file,
  fileOf,
  filled,
  id,
  KEY,
  KEY_FILE,
  record,
  stateDirectory,
  volume,
  WORKLOAD,
} from './state-directory.ts';

test('a rotten revision is put into quarantine, reported, and the one before is left', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  await writeFile(join(state, fileOf(2, KEY_FILE)), 'privatE 2');
  const lines: object[] = [];
  const store = await openStore(state, { log: { warn: (fields) => lines.push(fields) } });
  assert.deepEqual(
    store.workloads()[0]?.revisions.map((each) => each.revision),
    [id(1)],
  );
  assert.deepEqual(store.workloads()[0]?.record, { ...record(2), previous: id(1) });
  const [finding] = store.findings();
  assert.equal(finding?.path, join(state, fileOf(2, KEY_FILE)));
  assert.match(
    `${finding?.problem}; ${finding?.action}`,
    /fails its checksum; revision moved to quarantine\/kube-system/,
  );
  assert.equal(lines.length, 1);
  const kept = join(state, 'quarantine/kube-system/kube-apiserver', `1-${id(2)}`);
  assert.equal(await readFile(join(kept, KEY_FILE), 'utf8'), 'privatE 2');
  assert.equal((await lstat(kept)).mode & 0o777, 0o700);

  await store.addRevision(checkpoint(2), 2);
  assert.equal(store.workloads()[0]?.revisions.length, 2);
  assert.deepEqual((await readStore(state)).findings(), []);
  await store.removeRevision(KEY, id(2));
  await assert.rejects(
    lstat(join(state, 'quarantine')),
    /ENOENT/,
    'the quarantined copy of a secret goes, too',
  );
});

test('what rots while the store is open is found before it is used', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const store = await openStore(state);
  assert.equal(await store.verify(KEY, id(2)), true);
  await rm(join(state, fileOf(2, 'manifest.json')));
  assert.equal(await store.verify(KEY, id(2)), false);
  assert.equal(await store.verify(KEY, id(2)), false);
  assert.equal(store.workloads()[0]?.revisions.length, 1);
  assert.match(store.findings()[0]?.problem ?? '', /is missing/);
});

test('the quarantine is bounded in number; the oldest goes first', async (t) => {
  const state = await stateDirectory(t);
  for (let number = 1; number <= 11; number += 1) {
    const store = await openStore(state);
    await store.addRevision(checkpoint(number), number);
    await writeFile(join(state, fileOf(number, 'digests.json')), 'rotten');
    await openStore(state);
  }
  const names = (await quarantined(realDisk, state)).map((entry) => entry.was);
  assert.deepEqual(names, [4, 5, 6, 7, 8, 9, 10, 11].map(id));
});

test('the quarantine is bounded in bytes; the oldest goes first', async (t) => {
  const state = await stateDirectory(t);
  const rot = async (number: number, bytes: number): Promise<string[]> => {
    const large = { ...file('large', ''), content: new Uint8Array(bytes) };
    await (await openStore(state)).addRevision(checkpoint(number, [volume('v', [large])]), number);
    await writeFile(join(state, fileOf(number, 'digests.json')), 'rotten');
    await openStore(state);
    return (await quarantined(realDisk, state)).map((entry) => entry.was);
  };
  assert.deepEqual(await rot(1, QUARANTINE_BYTES_MAX / 2), [id(1)]);
  assert.deepEqual(await rot(2, QUARANTINE_BYTES_MAX / 2), [id(2)]);
});

test('a secret that was rotated away goes from the quarantine with the record that named it', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  await writeFile(join(state, fileOf(2, 'manifest.json')), 'rotten');
  const store = await openStore(state);
  await store.addRevision(checkpoint(3), 3);
  await store.putRecord(KEY, { ...record(1), previous: id(2), candidate: id(3) });
  assert.match(
    await everyByteBelow(state),
    /private 2/,
    'kept for inspection while a revision of that name may come back',
  );
  await store.putRecord(KEY, { ...record(3), previous: id(1) });
  assert.doesNotMatch(await everyByteBelow(state), /private 2/);
});

test('a record survives the loss of either copy, and its revisions survive the loss of both', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const [first, copy] = [join(state, WORKLOAD, 'record.json'), join(state, WORKLOAD, 'record.copy.json')];
  const whole = await readFile(first, 'utf8');
  for (const path of [first, copy]) {
    await writeFile(path, '');
    const store = await openStore(state);
    assert.deepEqual(store.workloads()[0]?.record?.proven, record(2).proven);
    assert.match(store.findings()[0]?.problem ?? '', /is empty/);
    assert.equal(await readFile(path, 'utf8'), whole);
  }
  await writeFile(first, whole.slice(0, 20));
  await writeFile(copy, whole.replace('standby', 'stanDby'));
  const store = await openStore(state);
  assert.equal(store.workloads()[0]?.record, undefined);
  assert.equal(store.workloads()[0]?.revisions.length, 2);
});
