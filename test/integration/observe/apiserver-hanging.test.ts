// An apiserver that waits for its etcd has its port open and answers no TLS handshake. A probe is over when its time is,
// not when the connection gives up: after a boot, seconds of that were seen on a real node.

import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { it } from 'node:test';
import { ApiClient } from '../../../lib/observe/apiserver/http.ts';
import { API_TIMING } from '../../../lib/observe/apiserver/timing.ts';
import { bareIdentity } from './bare-identity.ts';

it('a probe of a port that accepts and says nothing ends in its own time', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const identity = bareIdentity(`https://127.0.0.1:${port}`);
  const client = new ApiClient(identity, API_TIMING);
  try {
    const beganAt = performance.now();
    const answer = await client.get('/api/v1/pods', { timeoutMs: 300 });
    const tookMs = performance.now() - beganAt;
    assert.equal(answer.ok, false);
    assert.ok(tookMs < 2_000, `it took ${Math.round(tookMs)} ms`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    await client.close();
  }
});

/** Answers every request, and keeps its connections; one for /slow when `release` is called. */
async function keepingServer() {
  const sockets: Socket[] = [];
  let release: () => void = () => {};
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('data', (request) => {
      const wait = String(request).includes('/slow') ? slow : Promise.resolve();
      void wait.then(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}'));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, sockets, release, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

it('once nobody listens, connections that are open still are asked nothing', async () => {
  const { server, sockets, release, url } = await keepingServer();
  const client = new ApiClient(bareIdentity(url), API_TIMING);
  try {
    const slow = client.get('/slow');
    assert.equal((await client.get('/quick')).ok, true);
    sockets.find((_, i) => i > 0)?.destroy();
    server.close();
    const refused = await client.get('/quick');
    assert.ok(!refused.ok && refused.cause === 'refused', JSON.stringify(refused));
    release();
    assert.equal((await slow).ok, true, 'what was under way goes on');
    // Its connection is free for others a moment after the answer.
    for (let i = 0; i < 20; i += 1) {
      const again = await client.get('/quick');
      assert.ok(!again.ok && again.cause === 'refused', JSON.stringify(again));
      await new Promise(setImmediate);
    }
  } finally {
    for (const socket of sockets) socket.destroy();
    await client.close();
  }
});
