// The kubelet's certificate over real TLS: who the node is, and that rotation is followed.

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createApiSource } from '../../../lib/observe/apiserver/source.ts';
import { IdentityError, loadIdentity } from '../../../lib/observe/kubeconfig.ts';
import { type Pair, Pki } from './pki.ts';
import { pod, podNames, SmallApi } from './small-api.ts';
import { until } from './until.ts';

let pki: Pki;
before(() => {
  pki = new Pki();
});

/** As kubeadm lays it out: one PEM that is replaced by renaming. */
function kubeletFiles(server: string, first: Pair) {
  const dir = mkdtempSync(join(tmpdir(), 'observe-kubelet-'));
  const current = join(dir, 'kubelet-client-current.pem');
  const rotateTo = ({ cert, key }: Pair) => {
    writeFileSync(`${current}.new`, cert + key);
    renameSync(`${current}.new`, current);
  };
  rotateTo(first);
  const config = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'k', user: 'kubelet' } }],
    clusters: [
      {
        name: 'k',
        cluster: { server, 'certificate-authority-data': Buffer.from(pki.ca).toString('base64') },
      },
    ],
    users: [
      {
        name: 'kubelet',
        user: { 'client-certificate': 'kubelet-client-current.pem', 'client-key': current },
      },
    ],
  };
  const kubeconfig = join(dir, 'kubelet.conf');
  writeFileSync(kubeconfig, JSON.stringify(config));
  return { kubeconfig, current, rotateTo };
}

async function secureApi(t: { after(fn: () => Promise<void>): void }): Promise<SmallApi> {
  const api = new SmallApi({ ...pki.server(), ca: pki.ca, requestCert: true, rejectUnauthorized: true });
  await api.start();
  t.after(() => api.stop());
  return api;
}

test('a rotated certificate is used from the next request on', async (t) => {
  const api = await secureApi(t);
  api.put(pod('a'));
  const [first, second] = [pki.kubelet('n1'), pki.kubelet('n1')];
  const files = kubeletFiles(api.url, first);
  const identity = await loadIdentity(files.kubeconfig);
  assert.equal(await identity.nodeName(), 'n1');
  assert.ok(identity.files.includes(files.current));
  const source = createApiSource({ identity, nodeName: 'n1', timing: { backOffMsMin: 20 } });
  t.after(() => source.close());
  source.start();
  await until('the watch', () => api.watches.length === 1 && podNames(source) === 'a');
  const serials = new Set(api.requests.map(({ clientSerial }) => clientSerial));
  assert.equal(serials.size, 1);
  files.rotateTo(second);
  const seen = api.requests.length;
  api.endWatches();
  await until('the next watch', () => api.watches.length === 1);
  assert.ok(api.requests.length > seen);
  assert.ok(
    api.requests.slice(seen).every(({ clientSerial }) => !serials.has(clientSerial)),
    'only the new certificate',
  );
  assert.equal(podNames(source), 'a');
});

test('after a 401 the connections are made anew', async (t) => {
  const api = await secureApi(t);
  const identity = await loadIdentity(kubeletFiles(api.url, pki.kubelet('n1')).kubeconfig);
  const source = createApiSource({ identity, nodeName: 'n1', timing: { probeIntervalMs: 10_000 } });
  t.after(() => source.close());
  const ports = () => api.requests.map(({ clientPort }) => clientPort);
  // Apart in time, so that a connection is idle, and used again, when the next probe comes.
  const probe = () => setTimeout(20).then(async () => (await source.probe(1_000)).name);
  await until('a connection that is used again', async () => {
    await probe();
    return ports().at(-1) === ports().at(-2);
  });
  // An apiserver judges each request by the certificate its connection was opened with.
  const expired = new Set(ports());
  api.override = ({ clientPort }) => (expired.has(clientPort) ? { status: 401, body: {} } : undefined);
  assert.equal(await probe(), 'denied');
  assert.equal(await probe(), 'serving');
});

test('a server of another cluster is away, and its certificate is not accepted', async (t) => {
  const other = new Pki();
  const api = new SmallApi({ ...other.server() });
  await api.start();
  t.after(() => api.stop());
  const identity = await loadIdentity(kubeletFiles(api.url, pki.kubelet('n1')).kubeconfig);
  const source = createApiSource({ identity, nodeName: 'n1' });
  t.after(() => source.close());
  const state = await source.probe(1_000);
  assert.ok(state.name === 'away' && /certificate/.test(state.detail), JSON.stringify(state));
  assert.equal(api.requests.length, 0);
});

test('a missing certificate file is named with its field', async () => {
  const files = kubeletFiles('https://127.0.0.1:1', pki.kubelet('n1'));
  rmSync(files.current);
  await assert.rejects(loadIdentity(files.kubeconfig), (error: Error) => {
    assert.ok(error instanceof IdentityError);
    assert.match(
      error.message,
      /users\[kubelet\]\.user\.client-certificate: .*kubelet-client-current\.pem cannot be read \(ENOENT\); mount it/,
    );
    return true;
  });
});
