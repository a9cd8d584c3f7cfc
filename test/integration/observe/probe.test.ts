// A pod's own probes, asked on this node as the kubelet asks them.

import assert from 'node:assert/strict';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { V1Pod, V1Probe } from '@kubernetes/client-node';
import { probePod } from '../../../lib/observe/probe.ts';
import { Pki } from './pki.ts';

type Ends = { after(fn: () => void): void };

async function listen(t: Ends, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function podWith(
  readinessProbe: V1Probe | undefined,
  rest: { livenessProbe?: V1Probe; hostNetwork?: boolean } = {},
): V1Pod {
  const { livenessProbe, hostNetwork = true } = rest;
  const ports = [{ name: 'named', containerPort: 1 }];
  return {
    spec: {
      hostNetwork,
      containers: [
        {
          name: 'c',
          ports,
          ...(readinessProbe && { readinessProbe }),
          ...(livenessProbe && { livenessProbe }),
        },
      ],
    },
  };
}

function answering(status: number, seen: IncomingMessage[] = []): RequestListener {
  return (request, response) => {
    seen.push(request);
    response.writeHead(status).end('body');
  };
}

for (const [status, expected] of [
  [200, true],
  [302, true],
  [399, true],
  [400, false],
  [500, false],
] as const) {
  test(`an HTTP probe that answers ${status} is ${expected}`, async (t) => {
    const port = await listen(t, createHttpServer(answering(status)));
    assert.deepEqual(await probePod(podWith({ httpGet: { path: '/healthz', port } })), {
      known: true,
      value: expected,
    });
  });
}

test('path and headers go along; a named port is looked up', async (t) => {
  const seen: IncomingMessage[] = [];
  const port = await listen(t, createHttpServer(answering(200, seen)));
  const pod = podWith({
    httpGet: { path: 'livez?verbose', port: 'named', httpHeaders: [{ name: 'X-Probe', value: 'yes' }] },
  });
  Object.assign(pod.spec?.containers[0]?.ports?.[0] ?? {}, { containerPort: port });
  assert.deepEqual(await probePod(pod), { known: true, value: true });
  assert.equal(seen[0]?.url, '/livez?verbose');
  assert.equal(seen[0]?.headers['x-probe'], 'yes');
});

test('HTTPS is asked without verifying the certificate', async (t) => {
  const port = await listen(t, createHttpsServer({ ...new Pki().server() }, answering(200)));
  const pod = podWith({ httpGet: { path: '/', port, scheme: 'HTTPS' } });
  assert.deepEqual(await probePod(pod), { known: true, value: true });
});

test('nobody listening is false', async (t) => {
  const server = createHttpServer();
  const port = await listen(t, server);
  await new Promise((resolve) => server.close(resolve));
  assert.deepEqual(await probePod(podWith({ httpGet: { path: '/', port } })), { known: true, value: false });
  assert.deepEqual(await probePod(podWith({ tcpSocket: { port } })), { known: true, value: false });
});

test('no answer within timeoutSeconds is false', async (t) => {
  const port = await listen(
    t,
    createHttpServer(() => {}),
  );
  const startMs = performance.now();
  assert.deepEqual(await probePod(podWith({ httpGet: { path: '/', port }, timeoutSeconds: 1 })), {
    known: true,
    value: false,
  });
  const tookMs = performance.now() - startMs;
  assert.ok(tookMs > 900 && tookMs < 2_500, `${tookMs} ms`);
});

test('a TCP probe is true when somebody listens', async (t) => {
  const port = await listen(t, createHttpServer());
  assert.deepEqual(await probePod(podWith({ tcpSocket: { port } })), { known: true, value: true });
});

test('readiness is asked before liveness, and liveness where there is no readiness', async (t) => {
  const good = { httpGet: { path: '/', port: await listen(t, createHttpServer(answering(200))) } };
  const bad = { httpGet: { path: '/', port: await listen(t, createHttpServer(answering(500))) } };
  assert.deepEqual(await probePod(podWith(bad, { livenessProbe: good })), { known: true, value: false });
  assert.deepEqual(await probePod(podWith(undefined, { livenessProbe: good })), { known: true, value: true });
});

test('HTTP/2 without TLS is not spoken here, so it is not asked', async (t) => {
  const port = await listen(t, createHttpServer(answering(200)));
  const httpGet = { port, protocol: 'HTTP2' };
  assert.equal(await probePod(podWith({ httpGet })), undefined);
  assert.deepEqual(
    await probePod(podWith({ httpGet: { ...httpGet, protocol: 'HTTP1' } as typeof httpGet })),
    {
      known: true,
      value: true,
    },
  );
});

test('exec and gRPC probes, or none, cannot be asked from here', async () => {
  assert.equal(await probePod(podWith({ exec: { command: ['true'] } })), undefined);
  assert.equal(await probePod(podWith({ grpc: { port: 1 } })), undefined);
  assert.equal(await probePod(podWith(undefined)), undefined);
});

test('a pod with a network of its own needs its address', async (t) => {
  const port = await listen(t, createHttpServer(answering(200)));
  const pod = podWith({ httpGet: { path: '/', port } }, { hostNetwork: false });
  const reason = "container c: the pod's address is not known";
  assert.deepEqual(await probePod(pod), { known: false, reason });
  assert.deepEqual(await probePod(pod, '127.0.0.1'), { known: true, value: true });
});

test('one container that does not answer is enough for false', async (t) => {
  const good = { httpGet: { path: '/', port: await listen(t, createHttpServer(answering(200))) } };
  const bad = { httpGet: { path: '/', port: await listen(t, createHttpServer(answering(500))) } };
  const containers = [good, bad].map((readinessProbe, i) => ({ name: `c${i}`, readinessProbe }));
  assert.deepEqual(await probePod({ spec: { hostNetwork: true, containers } }), {
    known: true,
    value: false,
  });
});
