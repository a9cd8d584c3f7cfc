// What the agent asks the API to do: exactly these bodies, and every refusal is unknown with the reason.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiSource } from '../../../lib/observe/apiserver/source.ts';
import { identityFor, SmallApi } from './small-api.ts';

const POD = { namespace: 'kube-system', name: 'p', uid: 'uid-p' };
const TOKEN = { namespace: 'kube-system', serviceAccount: 'scheduler', expirationSeconds: 3607 };

async function serve(t: { after(fn: () => Promise<void>): void }, answer: { status: number; body: unknown }) {
  const api = new SmallApi();
  api.override = () => answer;
  await api.start();
  const source = createApiSource({ identity: await identityFor(api.url), nodeName: 'n1' });
  t.after(async () => {
    await source.close();
    await api.stop();
  });
  return { api, source };
}

test('a token is asked for, bound to the pod, and read from the answer', async (t) => {
  const status = { token: 'ey.token', expirationTimestamp: '2026-12-01T00:00:00Z' };
  const { api, source } = await serve(t, { status: 201, body: { kind: 'TokenRequest', status } });
  const token = await source.token(POD, { ...TOKEN, audience: 'vault' });
  assert.deepEqual(token, {
    known: true,
    value: { token: 'ey.token', expiresAtMs: Date.parse('2026-12-01T00:00:00Z') },
  });
  const [request] = api.requests;
  assert.equal(request?.method, 'POST');
  assert.equal(request?.path, '/api/v1/namespaces/kube-system/serviceaccounts/scheduler/token');
  assert.deepEqual(JSON.parse(request?.body ?? ''), {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: {
      audiences: ['vault'],
      expirationSeconds: 3607,
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'uid-p' },
    },
  });
});

test('without an audience the server chooses its own', async (t) => {
  const { api, source } = await serve(t, { status: 201, body: {} });
  const token = await source.token(POD, TOKEN);
  assert.ok(
    !token.known && token.reason.endsWith('the answer holds no token'),
    'an empty answer is no token',
  );
  assert.deepEqual(JSON.parse(api.requests[0]?.body ?? '').spec.audiences, []);
});

test('a refused token is unknown, with the server`s words', async (t) => {
  const { source } = await serve(t, {
    status: 403,
    body: { kind: 'Status', message: 'node requested token\nnot bound' },
  });
  const reason =
    'POST /api/v1/namespaces/kube-system/serviceaccounts/scheduler/token: 403: node requested token not bound';
  assert.deepEqual(await source.token(POD, TOKEN), { known: false, reason });
});

test('an Event names the pod and this node', async (t) => {
  const { api, source } = await serve(t, { status: 201, body: {} });
  const event = {
    pod: POD,
    type: 'Warning',
    reason: 'CheckpointActivated',
    message: 'the API is away',
  } as const;
  assert.deepEqual(await source.event(event), { known: true, value: true });
  const body = JSON.parse(api.requests[0]?.body ?? '');
  assert.equal(api.requests[0]?.path, '/api/v1/namespaces/kube-system/events');
  assert.deepEqual(body.involvedObject, { apiVersion: 'v1', kind: 'Pod', ...POD });
  assert.deepEqual(body.source, { component: 'checkpoint-agent', host: 'n1' });
  assert.deepEqual(
    [body.type, body.reason, body.message],
    ['Warning', 'CheckpointActivated', 'the API is away'],
  );
  assert.match(body.metadata.name, /^p\.[0-9a-f]+$/);
});

test('an Event about the Node stands where the kubelet`s own stand, with the time it happened', async (t) => {
  const { api, source } = await serve(t, { status: 201, body: {} });
  await source.event({
    type: 'Warning',
    reason: 'CheckpointHeld',
    message: 'held',
    atMs: Date.UTC(2026, 0, 2),
  });
  const request = api.requests.find(({ method }) => method === 'POST');
  assert.equal(request?.path, '/api/v1/namespaces/default/events');
  const body = JSON.parse(request?.body ?? '{}');
  assert.deepEqual(body.involvedObject, { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'n1' });
  assert.equal(body.firstTimestamp, '2026-01-02T00:00:00Z');
  assert.match(body.metadata.name, /^n1\.[0-9a-f]+$/);
});
