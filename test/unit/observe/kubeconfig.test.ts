// The kubelet's identity from its kubeconfig: every way to authenticate, and what is wrong said in one line.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findKubeconfig, IdentityError, loadIdentity } from '../../../lib/observe/kubeconfig.ts';
import { serviceAccountIdentity } from '../../../lib/observe/service-account.ts';

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'observe-kubeconfig-'));
}

function write(dir: string, user: object, cluster: object = {}, context: object = {}): string {
  const file = join(dir, 'kubelet.conf');
  const config = {
    'current-context': 'default',
    contexts: [{ name: 'default', context: { cluster: 'local', user: 'kubelet', ...context } }],
    clusters: [{ name: 'local', cluster: { server: 'https://10.0.0.1:6443', ...cluster } }],
    users: [{ name: 'kubelet', user }],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

async function problemOf(file: string): Promise<string> {
  try {
    await loadIdentity(file);
  } catch (error) {
    assert.ok(error instanceof IdentityError, String(error));
    assert.ok(!error.message.includes('\n'), 'one line');
    return error.message.replace(file, 'FILE');
  }
  throw new Error('was loaded');
}

test('a token in the kubeconfig becomes a header', async () => {
  const identity = await loadIdentity(write(folder(), { token: 'secret-token' }));
  const credentials = await identity.credentials();
  assert.equal(credentials.server, 'https://10.0.0.1:6443');
  assert.equal(credentials.headers.Authorization, 'Bearer secret-token');
  assert.equal(await identity.nodeName(), undefined);
});

test('a token file, relative to the kubeconfig, is read at each use', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'token'), 'one\n');
  const identity = await loadIdentity(write(dir, { tokenFile: 'token' }));
  assert.equal((await identity.credentials()).headers.Authorization, 'Bearer one');
  writeFileSync(join(dir, 'token'), 'two\n');
  assert.equal((await identity.credentials()).headers.Authorization, 'Bearer two');
  assert.ok(identity.files.includes(join(dir, 'token')));
});

test('an exec plugin is run', async () => {
  const status = { token: 'from-plugin', expirationTimestamp: '2999-01-01T00:00:00Z' };
  const args = ['-e', `console.log(${JSON.stringify(JSON.stringify({ kind: 'ExecCredential', status }))})`];
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: process.execPath, args };
  const identity = await loadIdentity(write(folder(), { exec }));
  assert.equal((await identity.credentials()).headers.Authorization, 'Bearer from-plugin');
});

test('a kubeconfig that was rewritten is loaded anew; one that is torn or gone leaves the last good one', async () => {
  const dir = folder();
  const identity = await loadIdentity(write(dir, { token: 'one' }));
  const file = write(dir, { token: 'token-two' }, { server: 'https://10.0.0.2:6443' });
  assert.equal((await identity.credentials()).server, 'https://10.0.0.2:6443');
  writeFileSync(file, '{"users": [');
  assert.equal((await identity.credentials()).headers.Authorization, 'Bearer token-two');
  rmSync(file);
  assert.equal((await identity.credentials()).headers.Authorization, 'Bearer token-two');
});

test('the fingerprint changes with the certificate, and not with the token', async () => {
  const dir = folder();
  const data = (text: string) => Buffer.from(text).toString('base64');
  const user = { 'client-certificate-data': data('c1'), 'client-key-data': data('k1') };
  const identity = await loadIdentity(write(dir, { ...user, token: 'a' }));
  const { fingerprint } = await identity.credentials();
  write(dir, { ...user, token: 'other' });
  assert.equal((await identity.credentials()).fingerprint, fingerprint);
  write(dir, { ...user, 'client-certificate-data': data('c2-longer'), token: 'a' });
  assert.notEqual((await identity.credentials()).fingerprint, fingerprint);
});

test('what is wrong is named with file, field and remedy', async () => {
  const dir = folder();
  const at = (name: string) => join(dir, name);
  assert.equal(
    await problemOf(join(dir, 'absent')),
    'kubeconfig FILE: cannot be read (ENOENT); check the path and the mount, or name another with --kubeconfig',
  );
  writeFileSync(at('torn'), '{"users": [');
  assert.match(await problemOf(at('torn')), /^kubeconfig FILE: is not a kubeconfig; fix the file/);
  writeFileSync(at('empty'), '');
  assert.match(await problemOf(at('empty')), /^kubeconfig FILE: is not a kubeconfig; fix the file/);
  assert.match(
    await problemOf(write(dir, {}, {}, { cluster: 'other' })),
    /current-context: names no cluster; point it/,
  );
  assert.match(
    await problemOf(write(dir, {}, {}, { user: 'other' })),
    /current-context: names no user; point it/,
  );
  assert.match(
    await problemOf(write(dir, {}, { server: '' })),
    /clusters\[0\]\.cluster\.server is missing; fix/,
  );
  assert.match(
    await problemOf(write(dir, {}, { server: 'nonsense' })),
    /clusters\[local\]\.cluster\.server: is not a URL/,
  );
  assert.match(
    await problemOf(write(dir, {}, { server: 'http://a:1' })),
    /cluster\.server: is plain http; use https/,
  );
  assert.match(
    await problemOf(write(dir, {}, { 'proxy-url': 'http://p:1' })),
    /proxy-url: is not supported; name a server/,
  );
  assert.match(
    await problemOf(write(dir, { 'auth-provider': { name: 'oidc', config: {} } })),
    /users\[kubelet\]\.user\.auth-provider: is not supported; use a client certificate/,
  );
  assert.match(
    await problemOf(write(dir, { tokenFile: 'absent' })),
    /tokenFile: .*absent cannot be read \(ENOENT\); mount it/,
  );
  assert.match(
    await problemOf(write(dir, {}, { 'certificate-authority': 'absent' })),
    /clusters\[local\]\.cluster\.certificate-authority: .*absent cannot be read \(ENOENT\); mount it/,
  );
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/no/such/plugin' };
  assert.match(await problemOf(write(dir, { exec })), /users\[kubelet\]\.user\.exec: /);
});

test('the first usual place that holds a file is taken; none names all of them', () => {
  const dir = folder();
  const places = ['a', 'b', 'c'].map((name) => join(dir, name));
  assert.throws(() => findKubeconfig(places), {
    name: 'IdentityError',
    message: /a, .*b, .*c: name it with --kubeconfig/,
  });
  mkdirSync(join(dir, 'a')); // what a hostPath mount of a missing file leaves
  writeFileSync(join(dir, 'b'), '');
  assert.equal(findKubeconfig(places), join(dir, 'b'));
});

test('the service account asks the kubelet`s server without the kubelet`s certificate', async () => {
  const dir = folder();
  const data = (text: string) => Buffer.from(text).toString('base64');
  const user = { 'client-certificate-data': data('c'), 'client-key-data': data('k') };
  const kubelet = await loadIdentity(write(dir, user, { 'certificate-authority-data': data('ca') }));
  assert.equal(serviceAccountIdentity(kubelet, dir), undefined, 'none is mounted');
  writeFileSync(join(dir, 'token'), 'sa-token\n');
  const credentials = await serviceAccountIdentity(kubelet, dir)?.credentials();
  assert.equal(credentials?.server, 'https://10.0.0.1:6443');
  assert.deepEqual(credentials?.headers, { Authorization: 'Bearer sa-token' });
  assert.deepEqual(Object.keys(credentials?.tls ?? {}), ['ca']);
});
