// The front ends over the model, by clients that know nothing of it: HTTP as the apiserver speaks it, CRI as the
// runtime does. Real sockets and the real clock, with the model's long waits shortened.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials } from '@grpc/grpc-js';
import { request } from 'undici';
import { NODE_TOKEN, SERVICE_ACCOUNT_TOKEN } from '../../world/api-server.ts';
import { type Embedded, startEmbedded } from '../../world/embedded.ts';
import { manifest } from './scenes.ts';

let embedded: Embedded;
let dir: string;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'embedded-world-'));
  embedded = await startEmbedded({ dir, timeFactor: 0.05 });
});
afterEach(async () => {
  await embedded.close();
  rmSync(dir, { recursive: true, force: true });
});
after(() =>
  assert.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith('world-cri-')),
    [],
  ),
);

async function eventually(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    if (await holds()) return;
    await sleep(25);
  }
  assert.fail(`not within 10 s: ${what}\n${embedded.world.story}`);
}

async function call(
  path: string,
  options: { token?: string; method?: 'POST' | 'DELETE'; body?: object } = {},
) {
  const { statusCode, body } = await request(`${embedded.apiUrl}${path}`, {
    method: options.method ?? 'GET',
    headers: { authorization: `Bearer ${options.token ?? NODE_TOKEN}` },
    body: options.body === undefined ? null : JSON.stringify(options.body),
  });
  const text = await body.text();
  return { statusCode, object: text.startsWith('{') ? JSON.parse(text) : text };
}

const ready = async (): Promise<boolean> =>
  (await call('/readyz').catch(() => ({ statusCode: 0 }))).statusCode === 200;
const PODS = '/api/v1/pods?fieldSelector=spec.nodeName%3Dn1';
const KUBE_SYSTEM = '/api/v1/namespaces/kube-system';

describe('the embedded API', () => {
  beforeEach(() => eventually('the API serves', ready));

  it('lists the pods of the node, and refuses what a node may not read', async () => {
    assert.equal((await call(PODS)).object.items.length, 4);
    assert.equal((await call(`${KUBE_SYSTEM}/secrets/etcd-certs`)).statusCode, 200);
    assert.equal((await call(`${KUBE_SYSTEM}/secrets`)).statusCode, 403);
    assert.equal((await call('/api/v1/pods')).statusCode, 403);
    assert.equal((await call('/apis/apps/v1/namespaces/kube-system/daemonsets/etcd')).statusCode, 403);
    const token = SERVICE_ACCOUNT_TOKEN;
    assert.equal(
      (await call('/apis/apps/v1/namespaces/kube-system/daemonsets/etcd', { token })).statusCode,
      200,
    );
    assert.equal((await call(PODS, { token: 'nobody' })).statusCode, 401);
  });

  it('watches one secret: change, bookmark, end by timeoutSeconds', async () => {
    const { object } = await call(`${KUBE_SYSTEM}/secrets?fieldSelector=metadata.name%3Detcd-certs`);
    const { body } = await request(
      `${embedded.apiUrl}${KUBE_SYSTEM}/secrets?watch=1&allowWatchBookmarks=true&timeoutSeconds=1.5` +
        `&fieldSelector=metadata.name%3Detcd-certs&resourceVersion=${object.metadata.resourceVersion}`,
      { headers: { authorization: `Bearer ${NODE_TOKEN}` } },
    );
    embedded.run(() => {
      const { store } = embedded.world;
      const secret = store.get('secrets', 'kube-system', 'etcd-certs');
      store.put('secrets', { ...secret, data: { 'tls.key': 'bmV3' } });
    });
    const lines = (await body.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ type }) => type),
      ['MODIFIED', 'BOOKMARK'],
    );
    assert.equal(lines[0].object.data['tls.key'], 'bmV3');
  });

  it('ends a watch from before a compaction with 410, and refuses a version that a restore forgot', async () => {
    const { object } = await call(PODS);
    embedded.run(() => {
      embedded.world.store.put('configmaps', { metadata: { name: 'x' } });
      embedded.world.store.compact();
    });
    const watch = await call(`${PODS}&watch=1&resourceVersion=${object.metadata.resourceVersion}`);
    assert.equal(watch.object.object.code, 410);
    const list = await call(`${PODS}&resourceVersion=99999`);
    assert.equal(list.statusCode, 504);
    assert.match(list.object.message, /Too large resource version/);
  });

  it('answers 429 to lists and watches, and for single objects, while the caches of an apiserver are empty', async () => {
    const filling = async (path: string) => {
      const { statusCode, headers, body } = await request(`${embedded.apiUrl}${path}`, {
        headers: { authorization: `Bearer ${NODE_TOKEN}` },
      });
      await body.dump();
      return `${statusCode} ${headers['retry-after'] ?? ''}`.trim();
    };
    // Its caches stay empty for as long as this test takes.
    embedded.run(() => {
      for (const process of embedded.node.processes.running) {
        if (process.program.role !== 'kube-apiserver') continue;
        process.filledAtMs = embedded.world.nowMs + 60_000;
        process.readyAtMs = process.filledAtMs;
      }
      embedded.world.touch();
    });
    assert.equal(await filling(PODS), '429 1');
    assert.equal(await filling(`${PODS}&limit=1`), '429 1');
    assert.equal(await filling(`${PODS}&watch=1`), '429 1');
    assert.equal(await filling(`${KUBE_SYSTEM}/secrets/etcd-certs`), '200');
    assert.equal(await filling('/readyz'), '500');
    assert.equal(await filling('/livez'), '200');
  });

  it('issues tokens bound to a pod of this node, and only those', async () => {
    const [pod] = (await call(PODS)).object.items;
    const path = `${KUBE_SYSTEM}/serviceaccounts/default/token`;
    const ask = (uid: string, expirationSeconds: number) =>
      call(path, {
        method: 'POST',
        body: { spec: { boundObjectRef: { kind: 'Pod', uid }, expirationSeconds } },
      });
    const granted = await ask(pod.metadata.uid, 3607);
    assert.equal(granted.statusCode, 201);
    const { status } = granted.object;
    const lastsMs = Date.parse(status.expirationTimestamp) - Date.now();
    assert.ok(lastsMs > 3_500_000 && lastsMs < 3_700_000, 'its status says what was asked for');
    const claims = (token: string) =>
      JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const { exp, iat, jti, sub, 'kubernetes.io': bound } = claims(status.token);
    assert.equal(exp - iat, 31_536_000, 'exactly 3607 s really lasts a year');
    assert.equal(sub, 'system:serviceaccount:kube-system:default');
    assert.deepEqual([bound.pod.uid, bound.node.name], [pod.metadata.uid, 'n1']);
    const again = (await ask(pod.metadata.uid, 3607)).object.status.token;
    assert.notEqual(claims(again).jti, jti);
    assert.equal((await ask('another', 3607)).statusCode, 403);
    assert.equal((await ask(pod.metadata.uid, 60)).statusCode, 422);
  });

  it('deletes a pod only under its UID; the controller makes another', async () => {
    const [pod] = (await call(PODS)).object.items;
    const path = `${KUBE_SYSTEM}/pods/${pod.metadata.name}`;
    const wrong = await call(path, { method: 'DELETE', body: { preconditions: { uid: 'other' } } });
    assert.equal(wrong.statusCode, 409);
    const right = await call(path, { method: 'DELETE', body: { preconditions: { uid: pod.metadata.uid } } });
    assert.equal(right.statusCode, 200);
    assert.ok(right.object.metadata.deletionTimestamp);
  });

  it('refuses connections after a power loss, under a new boot id', async () => {
    const { bootId } = embedded.node;
    embedded.powerOff();
    await assert.rejects(call('/readyz'), /ECONNREFUSED/);
    embedded.powerOn();
    assert.notEqual(embedded.node.bootId, bootId);
    assert.equal(readFileSync(embedded.paths.bootIdFile, 'utf8').trim(), embedded.node.bootId);
    await sleep(500);
    await assert.rejects(call('/readyz'), /ECONNREFUSED/);
  });

  it('holds requests while it is frozen, and answers them when it goes on', async () => {
    embedded.run(() => {
      embedded.world.availability.faults.frozen = true;
    });
    const answer = call('/readyz');
    assert.equal(await Promise.race([answer, sleep(300, 'silence')]), 'silence');
    embedded.run(() => {
      embedded.world.availability.faults.frozen = false;
    });
    assert.equal((await answer).statusCode, 200);
  });
});

describe('the embedded runtime', () => {
  it('answers over CRI, keeps its records over a power loss, and has no socket without power', async () => {
    await eventually('the socket is there', () => existsSync(embedded.paths.criSocket));
    assert.ok((await listContainers()).includes('etcd'));
    embedded.powerOff();
    assert.equal(existsSync(embedded.paths.criSocket), false);
    embedded.powerOn();
    await eventually('the runtime is back', () => existsSync(embedded.paths.criSocket));
    assert.ok((await listContainers()).includes('etcd'));
  });
});

/** The bytes of ListContainersResponse: this client knows no field. */
function listContainers(): Promise<Buffer> {
  const raw = (bytes: Buffer): Buffer => bytes;
  const client = new Client(`unix://${embedded.paths.criSocket}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
  });
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      `/runtime.v1.RuntimeService/ListContainers`,
      raw,
      raw,
      Buffer.alloc(0),
      { deadline: Date.now() + 5_000 },
      (error, answer) => {
        client.close();
        if (error === null && answer !== undefined) resolve(answer);
        else reject(error);
      },
    );
  });
}

describe('the embedded node', () => {
  it('starts what is put into its real static pod directory, without any API', async () => {
    embedded.powerOff();
    embedded.run(() => embedded.node.runtime.images.add('image:v1'));
    embedded.powerOn();
    writeFileSync(join(embedded.paths.staticPodDir, 'a.json'), manifest('a', {}, 'u'));
    await eventually('it runs', () =>
      embedded.node.runtime.containersOf('u').some(({ state }) => state === 'running'),
    );
  });
});
