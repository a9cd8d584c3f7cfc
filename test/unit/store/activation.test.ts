// Nothing corrupt is ever activated: whatever one file of the newest proven revision suffers while the agent runs, its
// manifest does not reach the static pod directory, and the one before it does.

import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { carryOut, type Hands } from '../../../lib/act/carry-out.ts';
import { openStore } from '../../../lib/store/open-store.ts';
import { realDisk } from '../../../lib/store/real-disk.ts';
import type { CompiledCheckpoint } from '../../../lib/types/checkpoint.ts';
import type { StoreWriter } from '../../../lib/types/store.ts';
import { workloadKey } from '../../../lib/types/workload.ts';
import { checkpoint, file, id, KEY, record, stateDirectory, tokenVolume, volume } from './state-directory.ts';

function pod(number: number): CompiledCheckpoint {
  const secret = volume('certs', [
    file('tls.key', `private ${number}`),
    file('nested/ca.crt', 'certificate'),
  ]);
  const volumes = ['certs', 'token'].map((name) => ({ name, hostPath: { path: `/@material/${name}` } }));
  const spec = {
    hostNetwork: true,
    containers: [{ name: 'c', image: 'i', imagePullPolicy: 'IfNotPresent' }],
    volumes,
  };
  const manifest = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'pod', namespace: 'kube-system' },
    spec,
  };
  return { ...checkpoint(number, [secret, tokenVolume('issued')]), manifest };
}

const flip = async (path: string): Promise<void> => {
  const content = await readFile(path);
  const middle = Math.floor(content.length / 2);
  content[middle] = (content[middle] ?? 0) ^ 1;
  await writeFile(path, content);
};

const DAMAGE: Readonly<Record<string, (path: string, other: string) => Promise<void>>> = {
  'a bit flipped': flip,
  'cut short': async (path) => truncate(path, (await lstat(path)).size - 1),
  gone: (path) => rm(path),
  'the same file of the other revision': async (path, other) => writeFile(path, await readFile(other)),
  'a link to the same content': async (path) => {
    await rename(path, `${path}.moved`);
    await symlink(`${path}.moved`, path);
  },
};

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length));
}

for (const [what, damage] of Object.entries(DAMAGE)) {
  test(`a file with ${what} keeps its revision from being activated`, async (t) => {
    const ground = await stateDirectory(t);
    let damaged = 0;
    for (let index = 0; ; index += 1) {
      const [state, staticPodDir] = [`${ground}-${index}`, `${ground}-${index}-static`];
      await mkdir(staticPodDir);
      const store = await openStore(state);
      await store.addRevision(pod(1), 1);
      await store.addRevision(pod(2), 2);
      const [newest, before] = [2, 1].map((number) => join(state, 'workloads', KEY, 'revisions', id(number)));
      const files = await filesBelow(newest ?? '');
      const path = files[index];
      if (path === undefined) break;
      const original = await readFile(join(newest ?? '', path));
      await damage(join(newest ?? '', path), join(before ?? '', path));
      // Some files are the same in both.
      const now = await readFile(join(newest ?? '', path)).catch(() => undefined);
      if (what.startsWith('the same') && now?.equals(original)) continue;
      damaged += 1;
      await assert.rejects(
        activate(store, staticPodDir, 2),
        /is not intact on disk; run 'agent verify'/,
        path,
      );
      assert.deepEqual(await readdir(staticPodDir), [], path);
      await activate(store, staticPodDir, 1);
      const [placed] = await readdir(staticPodDir);
      const text = await readFile(join(staticPodDir, placed ?? ''), 'utf8');
      assert.match(text, new RegExp(`revisions/${id(1)}/volumes/certs`), path);
    }
    assert.ok(damaged >= 3, `only ${damaged} files were damaged`);
  });
}

test('a disk that takes long to sync what was written for others keeps nothing from being activated', async (t) => {
  const state = await stateDirectory(t);
  const staticPodDir = `${state}-static`;
  await mkdir(staticPodDir);
  const before = await openStore(state);
  await before.addRevision(pod(1), 1);
  await before.close();
  let free = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    free = resolve;
  });
  const store = await openStore(state, { fs: { ...realDisk, fsyncDirectory: () => held } });
  const others = [
    store.putRecord(workloadKey('kube-system', 'etcd'), record(1)),
    store.putNode({ bootId: 'next' }),
  ];
  await activate(store, staticPodDir, 1);
  assert.equal((await readdir(staticPodDir)).length, 1);
  const order: string[] = [];
  const own = [
    store.putRecord(KEY, record(1)).then(() => order.push('save')),
    store.verify(KEY, id(1)).then((intact) => order.push(`verify: ${intact}`)),
  ];
  free();
  await Promise.all([...others, ...own]);
  assert.deepEqual(order, ['save', 'verify: true'], 'what is written of itself has its turn before');
});

async function activate(store: StoreWriter, staticPodDir: string, number: number): Promise<void> {
  const hands: Hands = {
    store,
    staticPodDir,
    newUid: () => 'uid',
    wallClockMs: () => 0,
    stopSandbox: () => assert.fail('nothing is stopped'),
    removeContainers: () => assert.fail('nothing is removed'),
    endBackOff: () => assert.fail('no back-off is ended'),
  };
  await carryOut({ type: 'activate', workload: KEY, revision: id(number), reason: 'test' }, hands);
}
