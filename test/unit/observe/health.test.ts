// What the health of the API tells of itself: news, and not each probe that fails as the one before it did.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Health } from '../../../lib/observe/apiserver/health.ts';
import type { ApiAnswer, ApiFailure } from '../../../lib/observe/apiserver/http.ts';
import { API_TIMING } from '../../../lib/observe/apiserver/timing.ts';

const SERVES: ApiAnswer = { ok: true, status: 200, body: {} };

function failure(cause: ApiFailure['cause']): ApiAnswer {
  return { ok: false, cause, reason: `GET /: ${cause}` };
}

/** Asks once for each answer; gives those after which something was told, by their number. */
async function toldAfter(t: TestContext, answers: readonly ApiAnswer[]): Promise<number[]> {
  const told: number[] = [];
  let asked = 0;
  const ask = async (): Promise<ApiAnswer> => answers[asked++] ?? SERVES;
  // Only when it is asked to.
  const timing = { ...API_TIMING, probeIntervalMs: 1_000_000 };
  const health = new Health(ask, timing, { change: () => told.push(asked), recovery: () => {} });
  t.after(() => health.close());
  for (const _ of answers) await health.probe(100);
  return told;
}

test('a row of failures is told at its first, and at the fourth, when it may be an outage', async (t) => {
  const refused = new Array<ApiAnswer>(10).fill(failure('refused'));
  assert.deepEqual(await toldAfter(t, refused), [1, 4]);
});

test('a denial is told once', async (t) => {
  assert.deepEqual(await toldAfter(t, new Array<ApiAnswer>(10).fill(failure('forbidden'))), [1]);
});

test('another cause is told, and so is a recovery', async (t) => {
  const answers = [SERVES, SERVES, failure('timed-out'), failure('refused'), failure('unauthorized')];
  const again = [failure('forbidden'), failure('forbidden'), failure('refused'), SERVES];
  assert.deepEqual(await toldAfter(t, [...answers, ...again]), [1, 3, 4, 5, 6, 8, 9]);
});
