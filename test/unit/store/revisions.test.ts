import assert from 'node:assert/strict';
import { lstat, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkBytes, REVISION_BYTES_MAX, WORKLOAD_BYTES_MAX } from '../../../lib/store/admission.ts';
import { openStore } from '../../../lib/store/open-store.ts';
import { readStore } from '../../../lib/store/read-store.ts';
import { workloadKey } from '../../../lib/types/workload.ts';
import {
  checkpoint,
  everyByteBelow,
  file,
  id,
  KEY,
  record,
  stateDirectory,
  tokenVolume,
  volume,
} from './state-directory.ts';

test('a stored revision is shown with its manifest and record, to a reader and after opening again', async (t) => {
  const state = await stateDirectory(t);
  const store = await openStore(state);
  await store.addRevision(checkpoint(1), 100);
  await store.addRevision(checkpoint(2), 200);
  await store.putRecord(KEY, record(1));
  await store.putNode({ bootId: 'boot', nodeUid: 'node' });

  const [workload] = store.workloads();
  assert.deepEqual(workload?.record, record(1));
  assert.deepEqual(
    workload?.revisions.map(({ revision, createdAtMs, manifest }) => [
      revision,
      createdAtMs,
      manifest.metadata?.name,
    ]),
    [
      [id(2), 200, 'pod-2'],
      [id(1), 100, 'pod-1'],
    ],
  );
  for (const again of [await readStore(state), await openStore(state)]) {
    assert.deepEqual(again.workloads(), store.workloads());
    assert.deepEqual(again.node(), { bootId: 'boot', nodeUid: 'node' });
    assert.deepEqual(again.findings(), []);
  }
});

test('a volume is laid out as the kubelet does, with modes and owners of the pod, behind directories of root', async (t) => {
  const state = await stateDirectory(t);
  const store = await openStore(state);
  const previous = process.umask(0o077);
  t.after(() => process.umask(previous));
  const files = [file('tls.key', 'key', { mode: 0o640, uid: 12, gid: 34 }), file('nested/deep/file', 'deep')];
  const material = { ...volume('certs', files), directoryMode: 0o2750, directoryGid: 34 };
  await store.addRevision(checkpoint(1, [material]), 1);

  const directory = join(store.workloads()[0]?.revisions[0]?.materialDir ?? '', 'certs');
  assert.equal(await readlink(join(directory, '..data')), '..1');
  assert.equal(await readlink(join(directory, 'tls.key')), '..data/tls.key');
  assert.equal(await readlink(join(directory, 'nested')), '..data/nested');
  assert.equal(await readFile(join(directory, 'nested/deep/file'), 'utf8'), 'deep');
  const modeOf = async (path: string): Promise<string> => ((await lstat(path)).mode & 0o7777).toString(8);
  assert.equal(await modeOf(directory), '2750');
  assert.equal(await modeOf(join(directory, '..1')), '2755');
  assert.equal(await modeOf(join(directory, '..1/nested/deep')), '2755');
  assert.equal(await modeOf(join(directory, '..1/tls.key')), '640');
  assert.equal((await lstat(directory)).gid, process.getuid?.() === 0 ? 34 : process.getgid?.());
  if (process.getuid?.() === 0) {
    const key = await lstat(join(directory, '..1/tls.key'));
    assert.deepEqual([key.uid, key.gid], [12, 34]);
    // The link as well, as the kubelet does it; those of other files stay root's.
    const owners = ['tls.key', 'nested', '..data'].map(
      async (name) => (await lstat(join(directory, name))).uid,
    );
    assert.deepEqual(await Promise.all(owners), [12, 0, 0]);
  }
  for (let way = join(directory, '..'); way.length >= state.length; way = join(way, '..')) {
    assert.equal(await modeOf(way), '700', way);
  }
});

test('storing the same revision again changes nothing', async (t) => {
  const state = await stateDirectory(t);
  const store = await openStore(state);
  await store.addRevision(checkpoint(1), 1);
  const path = store.workloads()[0]?.revisions[0]?.materialDir ?? '';
  const before = await lstat(path);
  await store.addRevision(checkpoint(1), 2);
  assert.equal((await lstat(path)).ino, before.ino);
  assert.equal(store.workloads()[0]?.revisions[0]?.createdAtMs, 1);
});

test('a token is swapped by one rename, nothing of the old one stays, and the rest of the volume may not change', async (t) => {
  const state = await stateDirectory(t);
  const store = await openStore(state);
  await store.addRevision(checkpoint(1, [tokenVolume('first token')]), 1);
  const directory = join(store.workloads()[0]?.revisions[0]?.materialDir ?? '', 'token');
  await store.refreshVolume(KEY, id(1), tokenVolume('the second token'));

  assert.equal(await readFile(join(directory, 'token'), 'utf8'), 'the second token');
  assert.equal(await readlink(join(directory, '..data')), '..2');
  assert.deepEqual((await readdir(directory)).sort(), ['..2', '..data', 'ca.crt', 'token']);
  assert.doesNotMatch(await everyByteBelow(state), /first token/);
  assert.equal(store.workloads()[0]?.revisions[0]?.tokens[0]?.expiresAtMs, 'the second token'.length);
  assert.deepEqual(await store.readVolume(KEY, id(1), 'token'), tokenVolume('the second token'));
  assert.deepEqual((await openStore(state)).workloads(), store.workloads());

  const changed = tokenVolume('third').files.map((each) =>
    each.path === 'ca.crt' ? file('ca.crt', 'other') : each,
  );
  await assert.rejects(
    store.refreshVolume(KEY, id(1), volume('token', changed)),
    /a file that is no token changed/,
  );
  await assert.rejects(store.refreshVolume(KEY, id(9), tokenVolume('x')), /no intact revision/);
  assert.equal(await readFile(join(directory, 'token'), 'utf8'), 'the second token');
});

test('what is removed leaves no copy, and no empty directory', async (t) => {
  const state = await stateDirectory(t);
  const store = await openStore(state);
  await store.addRevision(checkpoint(1), 1);
  await store.addRevision(checkpoint(2), 2);
  await store.putRecord(KEY, record(2));
  await store.removeRevision(KEY, id(1));
  assert.doesNotMatch(await everyByteBelow(state), /private 1/);
  assert.match(await everyByteBelow(state), /private 2/);
  await store.removeRevision(KEY, id(1));
  await store.removeWorkload(KEY);
  assert.deepEqual(store.workloads(), []);
  assert.deepEqual((await readdir(state)).sort(), ['format.copy.json', 'format.json']);
});

test('workloads whose names could be taken for each other never share a directory', async (t) => {
  const state = await stateDirectory(t);
  const store = await openStore(state);
  const [first, second] = [workloadKey('a-b', 'c'), workloadKey('a', 'b-c')];
  await store.addRevision(checkpoint(1, [], first), 1);
  await store.addRevision(checkpoint(2, [], second), 2);
  await store.removeWorkload(first);
  assert.deepEqual(
    store.workloads().map((each) => each.key),
    [second],
  );
  assert.deepEqual((await openStore(state)).workloads(), store.workloads());
});

test('names and paths that would lead elsewhere are refused', async (t) => {
  const store = await openStore(await stateDirectory(t));
  for (const key of ['../etc/x', 'kube-system/..', 'kube-system/a/b', 'a', '/x', 'A/b']) {
    await assert.rejects(store.addRevision(checkpoint(1, [], key as typeof KEY), 1), /not a name/, key);
    await assert.rejects(store.removeWorkload(key as typeof KEY), /not a name/, key);
  }
  for (const path of ['../x', '/etc/x', 'a/../../x', '', 'a//b', './a', '..data', '..1/x', 'nul\0']) {
    await assert.rejects(
      store.addRevision(checkpoint(1, [volume('v', [file(path, 'x')])]), 1),
      /leave the volume/,
      path,
    );
  }
  const clash = volume('v', [file('a', 'x'), file('a/b', 'y')]);
  await assert.rejects(store.addRevision(checkpoint(1, [clash]), 1), /is a file and a directory/);
  await assert.rejects(store.addRevision(checkpoint(1, [volume('../v', [])]), 1), /not a DNS label/);
  assert.deepEqual(store.workloads(), []);
});

test('there is a bound on revisions and on their bytes, said in words', async (t) => {
  const store = await openStore(await stateDirectory(t));
  for (let number = 1; number <= 8; number += 1) await store.addRevision(checkpoint(number, []), number);
  await assert.rejects(store.addRevision(checkpoint(9, []), 9), /there are 8 already: remove one first/);
  await store.addRevision(checkpoint(8, []), 8);
  await store.removeRevision(KEY, id(1));
  await store.addRevision(checkpoint(9, []), 9);
  const large = volume('v', [{ ...file('large', ''), content: new Uint8Array(65 * 1024 * 1024) }]);
  await store.removeRevision(KEY, id(9));
  await assert.rejects(store.addRevision(checkpoint(9, [large]), 9), /the bound is 67108864/);
});

test('there is a bound on the bytes of a workload', async (t) => {
  const state = await stateDirectory(t);
  const store = await openStore(state);
  await store.addRevision(checkpoint(1), 1);
  const [stored] = store.workloads()[0]?.revisions ?? [];
  assert.ok(stored !== undefined);
  const three = Array.from({ length: 3 }, () => ({ ...stored, bytes: REVISION_BYTES_MAX }));
  checkBytes(state, checkpoint(2), three);
  const rest = { ...stored, bytes: WORKLOAD_BYTES_MAX - 3 * REVISION_BYTES_MAX };
  assert.throws(
    () => checkBytes(state, checkpoint(2), [...three, rest]),
    /the bound is 268435456: remove a revision first/,
  );
});

test('a directory is there for a volume that is mounted inside another one', async (t) => {
  const state = await stateDirectory(t);
  const store = await openStore(state);
  const files = [...tokenVolume('first').files, file('linked/key', 'value')];
  const mountPoints = ['extra', 'deep/er', 'linked', 'linked/deep/er'];
  const nested = { ...volume('config', files), mountPoints };
  await store.addRevision({ ...checkpoint(1), volumes: [nested] }, 1);
  const [stored] = store.workloads()[0]?.revisions ?? [];
  const check = async (): Promise<void> => {
    for (const name of [...mountPoints, 'deep', 'linked/deep']) {
      const found = await stat(join(stored?.materialDir ?? '', 'config', name));
      assert.ok(found.isDirectory(), name);
      assert.equal(found.mode & 0o777, 0o755);
    }
    const opened = await openStore(state);
    assert.equal(opened.workloads()[0]?.revisions.length, 1, 'and is no damage');
    assert.deepEqual(opened.findings(), []);
  };
  await check();
  const fresh = [...tokenVolume('the second').files, file('linked/key', 'value')];
  await store.refreshVolume(KEY, id(1), volume('config', fresh));
  await check();

  const clash = { ...nested, mountPoints: ['linked/key'] };
  await assert.rejects(
    store.addRevision({ ...checkpoint(2), volumes: [clash] }, 2),
    /there is a file where "linked\/key" is mounted/,
  );
});
