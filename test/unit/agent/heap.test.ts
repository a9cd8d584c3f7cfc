// When the daemon takes the time to collect its garbage: while nothing is under way, and never beside a handover.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAtRest } from '../../../lib/agent/heap.ts';
import { AGENT, SCHEDULER } from '../decide/pods.ts';
import { Scene } from '../decide/scene.ts';

test('at rest, and beside the stand-by of the agent itself', () => {
  const scene = new Scene().with(SCHEDULER).with(AGENT, { standbyLock: true }).run(2_000);
  assert.equal(scene.phase(AGENT), 'active');
  assert.equal(isAtRest(scene.memory), true);
});

test('not before the first look, while the API is away, or while a checkpoint is active', () => {
  assert.equal(isAtRest(undefined), false);
  const scene = new Scene().with(SCHEDULER).run(1_000);
  assert.equal(isAtRest(scene.apiAway().run(300).memory), false);
  const active = new Scene().with(SCHEDULER).powerLoss().run(300).apiServes().run(300);
  assert.equal(active.phase(SCHEDULER), 'active');
  assert.equal(isAtRest(active.memory), false);
});
