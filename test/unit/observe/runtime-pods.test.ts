// From the runtime's flat lists to pods: what is newest decides.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CriContainer, CriSandbox } from '../../../lib/observe/runtime/cri-messages.ts';
import { toPods } from '../../../lib/observe/runtime/pods.ts';

function sandbox(
  id: string,
  attempt: number,
  createdAt: number,
  fields: Partial<CriSandbox> = {},
): CriSandbox {
  const metadata = { name: 'p', uid: 'u', namespace: 'n', attempt };
  return { id, metadata, state: 0, created_at: createdAt * 1e6, labels: {}, annotations: {}, ...fields };
}

function container(
  id: string,
  sandboxId: string,
  attempt: number,
  createdAt: number,
  name = 'main',
  state = 1,
): CriContainer {
  return { id, pod_sandbox_id: sandboxId, metadata: { name, attempt }, state, created_at: createdAt * 1e6 };
}

test('the newest sandbox of a pod decides, in any order of the list', () => {
  const old = sandbox('old', 0, 100, { state: 0 });
  const young = sandbox('young', 1, 200, { state: 1 });
  const containers = [container('a', 'old', 0, 101), container('b', 'young', 0, 201)];
  for (const sandboxes of [
    [old, young],
    [young, old],
  ]) {
    const [pod, ...others] = toPods(sandboxes, containers);
    assert.equal(others.length, 0);
    assert.equal(pod?.sandboxId, 'young');
    assert.equal(pod?.sandboxReady, false);
    assert.equal(pod?.createdAtMs, 200);
    assert.deepEqual(
      pod?.containers.map(({ id }) => id),
      ['b'],
      'containers of an older sandbox do not count',
    );
  }
});

test('a pod says whether something ended in an older sandbox of it', () => {
  const two = [sandbox('old', 0, 100, { state: 1 }), sandbox('young', 1, 200)];
  const endedBefore = (...containers: CriContainer[]) => toPods(two, containers)[0]?.endedBefore;
  assert.equal(endedBefore(container('a', 'old', 0, 101, 'main', 2)), true);
  assert.equal(endedBefore(container('a', 'old', 0, 101)), undefined, 'it runs');
  assert.equal(endedBefore(container('a', 'young', 0, 201, 'main', 2)), undefined);
  assert.equal(endedBefore(), undefined);
});

test('a clock that jumped back does not make an old sandbox the newest; equal attempts are told apart by time', () => {
  assert.equal(toPods([sandbox('old', 0, 500), sandbox('young', 1, 200)], [])[0]?.sandboxId, 'young');
  assert.equal(toPods([sandbox('young', 0, 300), sandbox('old', 0, 200)], [])[0]?.sandboxId, 'young');
});

test('the newest attempt of each container stands, with its state', () => {
  const containers = [
    container('main-2', 's', 2, 30, 'main', 1),
    container('main-1', 's', 1, 20, 'main', 2),
    container('init', 's', 0, 10, 'init', 2),
    container('new', 's', 0, 40, 'new', 0),
    container('odd', 's', 0, 40, 'odd', 9),
  ];
  const [pod] = toPods([sandbox('s', 0, 1)], containers);
  assert.deepEqual(
    pod?.containers.map(({ id, name, state, attempt }) => `${name} ${id} ${state} ${attempt}`),
    ['main main-2 running 2', 'init init exited 0', 'new new created 0', 'odd odd unknown 0'],
  );
});

test('pods of other UIDs stay apart, also under one name', () => {
  const other = { name: 'p', uid: 'v', namespace: 'n', attempt: 0 };
  assert.equal(toPods([sandbox('a', 0, 1), sandbox('b', 0, 1, { metadata: other })], []).length, 2);
});

test('without metadata the labels tell whose sandbox it is', () => {
  const labels = {
    'io.kubernetes.pod.uid': 'u',
    'io.kubernetes.pod.name': 'p',
    'io.kubernetes.pod.namespace': 'n',
  };
  const [pod] = toPods([sandbox('s', 0, 1, { metadata: null, labels })], []);
  assert.deepEqual([pod?.namespace, pod?.name, pod?.uid], ['n', 'p', 'u']);
});
