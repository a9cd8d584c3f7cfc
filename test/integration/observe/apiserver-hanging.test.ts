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
