// Every operation of the store, cut at every system call, with every legal remainder of what was not synced: the store
// opens to before or after (rule 6). SEED=n explores other random stories.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, inParallel } from './explorations.ts';

const SEED = Number(process.env.SEED ?? 1);
const RANDOM_STORIES = 12;

/** What the explorations below reach, less a tenth: fewer means that they no longer look where they should. */
const STATES_MIN = 32_000;

test('whenever the power goes, the store opens to before or after, with all that was acknowledged', async (t) => {
  const started = performance.now();
  const random = Array.from({ length: RANDOM_STORIES }, (_, index) => ['random', String(SEED + index)]);
  const jobs = [['life'], ...random, ['fail'], ['kill'], ['damage'], ['migration']];
  const results = await inParallel(jobs, (job) => explore(...job));
  for (const [index, result] of results.entries()) {
    assert.equal(result.failure, undefined, `${jobs[index]?.join(' ')}: ${result.failure}`);
  }
  const states = results.reduce((sum, result) => sum + result.states, 0);
  const cuts = results.reduce((sum, result) => sum + result.cuts, 0);
  const seconds = Math.round((performance.now() - started) / 1000);
  t.diagnostic(`${states} different disks opened after ${cuts} power cuts, ${seconds} s, seed ${SEED}`);
  assert.ok(states > STATES_MIN, `only ${states} states were tried`);
});
