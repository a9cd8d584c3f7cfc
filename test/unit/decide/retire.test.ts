// What a vanished parent means: retired after a grace time on the API's word, kept on anything less, and held when the
// word comes from another or an emptied cluster.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { known, unknown } from '../../../lib/types/observed.ts';
import { APISERVER, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase, lastReason, phases } from './story.ts';

/** The scheduler's DaemonSet has been deleted. */
function unwanted(): Scene {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  scene.run(1_000);
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-wanted'));
  return scene;
}

test('a workload that is no longer wanted is retired after grace, others untouched', () => {
  const scene = unwanted();
  scene.run(119_000, 500);
  expectPhase(scene, SCHEDULER, 'retiring');
  expectMoves(scene, SCHEDULER, '');
  scene.run(2_000);
  expectPhase(scene, SCHEDULER, 'gone');
  expectMoves(scene, SCHEDULER, 'remove-workload');
  assert.equal(scene.disk.records.has(SCHEDULER), false);
  expectPhase(scene, APISERVER, 'standby');
});

test('an active checkpoint is withdrawn first, and removed once the runtime shows it gone', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.parent(APISERVER).state = 'running';
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-wanted'));
  scene.run(121_000, 500);
  expectMoves(scene, SCHEDULER, 'activate rev-good, withdraw');
  scene.run(500);
  expectMoves(scene, SCHEDULER, 'activate rev-good, withdraw, remove-workload');
});

test('a workload whose controller cannot be asked is kept', () => {
  const scene = unwanted();
  scene.wanted.set(SCHEDULER, unknown('403'));
  scene.run(300_000, 1_000);
  expectPhase(scene, SCHEDULER, 'standby');
  assert.match(scene.workload(SCHEDULER)?.note ?? '', /could not be asked: 403/);
});

test('while the controller cannot be asked, grace stands still', () => {
  const scene = unwanted();
  scene.run(60_000, 500);
  scene.wanted.set(SCHEDULER, unknown('timeout'));
  scene.run(300_000, 1_000);
  scene.wanted.set(SCHEDULER, known('not-wanted'));
  scene.run(55_000, 500);
  expectPhase(scene, SCHEDULER, 'retiring');
  expectMoves(scene, SCHEDULER, '');
});

test('without an API nothing is withdrawn or removed, even when grace has passed', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-wanted'));
  scene.run(119_900).apiAway();
  scene.run(60_000, 1_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
});

test('a workload that was withdrawn at the end of grace is not put back when the API goes', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.parent(APISERVER).state = 'running';
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-wanted'));
  while (scene.disk.placed.has(SCHEDULER)) scene.pass();
  scene.apiAway().run(60_000, 1_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good, withdraw');
});

test('a parent that comes back within grace ends the retirement', () => {
  const scene = unwanted();
  scene.run(60_000, 500);
  scene.addParent(SCHEDULER, {}, 'running');
  scene.pass();
  expectPhase(scene, SCHEDULER, 'standby');
  assert.equal(phases(scene, SCHEDULER), 'standby → retiring → standby');
});

test('a controller that wants it again ends the retirement', () => {
  const scene = unwanted();
  scene.run(60_000, 500);
  scene.wanted.set(SCHEDULER, known('wanted'));
  scene.pass();
  expectPhase(scene, SCHEDULER, 'standby');
  assert.match(lastReason(scene), /wants it again/);
});

test('retiring goes on after a restart of the agent where it was, give or take what is written down', () => {
  const scene = unwanted();
  scene.run(100_000, 500).restart();
  expectPhase(scene, SCHEDULER, 'retiring');
  scene.run(19_000, 500);
  expectPhase(scene, SCHEDULER, 'retiring');
  scene.run(8_000, 500);
  expectPhase(scene, SCHEDULER, 'gone');
});

test('a power loss during grace recovers the workload with all others, and grace goes on afterwards', () => {
  const scene = unwanted();
  scene.run(100_000, 500).powerLoss();
  scene.run(1_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
  expectPhase(scene, SCHEDULER, 'retiring');
  scene.apiServes();
  scene.parent(APISERVER).state = 'running';
  scene.run(30_000, 500);
  expectMoves(scene, SCHEDULER, 'activate rev-good, withdraw, remove-workload');
});

test('what an outage activated during grace is taken over by a process that starts, though no record says so', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-wanted'));
  scene.run(10_000);
  scene.disk.failing.add('save-record');
  scene.apiAway().run(2_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
  scene.disk.failing.clear();
  scene.restart().run(5_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
  expectPhase(scene, SCHEDULER, 'retiring');
});

test('a removal that fails is tried again', () => {
  const scene = unwanted();
  scene.disk.failing.add('remove-workload');
  scene.run(125_000, 500);
  scene.disk.failing.clear();
  scene.run(1_000);
  assert.equal(scene.disk.records.has(SCHEDULER), false);
});

test('when every parent vanishes at once, everything is held', () => {
  const scene = unwanted();
  scene.removeParent(APISERVER);
  scene.wanted.set(APISERVER, known('not-wanted'));
  scene.run(300_000, 1_000);
  for (const key of [APISERVER, SCHEDULER]) {
    expectPhase(scene, key, 'standby');
    assert.match(scene.workload(key)?.note ?? '', /vanished at once: held/);
  }
});

test('when they vanish one after another, the first one’s grace is called off', () => {
  const scene = unwanted();
  scene.run(30_000, 500);
  scene.removeParent(APISERVER);
  scene.wanted.set(APISERVER, known('not-wanted'));
  scene.run(300_000, 1_000);
  expectMoves(scene, SCHEDULER, '');
});

test('another Node UID holds every workload, whatever the API says of it', () => {
  const scene = unwanted();
  scene.nodeUid = 'node-2';
  scene.run(300_000, 1_000);
  expectPhase(scene, SCHEDULER, 'held');
  expectMoves(scene, SCHEDULER, '');
  assert.match(lastReason(scene), /UID changed|showed up/);
});

test('an active checkpoint stays active while held', () => {
  const scene = new Scene().with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.removeParent(SCHEDULER);
  scene.nodeUid = 'node-2';
  scene.run(10_000);
  expectPhase(scene, SCHEDULER, 'held');
  scene.restart().run(10_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
});

test('a held workload is released by a parent in the new cluster, and only its own', () => {
  const scene = unwanted();
  scene.nodeUid = 'node-2';
  scene.run(1_000);
  expectPhase(scene, SCHEDULER, 'held');
  scene.addParent(SCHEDULER, {}, 'running');
  scene.pass();
  expectPhase(scene, SCHEDULER, 'standby');
  assert.equal(scene.workload(SCHEDULER)?.nodeUid, 'node-2');
});

test('a parent that lost the annotation is retired, and gaining it again ends that', () => {
  const scene = unwanted();
  scene.run(10_000);
  expectPhase(scene, SCHEDULER, 'retiring');
  scene.addParent(SCHEDULER, {}, 'running');
  scene.run(1_000);
  expectPhase(scene, SCHEDULER, 'standby');
});
