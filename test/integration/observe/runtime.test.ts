// The runtime over a real unix socket: what runs, and every way of not answering.

import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { createRuntimeSource } from '../../../lib/observe/runtime/source.ts';
import { CriServer, container, sandbox } from './cri-server.ts';
import { until } from './until.ts';

type Ends = { after(fn: () => void): void };

async function serve(t: Ends) {
  const server = new CriServer();
  await server.start();
  const source = createRuntimeSource(`unix://${server.socket}`);
  t.after(() => {
    source.close();
    server.stop();
  });
  return { server, source };
}

test('pods, containers and images are read', async (t) => {
  const { server, source } = await serve(t);
  server.sandboxes = [
    sandbox('s1', 'u1', {
      labels: { app: 'etcd' },
      annotations: { 'kubernetes.io/config.source': 'file' },
    }),
  ];
  server.containers = [container('c1', 's1', { state: 2 }, 3), container('c2', 's1', {}, 4)];
  server.images = [
    { id: 'sha256:1', repo_tags: ['reg/etcd:3'], repo_digests: ['reg/etcd@sha256:2'], size: '5' },
  ];
  assert.deepEqual(await source.observe(), {
    known: true,
    value: {
      pods: [
        {
          namespace: 'kube-system',
          name: 'pod-u1',
          uid: 'u1',
          sandboxId: 's1',
          sandboxReady: true,
          createdAtMs: 1_700_000_000_123,
          labels: { app: 'etcd' },
          annotations: { 'kubernetes.io/config.source': 'file' },
          containers: [
            { id: 'c2', name: 'main', state: 'running', attempt: 4, createdAtMs: 1_700_000_000_999 },
          ],
        },
      ],
      images: new Set(['sha256:1', 'reg/etcd:3', 'reg/etcd@sha256:2']),
    },
  });
});

test('a runtime without CRI v1 is unknown, with what would help', async (t) => {
  const { server, source } = await serve(t);
  server.stop();
  await server.start('v1alpha2');
  const view = await source.observe();
  assert.ok(!view.known && /does not speak CRI v1 \(containerd 1.7/.test(view.reason), JSON.stringify(view));
});

test('a socket that is gone is unknown, and known again at the first look after its return', async (t) => {
  const { server, source } = await serve(t);
  server.sandboxes = [sandbox('s1', 'u1')];
  assert.equal((await source.observe()).known, true);
  server.stop();
  const gone = await source.observe();
  assert.ok(
    !gone.known && gone.reason.startsWith(`runtime ${server.socket}: ListPodSandbox: `),
    JSON.stringify(gone),
  );
  for (let i = 0; i < 3; i++) assert.equal((await source.observe()).known, false);
  await server.start();
  const back = await source.observe();
  assert.ok(back.known && back.value.pods.length === 1, JSON.stringify(back));
});

test('a socket that never was is unknown, soon', async (t) => {
  const source = createRuntimeSource('/nowhere/cri.sock');
  t.after(() => source.close());
  const startMs = performance.now();
  const view = await source.observe();
  assert.ok(!view.known && /ENOENT|nowhere/.test(view.reason), JSON.stringify(view));
  assert.ok(performance.now() - startMs < 1_000);
});

test('a runtime that hangs in one call makes everything unknown at the deadline', async (t) => {
  const server = new CriServer();
  await server.start();
  const source = createRuntimeSource(server.socket, { deadlineMs: 300 });
  t.after(() => {
    source.close();
    server.stop();
  });
  server.sandboxes = [sandbox('s1', 'u1')];
  server.silent.add('ListContainers');
  const startMs = performance.now();
  const view = await source.observe();
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs > 250 && tookMs < 1_500, `${tookMs} ms`);
  assert.deepEqual(view, {
    known: false,
    reason: `runtime ${server.socket}: ListContainers: no answer within 300 ms`,
  });
  server.silent.clear();
  assert.equal((await source.observe()).known, true);
});

test('a peer that accepts and never speaks HTTP/2 hits the deadline', async (t) => {
  const { dir } = new CriServer();
  const sockets: Socket[] = [];
  const listener = createServer((socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => listener.listen(`${dir}/mute.sock`, resolve));
  const source = createRuntimeSource(`${dir}/mute.sock`, { deadlineMs: 300 });
  t.after(() => {
    source.close();
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  const startMs = performance.now();
  assert.equal((await source.observe()).known, false);
  assert.ok(performance.now() - startMs < 1_500);
});

function sandboxesOf(bytes: number): object[] {
  const text = 'x'.repeat(10_000);
  return Array.from({ length: Math.ceil(bytes / 10_000) }, (_, i) =>
    sandbox(`s${i}`, `u${i}`, { annotations: { text } }),
  );
}

test('answers of almost 16 MiB, the limit of the kubelet as well, are read', async (t) => {
  const { server, source } = await serve(t);
  server.sandboxes = sandboxesOf(15_000_000);
  const view = await source.observe();
  assert.ok(view.known && view.value.pods.length === 1_500, JSON.stringify(view).slice(0, 200));
});

test('an answer beyond 16 MiB is unknown and not an empty list, and the next one is read again', async (t) => {
  const { server, source } = await serve(t);
  server.sandboxes = sandboxesOf(18_000_000);
  const view = await source.observe();
  assert.ok(!view.known && /ListPodSandbox: .*larger than max/.test(view.reason), JSON.stringify(view));
  server.sandboxes = [sandbox('s1', 'u1')];
  assert.equal((await source.observe()).known, true);
});

test('a runtime that is killed in the middle of a call is unknown at once, and known when it is back', async (t) => {
  const { server, source } = await serve(t);
  server.sandboxes = [sandbox('s1', 'u1')];
  server.silent.add('ListContainers');
  const startMs = performance.now();
  const looking = source.observe();
  await until('the call', () => server.calls.includes('ListContainers'));
  server.stop();
  const view = await looking;
  assert.ok(!view.known, JSON.stringify(view));
  assert.ok(performance.now() - startMs < 1_500, 'it waited for the deadline');
  server.silent.clear();
  await server.start();
  const again = await source.observe();
  assert.ok(again.known && again.value.pods.length === 1, JSON.stringify(again));
});

test('images are listed once, and again for new containers or when asked', async (t) => {
  const { server, source } = await serve(t);
  const listed = () => server.calls.filter((call) => call === 'ListImages').length;
  server.sandboxes = [sandbox('s1', 'u1')];
  await source.observe();
  await source.observe();
  assert.equal(listed(), 1);
  server.containers = [container('c1', 's1')];
  await source.observe();
  await until('a container may have brought its image along', () => listed() === 2);
  server.images = [{ id: 'sha256:9', repo_tags: [], repo_digests: [] }];
  const view = await source.observe({ images: true });
  assert.equal(listed(), 3);
  assert.ok(view.known && view.value.images.has('sha256:9'));
});

test('ending a back-off removes the ended containers of that pod alone, then stops its sandbox', async (t) => {
  const { server, source } = await serve(t);
  const of = (uid: string, state: number) => ({ state, labels: { 'io.kubernetes.pod.uid': uid } });
  server.containers = [
    container('ended', 's1', of('u1', 2)),
    container('ended-before-the-boot', 's0', of('u1', 2)),
    container('runs', 's1', of('u1', 1)),
    container('of-another', 's2', of('u2', 2)),
  ];
  assert.deepEqual(await source.endBackOff('u1', 's1'), { known: true, value: true });
  const done = server.calls.filter((call) => call.includes(' '));
  assert.deepEqual(done.slice(0, 2).sort(), ['remove ended', 'remove ended-before-the-boot']);
  assert.deepEqual(done.slice(2), ['stop s1']);
});

test('the ended containers of a pod are removed without ending its sandbox, where none is named', async (t) => {
  const { server, source } = await serve(t);
  server.containers = [container('ended', 's1', { state: 2, labels: { 'io.kubernetes.pod.uid': 'u1' } })];
  assert.deepEqual(await source.endBackOff('u1'), { known: true, value: true });
  assert.deepEqual(
    server.calls.filter((call) => call.includes(' ')),
    ['remove ended'],
  );
});

test('containers are removed by their ids, also while they run, and no sandbox is stopped', async (t) => {
  const { server, source } = await serve(t);
  server.containers = [container('runs', 's1', { state: 1 }), container('other', 's1', { state: 1 })];
  assert.deepEqual(await source.removeContainers(['runs']), { known: true, value: true });
  assert.deepEqual(
    server.calls.filter((call) => call.includes(' ')),
    ['remove runs'],
  );
  server.silent.add('RemoveContainer');
  assert.equal((await source.removeContainers(['other'])).known, false);
});

test('a back-off is not ended in part: a removal that fails leaves the sandbox alone', async (t) => {
  const { server, source } = await serve(t);
  server.containers = [container('ended', 's1', { state: 2, labels: { 'io.kubernetes.pod.uid': 'u1' } })];
  server.silent.add('RemoveContainer');
  const answer = await source.endBackOff('u1', 's1');
  assert.equal(answer.known, false);
  assert.ok(!server.calls.some((call) => call.startsWith('stop')));
});
