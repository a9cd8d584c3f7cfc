// Any single damage on the disk is noticed, nothing of it is given out, and something proven is left.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, inParallel } from './explorations.ts';

const STATES_MIN = 5_000;

test('whatever one file suffers, it is noticed, put away, and a proven revision is left', async (t) => {
  const started = performance.now();
  const results = await inParallel(['rot', 'swap'], (name) => explore(name, process.env.SEED ?? '1'));
  for (const { failure } of results) assert.equal(failure, undefined, failure);
  const states = results.reduce((sum, result) => sum + result.states, 0);
  t.diagnostic(`${states} damaged disks opened, ${Math.round((performance.now() - started) / 1000)} s`);
  assert.ok(states > STATES_MIN, `only ${states} damaged disks were tried`);
});
