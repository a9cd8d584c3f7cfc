// The admin socket: HTTP on a unix socket in the run directory, for root of this node only. `agent status` reads it;
// another instance asks through it to take over as guard.

import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { ensureDir, remove } from 'fs-extra/esm';
import { Client } from 'undici';
import type { StatusReport } from './report.ts';

export function socketPath(runDir: string): string {
  return join(runDir, 'agent.sock');
}

export interface SocketHandlers {
  status(): StatusReport | undefined;
  metrics(): Promise<string>;
  /** A newer instance is ready to be the guard: let go of the lock and end. */
  yield(): void;
  forget(workload: string): Promise<string>;
}

export interface AdminSocket {
  close(): Promise<void>;
}

/** Serves on the socket, replacing one that a dead process left. The caller holds the guard lock. */
export async function serveSocket(runDir: string, handlers: SocketHandlers): Promise<AdminSocket> {
  await ensureDir(runDir, 0o700);
  const path = socketPath(runDir);
  await remove(path);
  const server = createServer((request, response) => {
    answer(request, response, handlers).catch((error: Error) => send(response, 500, error.message));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: SocketHandlers,
): Promise<void> {
  request.resume();
  const url = new URL(request.url ?? '/', 'http://agent');
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /status': {
      const status = handlers.status();
      return status === undefined
        ? send(response, 503, 'the agent has only just started')
        : send(response, 200, JSON.stringify(status));
    }
    case 'GET /metrics':
      return send(response, 200, await handlers.metrics());
    case 'POST /yield':
      send(response, 202, 'yielding');
      return handlers.yield();
    case 'POST /forget':
      return send(response, 200, await handlers.forget(url.searchParams.get('workload') ?? ''));
    default:
      return send(response, 404, `no ${url.pathname} here; there are /status and /metrics`);
  }
}

function send(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Asks the agent on this node. Undefined when none listens; errors when it answers with a failure. */
export async function askAgent(
  runDir: string,
  method: 'GET' | 'POST',
  path: string,
  timeoutMs = 3_000,
): Promise<string | undefined> {
  const client = new Client('http://agent', {
    socketPath: socketPath(runDir),
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  try {
    const { statusCode, body } = await client.request({ method, path });
    const text = await body.text();
    if (statusCode >= 400) throw new Error(`${socketPath(runDir)}: ${text}`);
    return text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'UND_ERR_SOCKET') return undefined;
    throw error;
  } finally {
    await client.close();
  }
}
