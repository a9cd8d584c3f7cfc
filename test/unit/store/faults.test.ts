// The n-th system call fails, for every n and every operation, on a real file system (the model disk of test/crash
// does the same with EIO, and cuts the power after it).

import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { test } from 'node:test';
import type { Disk, NewFile } from '../../../lib/store/disk.ts';
import { openStore } from '../../../lib/store/open-store.ts';
import { readStore } from '../../../lib/store/read-store.ts';
import { realDisk } from '../../../lib/store/real-disk.ts';
import type { StoreReader, StoreWriter } from '../../../lib/types/store.ts';
import { checkpoint, file, id, KEY, record, stateDirectory, tokenVolume, volume } from './state-directory.ts';

interface Faults {
  /** The call that fails, counted from 1; 0 for none. */
  failing: number;
  calls: number;
  code: string;
  /** A full disk stays full; other faults come once. */
  lasts: boolean;
}

function faultyDisk(faults: Faults): Disk {
  const guard = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (object, name) => {
        const value = Reflect.get(object, name) as unknown;
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]) => {
          faults.calls += 1;
          const fails = faults.lasts ? faults.calls >= faults.failing : faults.calls === faults.failing;
          // A file is closed also when close(2) reports an error.
          if (faults.failing > 0 && fails && name !== 'close') {
            throw Object.assign(new Error(`${faults.code}: injected, ${String(name)} '${String(args[0])}'`), {
              code: faults.code,
            });
          }
          // Counted, and not done: slow, and here the power stays on.
          if (name === 'fsync' || name === 'fsyncDirectory') return undefined;
          const result: unknown = await value.apply(object, args);
          return name === 'create' ? guard(result as NewFile) : result;
        };
      },
    });
  return guard(realDisk);
}

const shown = (store: StoreReader): string => JSON.stringify([store.workloads(), store.node()]);

const OPERATIONS: Readonly<Record<string, (store: StoreWriter) => Promise<void>>> = {
  addRevision: (store) =>
    store.addRevision(checkpoint(3, [volume('v', [file('a/b', 'x')]), tokenVolume('t')]), 3),
  putRecord: (store) => store.putRecord(KEY, record(1)),
  putNode: (store) => store.putNode({ bootId: 'next' }),
  refreshVolume: (store) => store.refreshVolume(KEY, id(2), tokenVolume('another')),
  removeRevision: (store) => store.removeRevision(KEY, id(1)),
  removeWorkload: (store) => store.removeWorkload(KEY),
};

async function filled(state: string): Promise<void> {
  const store = await openStore(state);
  await store.addRevision(checkpoint(1), 1);
  await store.addRevision(checkpoint(2, [tokenVolume('first')]), 2);
  await store.putRecord(KEY, record(2));
}

/** A disk that stays full, and a process that lacks something for an instant. */
const CODES = [
  { code: 'ENOSPC', lasts: true, names: Object.keys(OPERATIONS) },
  { code: 'EMFILE', lasts: false, names: ['addRevision', 'refreshVolume'] },
];

for (const { code, lasts, names } of CODES) {
  for (const name of names) {
    const operation = OPERATIONS[name] ?? assert.fail(name);
    test(`${code} at any call of ${name} loses nothing, says where, and heals`, async (t) => {
      const ground = await stateDirectory(t);
      await filled(ground);
      const state = `${ground}-copy`;
      const outcomes: string[] = [];
      const begin = async (faults: Faults): Promise<StoreWriter> => {
        await rm(state, { recursive: true, force: true });
        await cp(ground, state, { recursive: true, verbatimSymlinks: true, mode: 0 });
        return await openStore(state, { fs: faultyDisk(faults) });
      };
      const faults: Faults = { failing: 0, calls: 0, code, lasts };
      const calm = await begin(faults);
      const before = shown(calm);
      faults.calls = 0;
      await operation(calm);
      const after = shown(calm);
      const total = faults.calls;
      // Every call once; several at a time would hide which.
      for (let failing = 1; failing <= total; failing += 1) {
        Object.assign(faults, { failing: 0, calls: 0 });
        const store = await begin(faults);
        Object.assign(faults, { failing, calls: 0 });
        const error = await operation(store).then(
          () => undefined,
          (reason: Error) => reason,
        );
        faults.failing = 0;
        if (error !== undefined) {
          assert.equal(error.name, 'StoreError', error.stack);
          assert.match(error.message, /^cannot .* \/.*: .+ \(E[A-Z]+\)$/);
          outcomes.push(error.message);
        }
        const found = shown(await readStore(state));
        assert.ok([before, after].includes(found), `call ${failing}: a third state: ${found}`);
        await operation(store);
        assert.equal(shown(store), after, `call ${failing}: the next try`);
        const opened = await openStore(state);
        assert.equal(shown(opened), after, `call ${failing}: opened again`);
        assert.deepEqual(opened.findings(), [], `call ${failing}: nothing is left over`);
      }
      assert.ok(outcomes.length > 0, 'no fault was felt');
    });
  }
}

test('an unreadable disk at opening makes nothing of what is there disappear', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const faults: Faults = { failing: 0, calls: 0, code: 'EIO', lasts: false };
  const before = shown(await openStore(state, { fs: faultyDisk(faults) }));
  const total = faults.calls;
  for (let failing = 1; failing <= total; failing += 1) {
    Object.assign(faults, { failing, calls: 0 });
    await openStore(state, { fs: faultyDisk(faults) }).catch((error: Error) => {
      assert.equal(error.name, 'StoreError', error.stack);
    });
    assert.equal(shown(await readStore(state)), before, `call ${failing}`);
  }
});

test('a read-only disk can still be opened, and gives out what is intact', async (t) => {
  const state = await stateDirectory(t);
  await filled(state);
  const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error('EROFS'), { code: 'EROFS' }));
  const { create, mkdir, symlink, rename, unlink, rmdir, chmod, chown } = {
    create: refuse,
    mkdir: refuse,
    symlink: refuse,
    rename: refuse,
    unlink: refuse,
    rmdir: refuse,
    chmod: refuse,
    chown: refuse,
  };
  const readOnly: Disk = { ...realDisk, create, mkdir, symlink, rename, unlink, rmdir, chmod, chown };
  await rm(`${state}/node.copy.json`, { force: true });
  await rm(`${state}/workloads/kube-system/kube-apiserver/record.json`);
  await rm(`${state}/workloads/kube-system/kube-apiserver/revisions/${id(1)}/manifest.json`);
  const store = await openStore(state, { fs: readOnly });
  assert.deepEqual(
    store.workloads().map((each) => [each.record, each.revisions.map((revision) => revision.revision)]),
    [[record(2), [id(2)]]],
  );
  assert.ok(store.findings().length >= 2);
  await assert.rejects(store.putRecord(KEY, record(1)), /mounted read-only: look for the cause with dmesg/);
});

test('without room for it a revision is not begun, and with room it is', async (t) => {
  const state = await stateDirectory(t);
  let bytes = 1024 * 1024;
  let begun = 0;
  const full: Disk = {
    ...realDisk,
    freeSpace: async () => ({ bytes, inodes: 1000 }),
    create: async (path) => {
      begun += 1;
      return await realDisk.create(path);
    },
  };
  const store = await openStore(state, { fs: full });
  begun = 0;
  await assert.rejects(store.addRevision(checkpoint(1), 1), /free some space; it is tried again by itself/);
  assert.equal(begun, 0);
  bytes *= 2;
  await store.addRevision(checkpoint(1), 1);
  assert.equal(store.workloads()[0]?.revisions.length, 1);
});

test('short writes are carried on to the end', async (t) => {
  const state = await stateDirectory(t);
  const slow: Disk = {
    ...realDisk,
    create: async (path) => {
      const opened = await realDisk.create(path);
      return { ...opened, write: (bytes) => opened.write(bytes.subarray(0, 7)) };
    },
  };
  const store = await openStore(state, { fs: slow });
  await store.addRevision(checkpoint(1, [tokenVolume('a token of more than seven bytes')]), 1);
  assert.deepEqual((await readStore(state)).workloads(), store.workloads());
});

test('errors that libuv has no name for are told in words, too', async (t) => {
  const store = await openStore(await stateDirectory(t), {
    fs: {
      ...realDisk,
      // As Node reports EDQUOT: seen on btrfs.
      mkdir: async (path) => {
        const code = 'Unknown system error -122';
        throw Object.assign(new Error(`${code}, mkdir '${path}'`), { code, path });
      },
    },
  }).catch((error: Error) => error);
  assert.match(String(store), /the disk quota is used up: .* \(EDQUOT\)$/);
});
