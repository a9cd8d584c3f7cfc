// Service account tokens on disk: those the parent has now, in every revision, without a new one, against the real store.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Tokens } from '../../../lib/agent/tokens.ts';
import { toParent } from '../../../lib/compile/parent.ts';
import { openStore } from '../../../lib/store/open-store.ts';
import type { IssuedToken, TokenRef } from '../../../lib/types/checkpoint.ts';
import type { Parent } from '../../../lib/types/observation.ts';
import { known, type Observed, unknown } from '../../../lib/types/observed.ts';
import type { StoreWriter } from '../../../lib/types/store.ts';
import { aPod } from '../compile/a-pod.ts';
import { checkpoint, file, KEY, stateDirectory, volume } from '../store/state-directory.ts';

const SECONDS = 3600;
const HOUR_MS = SECONDS * 1000;
const REF: TokenRef = { namespace: 'kube-system', serviceAccount: 'web', expirationSeconds: SECONDS };

const jwt = (account: string, mark: string): string => {
  const claims = { sub: `system:serviceaccount:kube-system:${account}`, mark };
  return `head.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.signature`;
};

interface Scene {
  nowMs: number;
  /** What the API says to the next requests; each is counted. */
  answer: (ref: TokenRef) => Observed<IssuedToken>;
  readonly asked: TokenRef[];
  readonly tokens: Tokens;
  readonly store: StoreWriter;
  readonly parent: Parent;
  /** A pass of the loop, and one more once the API has answered. */
  pass(parent?: Parent): Promise<void>;
  /** The token on disk, as a pod that mounts it reads it. */
  onDisk(revision?: number): Promise<string>;
}

/** A revision for each account, holding a token that was issued at time 0 for an hour. */
async function scene(t: TestContext, accounts: readonly string[] = ['web']): Promise<Scene> {
  const store = await openStore(await stateDirectory(t));
  for (const [index, account] of accounts.entries()) {
    const token = { expirationSeconds: SECONDS, expiresAtMs: HOUR_MS };
    const held = file('token', jwt(account, 'old'), { token, mode: 0o600 });
    await store.addRevision(checkpoint(index + 1, [volume('api', [held, file('ca.crt', 'CA')])]), 0);
  }
  const asked: TokenRef[] = [];
  const parent = toParent(aPod({ serviceAccountName: 'web' }));
  const made: Scene = {
    nowMs: 0,
    answer: () => known({ token: jwt('web', String(made.nowMs)), expiresAtMs: made.nowMs + HOUR_MS }),
    asked,
    store,
    parent,
    tokens: new Tokens(
      {
        token: async (_, ref) => {
          asked.push(ref);
          return made.answer(ref);
        },
      },
      () => made.nowMs,
      () => undefined,
    ),
    async pass(of = parent) {
      for (let look = 0; look < 2; look += 1) {
        const [workload] = store.workloads();
        assert.ok(workload !== undefined);
        await made.tokens.refreshStored(workload, of, store);
        await turn();
      }
    },
    async onDisk(revision = 1) {
      const stored = store.workloads()[0]?.revisions.find((each) => each.revision.endsWith(String(revision)));
      return readFile(join(stored?.materialDir ?? '', 'api/token'), 'utf8');
    },
  };
  return made;
}

test('a process that starts brings its own token to disk, and renews it after four fifths of its life', async (t) => {
  const made = await scene(t);
  const before = made.store.workloads()[0]?.revisions.map(({ revision }) => revision);
  made.nowMs = 1_000;
  await made.pass();
  assert.deepEqual(made.asked, [REF]);
  assert.equal(await made.onDisk(), jwt('web', '1000'));

  made.nowMs += HOUR_MS * 0.79;
  await made.pass();
  assert.equal(await made.onDisk(), jwt('web', '1000'));
  made.nowMs += HOUR_MS * 0.02;
  await made.pass();
  assert.deepEqual(made.asked, [REF, REF]);
  assert.equal(await made.onDisk(), jwt('web', String(made.nowMs)));

  const [workload] = made.store.workloads();
  assert.deepEqual(
    workload?.revisions.map(({ revision }) => revision),
    before,
    'without a new revision',
  );
  assert.equal(workload?.revisions[0]?.tokens[0]?.expiresAtMs, made.nowMs + HOUR_MS);
  assert.equal(await made.store.verify(KEY, before?.[0] as never), true);
});

test('the successor of a parent has another token at once: the old one died with the pod it was bound to', async (t) => {
  const made = await scene(t);
  made.nowMs = 1_000;
  await made.pass();
  made.nowMs = 2_000;
  // Even if it ends sooner, since the server's limit was lowered.
  made.answer = () => known({ token: jwt('web', 'of the successor'), expiresAtMs: HOUR_MS / 2 });
  await made.pass(toParent(aPod({ serviceAccountName: 'web' }, {}, { name: 'web-zzzzz', uid: 'another' })));
  assert.equal(await made.onDisk(), jwt('web', 'of the successor'));
});

test('after a month without power the API is asked until it answers, and then the token is there', async (t) => {
  const made = await scene(t);
  made.nowMs = 30 * 24 * HOUR_MS;
  const grant = made.answer;
  made.answer = () => unknown('connection refused');
  await made.pass();
  assert.equal(await made.onDisk(), jwt('web', 'old'));
  await made.pass();
  assert.equal(made.asked.length, 1, 'a refusal is not asked again at once');
  made.nowMs += 10_000;
  made.answer = grant;
  await made.pass();
  assert.equal(await made.onDisk(), jwt('web', String(made.nowMs)));
});

test('every revision of the workload gets it, but none the token of another account', async (t) => {
  const made = await scene(t, ['web', 'web', 'another']);
  made.nowMs = HOUR_MS;
  await made.pass();
  assert.deepEqual(
    [await made.onDisk(1), await made.onDisk(2), await made.onDisk(3)],
    [jwt('web', String(HOUR_MS)), jwt('web', String(HOUR_MS)), jwt('another', 'old')],
  );
  assert.equal(made.asked.length, 1);
});

test('what is of another account is read once, and again only for that account', async (t) => {
  const made = await scene(t, ['another']);
  made.nowMs = 1_000;
  let reads = 0;
  const { store } = made;
  const readVolume = store.readVolume.bind(store);
  store.readVolume = (...args) => {
    reads += 1;
    return readVolume(...args);
  };
  for (let passes = 0; passes < 3; passes += 1) await made.pass();
  assert.equal(reads, 1);
  made.answer = () => known({ token: jwt('another', 'new'), expiresAtMs: HOUR_MS * 2 });
  await made.pass(toParent(aPod({ serviceAccountName: 'another' }, {}, { uid: 'another' })));
  assert.equal(await made.onDisk(), jwt('another', 'new'));
});

test('a life that the server cuts short is respected: asked at four fifths of what was granted', async (t) => {
  const made = await scene(t);
  const cap = HOUR_MS / 6;
  made.answer = () => known({ token: jwt('web', String(made.nowMs)), expiresAtMs: made.nowMs + cap });
  made.nowMs = HOUR_MS;
  await made.pass();
  made.nowMs += cap * 0.7;
  await made.pass();
  assert.equal(await made.onDisk(), jwt('web', String(HOUR_MS)));
  made.nowMs += cap * 0.2;
  await made.pass();
  assert.equal(await made.onDisk(), jwt('web', String(made.nowMs)));
  assert.equal(made.asked.length, 2);
});

test('what is no token stays, byte by byte', async (t) => {
  const made = await scene(t);
  made.nowMs = HOUR_MS;
  await made.pass();
  const [stored] = made.store.workloads()[0]?.revisions ?? [];
  assert.equal(await readFile(join(stored?.materialDir ?? '', 'api/ca.crt'), 'utf8'), 'CA');
});

test('a token that has ended by the clock of the node is not asked for anew at each pass', async (t) => {
  const made = await scene(t);
  // The node's clock is two hours ahead of the API's, whose tokens live for one.
  made.nowMs = 3 * HOUR_MS;
  made.answer = () => known({ token: jwt('web', 'ended'), expiresAtMs: 2 * HOUR_MS });
  for (let pass = 0; pass < 10; pass += 1) await made.pass();
  assert.equal(made.asked.length, 1);
  made.nowMs += 10_000;
  await made.pass();
  assert.equal(made.asked.length, 2);
});
