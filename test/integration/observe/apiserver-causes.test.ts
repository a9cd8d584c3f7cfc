// Each way in which an API is not there, made on a real socket, and the one word that tells it from the others.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createApiSource } from '../../../lib/observe/apiserver/source.ts';
import { loadIdentity } from '../../../lib/observe/kubeconfig.ts';
import type { ApiState } from '../../../lib/types/observation.ts';
import { type Pair, Pki } from './pki.ts';
import { SmallApi } from './small-api.ts';

const PROBE_MS = 500;

interface Server {
  readonly url: string;
  /** The kubeconfig's, PEM; absent: the certificate is not verified. */
  readonly ca?: string;
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'causes-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

async function probed(t: TestContext, { url, ca }: Server, tokenFile?: string): Promise<ApiState> {
  const file = join(directory(t), 'kubeconfig');
  const trust =
    ca === undefined
      ? { 'insecure-skip-tls-verify': true }
      : { 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  const user = tokenFile === undefined ? { token: 'kubelet' } : { tokenFile };
  const config = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: url, ...trust } }],
    users: [{ name: 'u', user }],
  };
  writeFileSync(file, JSON.stringify(config));
  const identity = await loadIdentity(file);
  if (tokenFile !== undefined) rmSync(tokenFile);
  const source = createApiSource({ identity, nodeName: 'n1' });
  t.after(() => source.close());
  return source.probe(PROBE_MS);
}

/** A TCP server that treats every connection so. */
async function listening(t: TestContext, treat: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    treat(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function answering(t: TestContext, status: number, tls?: Pair): Promise<SmallApi> {
  const api = new SmallApi(tls);
  api.override = () => ({ status, body: { kind: 'Status', message: 'so' } });
  await api.start();
  t.after(() => api.stop());
  return api;
}

function causeOf(state: ApiState): string {
  return 'cause' in state ? `${state.name} ${state.cause}` : state.name;
}

describe('what the API source says of a server that', () => {
  it('is not there: refused', async (t) => {
    const api = new SmallApi();
    await api.start();
    const { url } = api;
    await api.stop();
    assert.equal(causeOf(await probed(t, { url })), 'away refused');
  });

  it('accepts and says nothing: timed out', async (t) => {
    const address = await listening(t, () => {});
    assert.equal(causeOf(await probed(t, { url: `http://${address}` })), 'away timed-out');
    assert.equal(causeOf(await probed(t, { url: `https://${address}` })), 'away timed-out');
  });

  it('has no address: unreachable', async (t) => {
    assert.equal(causeOf(await probed(t, { url: 'https://255.255.255.255:6443' })), 'away unreachable');
  });

  it('closes every connection: cut off', async (t) => {
    const address = await listening(t, (socket) => socket.destroy());
    assert.equal(causeOf(await probed(t, { url: `http://${address}` })), 'away cut-off');
    assert.equal(causeOf(await probed(t, { url: `https://${address}` })), 'away cut-off');
  });

  it('speaks something else: a stranger', async (t) => {
    const address = await listening(t, (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    assert.equal(causeOf(await probed(t, { url: `http://${address}` })), 'away stranger');
    assert.equal(causeOf(await probed(t, { url: `https://${address}` })), 'away stranger');
  });

  for (const [status, expected] of [
    [401, 'denied unauthorized'],
    [403, 'denied forbidden'],
    [404, 'away stranger'],
    [429, 'away throttled'],
    [500, 'away failing'],
    [503, 'away failing'],
  ] as const) {
    it(`answers ${status}: ${expected}`, async (t) => {
      const { url } = await answering(t, status);
      assert.equal(causeOf(await probed(t, { url })), expected);
    });
  }

  it('has a certificate of another CA: another cluster, and of ours for another address: certificate', async (t) => {
    const [ours, theirs] = [new Pki(), new Pki()];
    const { url } = await answering(t, 200, theirs.server());
    assert.equal(causeOf(await probed(t, { url, ca: ours.ca })), 'away another-cluster');
    const elsewhere = url.replace('127.0.0.1', 'localhost');
    assert.equal(causeOf(await probed(t, { url: elsewhere, ca: theirs.ca })), 'away certificate');
  });

  it('cannot be asked since the credentials are gone: no identity, and the file is named', async (t) => {
    const { url } = await answering(t, 200);
    const token = join(directory(t), 'token');
    writeFileSync(token, 'kubelet');
    const state = await probed(t, { url }, token);
    assert.equal(causeOf(state), 'away no-identity');
    assert.ok('detail' in state && state.detail.includes(token));
  });
});
