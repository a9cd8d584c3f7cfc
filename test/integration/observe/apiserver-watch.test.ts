// List and watch against an apiserver that behaves well, and that misbehaves as real ones do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { pod, podNames, SmallApi, sourceFor } from './small-api.ts';
import { until } from './until.ts';

const PODS = '/api/v1/pods';

test('pods are listed, then followed by the watch', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t);
  assert.equal(podNames(source), 'unknown', 'before the first list');
  await until('the first list', () => podNames(source) === 'a');
  await until('the watch', () => api.watches.length === 1);
  let changes = 0;
  source.onChange(() => changes++);
  api.put(pod('b'));
  await until('an added pod', () => podNames(source) === 'a,b');
  api.put(pod('b', { labels: { changed: 'yes' } }));
  await until('a modified pod', () => {
    const pods = source.pods();
    return pods.known && pods.value.some((item) => item.metadata?.labels?.changed === 'yes');
  });
  api.remove('Pod', 'a');
  await until('a deleted pod', () => podNames(source) === 'b');
  await until('a hint for each', () => changes >= 3);
  assert.deepEqual(source.node(), {
    known: true,
    value: { name: 'n1', uid: 'node-uid', labels: { role: 'master' }, taints: [] },
  });
  const [list] = api.lists(PODS);
  assert.equal(list?.query.get('fieldSelector'), 'spec.nodeName=n1');
  assert.equal(list?.query.has('resourceVersion'), false, 'a quorum read');
  const [watch] = api.watchRequests(PODS);
  assert.equal(watch?.query.get('allowWatchBookmarks'), 'true');
  const seconds = Number(watch?.query.get('timeoutSeconds'));
  assert.ok(seconds >= 240 && seconds <= 300, `timeoutSeconds ${seconds}`);
});

test('a bookmark moves the point from which the next watch goes on, and changes nothing else', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t, { backOffMsMin: 20 });
  await until('the watch', () => api.watches.length === 1);
  api.emit('BOOKMARK', { kind: 'Pod', metadata: { resourceVersion: '777' } });
  api.endWatches();
  await until('the next watch', () => api.watchRequests(PODS).length === 2);
  assert.equal(api.watchRequests(PODS)[1]?.query.get('resourceVersion'), '777');
  assert.equal(api.lists(PODS).length, 1, 'no list is needed after an ordinary end');
  assert.equal(podNames(source), 'a');
});

for (const how of ['status', 'event'] as const) {
  test(`410 as ${how} lists again without a resourceVersion`, async (t) => {
    const api = new SmallApi();
    api.put(pod('a'));
    let gone = 1;
    const status = { kind: 'Status', code: 410, message: 'too old resource version' };
    if (how === 'status') {
      api.override = (request) =>
        request.query.has('watch') && gone-- > 0 ? { status: 410, body: status } : undefined;
    } else {
      api.onWatch = (response) => {
        if (gone-- > 0) response.write(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      };
    }
    const source = await sourceFor(api, t, { backOffMsMin: 20 });
    await until('the second list', () => api.lists(PODS).length === 2);
    await until('a live watch', () => api.watchRequests(PODS).length === 2 && podNames(source) === 'a');
    assert.equal(api.lists(PODS)[1]?.query.has('resourceVersion'), false);
    assert.equal(source.state().name, 'serving');
  });
}

test('"Too large resource version" after a restored etcd lists again', async (t) => {
  const api = new SmallApi();
  api.revision = 9000;
  const source = await sourceFor(api, t, { backOffMsMin: 20 });
  await until('the watch', () => api.watches.length === 1);
  const status = { kind: 'Status', code: 504, message: 'Too large resource version: 9000, current: 11' };
  api.override = ({ query }) =>
    Number(query.get('resourceVersion')) > 8000 ? { status: 504, body: status } : undefined;
  api.endWatches();
  api.revision = 10;
  api.put(pod('restored')); // no watch is open that could tell of it
  await until('the state after the restore', () => podNames(source) === 'restored');
});

test('events are put together from bytes cut anywhere', async (t) => {
  const api = new SmallApi();
  const source = await sourceFor(api, t);
  await until('the watch', () => api.watches.length === 1);
  const line = Buffer.from(
    `${JSON.stringify({ type: 'ADDED', object: pod('a', { annotations: { name: 'Zürich €' } }) })}\n`,
  );
  const socket = api.watches[0]?.response;
  for (const byte of line) {
    socket?.write(Buffer.of(byte));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('the pod', () => podNames(source) === 'a');
  const pods = source.pods();
  assert.equal(pods.known && pods.value[0]?.metadata?.annotations?.name, 'Zürich €');
});

test('a stream that closes at once does not spin, and the pods stay known', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  api.onWatch = (response) => void response.end();
  const source = await sourceFor(api, t);
  const startMs = performance.now();
  await until('three watches', () => api.watchRequests(PODS).length === 3, 6_000);
  assert.ok(performance.now() - startMs > 700, 'pauses of at least 250 and 500 ms lie between three watches');
  const asked = api.requests.map(({ path }) => path).filter((path) => path !== '/readyz');
  assert.ok(asked.length <= 9, `${asked.length} requests: ${asked.join(' ')}`);
  assert.equal(podNames(source), 'a');
});

test('a watch that breaks off makes the pods unknown until they are listed again', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t, { backOffMsMin: 100 });
  await until('the watch', () => api.watches.length === 1);
  const seen: string[] = [];
  source.onChange(() => seen.push(podNames(source)));
  api.watches[0]?.response.destroy();
  await until('the second watch', () => api.watchRequests(PODS).length === 2);
  assert.equal(seen[0], 'unknown');
  assert.equal(podNames(source), 'a');
  assert.equal(source.state().name, 'serving');
});

test('a silent stream is given up after the body timeout', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t, { bodyTimeoutMs: 1_000, backOffMsMin: 20 });
  await until('the first watch', () => api.watchRequests(PODS).length === 1);
  await until('the second list', () => api.lists(PODS).length === 2, 6_000);
  await until('the pods', () => podNames(source) === 'a');
});

test('an answer that is not a list does not read as an empty list', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  api.override = ({ path, query }) =>
    path === PODS && !query.has('limit') ? { status: 200, body: { message: 'welcome' } } : undefined;
  const source = await sourceFor(api, t, { backOffMsMin: 20 });
  await until('two attempts', () => api.lists(PODS).length === 2);
  assert.deepEqual(source.pods(), { known: false, reason: '/api/v1/pods: the answer is not a list' });
});

test('the Node is known while the list of pods is still awaited, and no longer than its answer would be', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  let silent = true;
  api.override = ({ path, query }) => (silent && path === PODS && !query.has('limit') ? 'silent' : undefined);
  const source = await sourceFor(api, t);
  let changes = 0;
  source.onChange(() => changes++);
  await until('the Node', () => source.node().known);
  assert.ok(changes > 0, 'it is told');
  assert.equal(podNames(source), 'unknown');
  await api.stop();
  await until('away', () => source.state().name === 'away');
  assert.equal(source.node().known, false);
  silent = false;
  await api.start();
  await until('the pods', () => podNames(source) === 'a', 1_500);
  assert.equal(source.node().known, true);
});

test('a Node that is registered later is found without another list', async (t) => {
  const api = new SmallApi();
  const node = api.objects.splice(0);
  const source = await sourceFor(api, t, { backOffMsMin: 20 });
  await until('the pods', () => source.pods().known);
  assert.deepEqual(source.node(), {
    known: false,
    reason: 'GET /api/v1/nodes/n1: 404: /api/v1/nodes/n1 not found',
  });
  api.objects.push(...node);
  await until('the node', () => source.node().known, 2_000);
  assert.equal(api.lists(PODS).length, 1);
});

test('at rest nothing is asked but the watches', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  api.put({ kind: 'Secret', metadata: { name: 's', namespace: 'kube-system' }, data: {} });
  const source = await sourceFor(api, t);
  await until('the pods', () => podNames(source) === 'a');
  const ref = { kind: 'Secret', namespace: 'kube-system', name: 's' } as const;
  await until('the secret', () => source.object(ref).known);
  await until('both watches', () => api.watches.length === 2);
  await until('it is ready', () => isDeepStrictEqual(source.state(), { name: 'serving' }));
  const before = api.requests.length;
  await new Promise((resolve) => setTimeout(resolve, 3_000)); // the absence of requests can only be waited for
  source.object(ref);
  assert.equal(api.requests.length, before);
  assert.equal(podNames(source), 'a');
});
