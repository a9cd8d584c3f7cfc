// Recognising that the API is away, denied, or back; and that nothing ever becomes empty because of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiSource } from '../../../lib/observe/apiserver/source.ts';
import { identityFor, pod, podNames, type SeenRequest, SmallApi, sourceFor } from './small-api.ts';
import { until } from './until.ts';

test('a server that goes and comes back is noticed within a second, each way', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t);
  await until('the pods', () => podNames(source) === 'a');
  await api.stop();
  await until('away', () => source.state().name === 'away', 500);
  assert.equal(podNames(source), 'unknown');
  assert.equal(source.node().known, false);
  await until(
    'three failed probes',
    () => {
      const state = source.state();
      return state.name === 'away' && state.failedProbes >= 3;
    },
    1_000,
  );
  api.put(pod('b'));
  await api.start();
  const readyMs = performance.now();
  await until('serving', () => source.state().name === 'serving', 1_000);
  await until('the new list', () => podNames(source) === 'a,b', 1_000);
  assert.ok(
    performance.now() - readyMs < 600,
    `${performance.now() - readyMs} ms after the server was ready`,
  );
});

for (const status of [401, 403, 429, 500, 503]) {
  const expected = status < 404 ? 'denied' : 'away';
  test(`${status} reads as ${expected}, and nothing becomes empty`, async (t) => {
    const api = new SmallApi();
    api.put(pod('a'));
    api.put({ kind: 'Secret', metadata: { name: 's', namespace: 'kube-system' }, data: {} });
    const source = await sourceFor(api, t, { backOffMsMin: 20 });
    const ref = { kind: 'Secret', namespace: 'kube-system', name: 's' } as const;
    await until('pods and secret', () => podNames(source) === 'a' && source.object(ref).known);
    api.override = () => ({ status, body: { kind: 'Status', message: 'not now' } });
    api.endWatches();
    await until(expected, () => source.state().name === expected);
    const pods = source.pods();
    assert.ok(!pods.known && pods.reason.includes(`${status}: not now`), JSON.stringify(pods));
    assert.equal(source.object(ref).known, false);
    assert.equal(source.node().known, false);
    api.override = () => undefined;
    await until('all known again', () => podNames(source) === 'a' && source.object(ref).known, 1_500);
  });
}

test('a failing answer at the start is not an empty cluster', async (t) => {
  const api = new SmallApi();
  api.override = () => ({ status: 500, body: {} });
  const source = await sourceFor(api, t);
  await until('away', () => source.state().name === 'away');
  assert.equal(source.pods().known, false);
});

test('while away, probes and nothing else, about every 250 ms', async (t) => {
  const api = new SmallApi();
  const source = await sourceFor(api, t);
  await until('the watch', () => api.watches.length === 1);
  api.override = () => ({ status: 503, body: {} });
  api.endWatches();
  await until('away', () => source.state().name === 'away');
  const before = api.requests.length;
  const startMs = performance.now();
  await until('five more', () => api.requests.length >= before + 5);
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs > 900 && tookMs < 2_000, `five in ${tookMs} ms`);
  assert.ok(
    api.requests.slice(before).every(({ query }) => query.has('limit')),
    'only probes',
  );
});

test('a half-dead server that accepts and says nothing is found by a suspicion, without dropping the watch', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t, { probeTimeoutMs: 200 });
  await until('the watch', () => api.watches.length === 1);
  api.override = () => 'silent';
  assert.equal(source.state().name, 'serving');
  source.suspect();
  await until('away', () => source.state().name === 'away', 1_000);
  assert.equal(api.watches.length, 1, 'the watch is left alone');
  api.override = () => undefined;
  await until(
    'serving, with a new list',
    () => podNames(source) === 'a' && api.lists('/api/v1/pods').length === 2,
    1_500,
  );
});

test('a server that answers nobody has failed a few probes soon after it failed the first', async (t) => {
  const api = new SmallApi();
  const source = await sourceFor(api, t, { probeTimeoutMs: 5_000 });
  await until('the watch', () => api.watches.length === 1);
  api.override = () => 'silent';
  const state = await source.probe(700);
  assert.ok(state.name === 'away' && state.failedProbes === 1, JSON.stringify(state));
  const three = (): boolean => {
    const now = source.state();
    return now.name === 'away' && now.failedProbes >= 3;
  };
  await until('three', three, 2_500);
});

test('a suspicion against a healthy server costs one probe', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t);
  await until('the watch', () => api.watches.length === 1);
  const before = api.requests.length;
  source.suspect();
  await until('the probe', () => api.requests.length === before + 1);
  assert.equal((await source.probe(1_000)).name, 'serving');
  assert.equal(api.requests.length, before + 2);
  assert.equal(podNames(source), 'a');
});

test('one quick probe answers within its timeout', async (t) => {
  const api = new SmallApi();
  await api.start();
  api.override = () => 'silent';
  const source = createApiSource({ identity: await identityFor(api.url), nodeName: 'n1' });
  t.after(async () => {
    await source.close();
    await api.stop();
  });
  assert.deepEqual(source.state(), { name: 'unasked' });
  const startMs = performance.now();
  const state = await source.probe(300);
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs >= 290 && tookMs < 800, `${tookMs} ms`);
  assert.deepEqual(state, {
    name: 'away',
    cause: 'timed-out',
    detail: 'GET /api/v1/pods: timed out',
    failedProbes: 1,
  });
});

test('somebody else behind the address is not an apiserver', async (t) => {
  const api = new SmallApi();
  api.override = () => ({ status: 200, body: { login: 'please' } });
  const source = await sourceFor(api, t);
  await until('away', () => source.state().name === 'away');
  assert.equal(source.pods().known, false);
});

for (const hanging of ['/api/v1/pods', '/api/v1/nodes/n1']) {
  test(`a read of ${hanging} that hangs does not hold up the recovery`, async (t) => {
    const api = new SmallApi();
    api.put(pod('a'));
    const hangs = ({ path, query }: SeenRequest) => path === hanging && !query.has('limit');
    api.override = (request) => (hangs(request) ? 'silent' : undefined);
    const source = await sourceFor(api, t);
    await until('a request that hangs', () => api.requests.some(hangs));
    api.override = () => ({ status: 503, body: {} });
    source.suspect();
    await until('away', () => source.state().name === 'away');
    api.override = () => undefined;
    await until('the pods', () => podNames(source) === 'a', 1_500);
  });
}

test('a watch answered from a cache does not hide that lists fail', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t, { backOffMsMin: 10, probeTimeoutMs: 300 });
  await until('the watch', () => api.watches.length === 1);
  api.override = ({ query }) => (query.has('watch') ? undefined : 'silent');
  api.endWatches();
  await until('the next watch', () => api.watches.length === 1);
  await until('away', () => source.state().name === 'away', 1_000);
  assert.equal(podNames(source), 'unknown');
});
