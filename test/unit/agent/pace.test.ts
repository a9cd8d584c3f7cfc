// How soon the next look comes: a row for each situation, with the reason it is as it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextPassInMs } from '../../../lib/agent/pace.ts';
import { known, unknown } from '../../../lib/types/observed.ts';
import type { WorkloadKey } from '../../../lib/types/workload.ts';
import { AGENT, MANAGER, SCHEDULER } from '../decide/pods.ts';
import { Scene } from '../decide/scene.ts';

function paceOf(scene: Scene): number {
  const { observation, memory } = scene.pass();
  return nextPassInMs(memory, observation);
}

const atRest = (): Scene => new Scene().with(SCHEDULER).run(1_000);

function active(): Scene {
  const scene = new Scene().with(SCHEDULER).powerLoss();
  return scene.run(300).apiServes().run(300);
}

/** The scheduler's checkpoint has gone for its parent, those of the others have not. */
function handingOver(...others: readonly WorkloadKey[]): Scene {
  const scene = new Scene().with(SCHEDULER);
  for (const other of others) scene.with(other);
  scene.powerLoss().run(300).apiServes().run(300);
  scene.parent(SCHEDULER).state = 'starting';
  return scene.run(50);
}

test('at rest the runtime is asked every four seconds, and a stand-by of the agent itself is rest', () => {
  assert.equal(paceOf(atRest()), 4_000);
  assert.equal(paceOf(new Scene().with(AGENT, { standbyLock: true }).run(2_000)), 4_000);
});

test('every second while a candidate is being proven or a grace time runs', () => {
  const proving = atRest();
  proving.replaceParent(SCHEDULER, { content: 'newer' }, 'running');
  assert.equal(paceOf(proving), 1_000);
  const retiring = atRest();
  retiring.removeParent(SCHEDULER);
  retiring.wanted.set(SCHEDULER, known('not-wanted'));
  assert.equal(paceOf(retiring), 1_000);
});

test('five times a second while the API is away or not ready yet, whether checkpoints start or parents', () => {
  assert.equal(paceOf(atRest().apiAway()), 200);
  assert.equal(paceOf(active().apiAway()), 200);
  assert.equal(paceOf(handingOver().apiAway()), 200);
  const starting = active();
  starting.api = { name: 'serving', starting: true };
  assert.equal(paceOf(starting), 200);
});

test('five times a second once all have been handed over, until they serve', () => {
  assert.equal(paceOf(handingOver()), 200);
});

test('tightly through the absence that a handover costs, while others have yet to go along', () => {
  assert.equal(paceOf(handingOver(MANAGER).apiAway()), 50);
});

test('five times a second while a parent is on its way out', () => {
  const scene = atRest();
  const living = scene.parent(SCHEDULER);
  living.parent = { ...living.parent, deleting: true };
  scene.wanted.set(SCHEDULER, known('wanted'));
  assert.equal(paceOf(scene), 200);
  scene.replaceParent(SCHEDULER, {}, 'running');
  assert.equal(paceOf(scene), 4_000);
});

test('tightly before the first pass of a boot, and while a checkpoint is active', () => {
  const booting = atRest();
  booting.bootId = known('next');
  booting.runtimeAnswers = false;
  assert.equal(paceOf(booting), 50);
  const idle = active();
  idle.parent(SCHEDULER).state = 'crashed';
  assert.equal(paceOf(idle), 50);
});

test('most tightly while the API names a parent whose sandbox is still to come', () => {
  const awaiting = active();
  awaiting.parent(SCHEDULER).state = 'absent';
  assert.equal(paceOf(awaiting), 20);
});

test('an active checkpoint that is retiring still watches for the successor that asks for none', () => {
  const retiring = active();
  retiring.removeParent(SCHEDULER);
  retiring.wanted.set(SCHEDULER, known('not-here'));
  assert.equal(paceOf(retiring), 50);
});

test('a held workload is rest: nothing of it will move by itself', () => {
  const held = active();
  held.removeParent(SCHEDULER);
  held.nodeUid = 'node-2';
  held.run(500);
  assert.equal(held.phase(SCHEDULER), 'held');
  assert.equal(paceOf(held), 4_000);
});

test('a boot id that cannot be read is no reason to hurry', () => {
  const scene = atRest();
  scene.bootId = unknown('ENOENT');
  assert.equal(paceOf(scene), 4_000);
});
