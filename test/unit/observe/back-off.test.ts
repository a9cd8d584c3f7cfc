// Pauses that double up to a limit, never vanish, and end early when told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackOff, pause } from '../../../lib/observe/apiserver/back-off.ts';

test('pauses double up to the limit, each between half and all of it', () => {
  const backOff = new BackOff(500, 4_000);
  for (const limitMs of [500, 1_000, 2_000, 4_000, 4_000]) {
    const ms = backOff.next();
    assert.ok(ms >= limitMs / 2 && ms <= limitMs, `${ms} of ${limitMs}`);
  }
  backOff.reset();
  assert.ok(backOff.next() <= 500);
});

test('a pause ends when its signal is aborted, at once or later', async () => {
  const startMs = performance.now();
  await pause(10_000, AbortSignal.abort());
  const controller = new AbortController();
  setImmediate(() => controller.abort());
  await pause(10_000, controller.signal);
  assert.ok(performance.now() - startMs < 1_000);
});
