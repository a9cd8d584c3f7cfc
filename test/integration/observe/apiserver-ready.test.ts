// An apiserver that has come back answers lists before it says that it is ready; the state tells the two apart.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { ApiClient } from '../../../lib/observe/apiserver/http.ts';
import { Readiness } from '../../../lib/observe/apiserver/readiness.ts';
import { API_TIMING } from '../../../lib/observe/apiserver/timing.ts';
import { bareIdentity } from './bare-identity.ts';

describe('readiness after a recovery', () => {
  it('ends when /readyz says so for a while, in plain text', async () => {
    let status = 500;
    let asked = 0;
    let ready = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      if (status === 200) ready += 1;
      response.writeHead(status).end(status === 200 ? 'ok' : 'not yet');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const identity = bareIdentity(`http://127.0.0.1:${port}`);
    const client = new ApiClient(identity, API_TIMING);
    const closing = new AbortController();
    try {
      await new Promise<void>((resolve) => {
        const readiness = new Readiness(
          () => client.get('/readyz', { text: true }),
          () => true,
          () => {
            assert.equal(readiness.starting(), false);
            assert.ok(ready > 1, 'one answer is no while');
            resolve();
          },
          closing.signal,
        );
        readiness.serving();
        assert.equal(readiness.starting(), true);
        const waiting = setInterval(() => {
          if (asked < 2) return;
          clearInterval(waiting);
          assert.equal(readiness.starting(), true, 'two refusals do not make it ready');
          status = 200;
        }, 5);
      });
    } finally {
      closing.abort();
      await client.close();
      server.close();
    }
  });
});
