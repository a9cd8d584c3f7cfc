// What a controller does to a workload that is at peace: a surge, a rename, a move, a drain, a demotion, an annotation
// that comes and goes. What always holds: as long as some pod of it works here nothing is activated, and what is not
// wanted here any more goes after grace.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkloadRecord } from '../../../lib/types/memory.ts';
import { known } from '../../../lib/types/observed.ts';
import { workloadKey } from '../../../lib/types/workload.ts';
import { APISERVER, MANAGER, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase, lastReason, phases } from './story.ts';

function atPeace(): Scene {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  return scene.run(1_000);
}

test('a surge whose new pod never starts leaves the work to the old one', () => {
  const scene = atPeace();
  scene.addParent(SCHEDULER, { content: 'bad' }, 'crashed');
  scene.setReady(SCHEDULER, false);
  scene.run(300_000, 1_000);
  expectMoves(scene, SCHEDULER, '');
  expectPhase(scene, SCHEDULER, 'standby');
});

test('a surge whose old pod goes after the new one failed is rescued like any other deadlock', () => {
  const scene = atPeace();
  scene.addParent(SCHEDULER, { content: 'bad' }, 'crashed');
  scene.run(60_000, 1_000);
  scene.parents.splice(
    scene.parents.findIndex(({ parent }) => parent.workload === SCHEDULER),
    1,
  );
  scene.run(19_000, 1_000);
  expectMoves(scene, SCHEDULER, '');
  scene.run(2_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
});

test('the newest of two pods is followed, and its content proven while both run', () => {
  const scene = atPeace();
  scene.addParent(SCHEDULER, { content: 'newer' }, 'running');
  scene.run(60_000, 1_000);
  assert.equal(scene.workload(SCHEDULER)?.proven?.revision, 'rev-newer');
  assert.equal(scene.workload(SCHEDULER)?.previous, 'rev-good');
  expectMoves(scene, SCHEDULER, '');
});

test('with two pods on the node, a power loss brings one checkpoint', () => {
  const scene = atPeace();
  scene.addParent(SCHEDULER, {}, 'running');
  scene.run(1_000).powerLoss().run(5_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
});

test('an old pod that takes a minute to end is no reason for a rescue, nor is the moment after it', () => {
  const scene = atPeace();
  const old = scene.parent(SCHEDULER);
  old.parent = { ...old.parent, deleting: true };
  scene.wanted.set(SCHEDULER, known('wanted'));
  scene.run(60_000, 500);
  scene.replaceParent(SCHEDULER);
  scene.run(5_000);
  scene.parent(SCHEDULER).state = 'running';
  scene.run(30_000, 500);
  expectMoves(scene, SCHEDULER, '');
  assert.equal(phases(scene, SCHEDULER), 'standby');
});

test('a DaemonSet that is renamed: the new name is proven, the old one goes after grace', () => {
  const renamed = workloadKey('kube-system', 'scheduler-v2');
  const scene = atPeace();
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-wanted'));
  scene.addParent(renamed, {}, 'running');
  scene.run(60_000, 500);
  expectPhase(scene, renamed, 'standby');
  expectPhase(scene, SCHEDULER, 'retiring');
  scene.run(70_000, 500);
  expectPhase(scene, SCHEDULER, 'gone');
  expectMoves(scene, SCHEDULER, 'remove-workload');
  expectMoves(scene, renamed, '');
});

test('all DaemonSets renamed at once are not taken for an emptied cluster', () => {
  const scene = atPeace();
  for (const key of [APISERVER, SCHEDULER]) {
    scene.removeParent(key);
    scene.wanted.set(key, known('not-wanted'));
    scene.addParent(workloadKey('kube-system', `${key.split('/')[1]}-v2`), {}, 'running');
  }
  scene.run(150_000, 500);
  expectPhase(scene, APISERVER, 'gone');
  expectPhase(scene, SCHEDULER, 'gone');
});

test('a pod that moved to another namespace is another workload, also by its generated name in the runtime', () => {
  const moved = workloadKey('control-plane', 'kube-scheduler');
  const scene = atPeace();
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-wanted'));
  scene.addParent(moved, { content: 'moved' }, 'running');
  scene.run(60_000, 500).apiAway().run(2_000);
  // Of the old one nothing runs, and an outage within its grace finds it where it would have been.
  expectMoves(scene, SCHEDULER, 'activate rev-good');
  expectMoves(scene, moved, '');
  scene.apiServes().run(70_000, 500);
  expectPhase(scene, SCHEDULER, 'gone');
  expectPhase(scene, moved, 'standby');
});

test('a workload that loses the annotation is retired after grace, and gaining it again ends that', () => {
  const scene = atPeace();
  const { traits } = scene.parent(SCHEDULER);
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-here'));
  scene.run(60_000, 500);
  expectPhase(scene, SCHEDULER, 'retiring');
  scene.addParent(SCHEDULER, traits, 'running');
  scene.run(60_000, 500);
  expectPhase(scene, SCHEDULER, 'standby');
  scene.removeParent(SCHEDULER);
  scene.run(119_000, 500);
  expectPhase(scene, SCHEDULER, 'retiring');
  scene.run(2_000);
  expectPhase(scene, SCHEDULER, 'gone');
});

test('the successor that asks for no checkpoint gets the ports of an active one as soon as it starts', () => {
  const scene = atPeace().powerLoss().run(300).apiServes();
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-here'));
  scene.run(3_000, 50);
  expectPhase(scene, SCHEDULER, 'retiring');
  expectMoves(scene, SCHEDULER, 'activate rev-good');
  scene.strangers.push(scene.stranger(SCHEDULER, 'starting'));
  scene.run(100, 50);
  expectMoves(scene, SCHEDULER, 'activate rev-good, withdraw');
  assert.match(lastReason(scene), /asks for no checkpoint, has been started/);
});

test('an outage does not put a checkpoint beside a successor that asks for none and works', () => {
  const scene = atPeace();
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-here'));
  scene.strangers.push(scene.stranger(SCHEDULER, 'running'));
  scene.run(10_000).apiAway().run(10_000);
  expectPhase(scene, SCHEDULER, 'retiring');
  expectMoves(scene, SCHEDULER, '');
});

test('a workload that was retired and gains the annotation again is checkpointed anew', () => {
  const scene = atPeace();
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-here'));
  scene.run(130_000, 500);
  expectPhase(scene, SCHEDULER, 'gone');
  scene.addParent(SCHEDULER, {}, 'running');
  scene.run(40_000, 500);
  expectPhase(scene, SCHEDULER, 'standby');
  assert.equal(scene.workload(SCHEDULER)?.proven?.revision, 'rev-good');
});

test('a drained node keeps what its DaemonSets keep, and retires what runs elsewhere now', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).with(MANAGER);
  scene.run(1_000);
  scene.removeParent(MANAGER);
  scene.wanted.set(MANAGER, known('not-here'));
  scene.run(119_000, 500);
  expectPhase(scene, MANAGER, 'retiring');
  expectMoves(scene, MANAGER, '');
  scene.run(2_000);
  expectPhase(scene, MANAGER, 'gone');
  expectPhase(scene, APISERVER, 'standby');
  expectPhase(scene, SCHEDULER, 'standby');
});

test('a demoted master loses everything at once, and all of it is retired: its controllers live and say so', () => {
  const scene = atPeace();
  for (const key of [APISERVER, SCHEDULER]) {
    scene.removeParent(key);
    scene.wanted.set(key, known('not-here'));
  }
  scene.run(121_500, 500);
  assert.match(lastReason(scene), /its grace has passed/);
  expectPhase(scene, APISERVER, 'gone');
  expectPhase(scene, SCHEDULER, 'gone');
});

test('a demotion taken back within grace leaves everything as it was', () => {
  const scene = atPeace();
  for (const key of [APISERVER, SCHEDULER]) {
    scene.removeParent(key);
    scene.wanted.set(key, known('not-here'));
  }
  scene.run(60_000, 500);
  for (const key of [APISERVER, SCHEDULER]) scene.wanted.set(key, known('wanted'));
  scene.run(1_000);
  for (const key of [APISERVER, SCHEDULER]) {
    scene.addParent(key, {}, 'running');
    expectPhase(scene, key, 'standby');
  }
  scene.run(300_000, 1_000);
  expectMoves(scene, APISERVER, '');
  expectMoves(scene, SCHEDULER, '');
});

/** The last master lost its role or its annotations, and its checkpoints are what the API answers from. */
function lastMasterActive(): Scene {
  const scene = atPeace().powerLoss().run(300).apiServes();
  for (const key of [APISERVER, SCHEDULER]) {
    scene.removeParent(key);
    scene.wanted.set(key, known('not-here'));
  }
  return scene;
}

test('the last master that loses its role keeps the checkpoints that the API answers from', () => {
  const scene = lastMasterActive();
  scene.run(600_000, 1_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  assert.match(scene.workload(APISERVER)?.note ?? '', /vanished at once: held/);
});

test('unless successors that ask for no checkpoint are started there', () => {
  const scene = lastMasterActive();
  scene.run(3_000, 50);
  scene.strangers.push(scene.stranger(SCHEDULER, 'starting'));
  scene.run(150, 50);
  expectMoves(scene, SCHEDULER, 'activate rev-good, withdraw');
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('what stands by is kept with what is active: without a scheduler a role that is given back brings nothing', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.disk.placed.delete(SCHEDULER);
  scene.disk.records.set(SCHEDULER, {
    ...(scene.disk.records.get(SCHEDULER) as WorkloadRecord),
    phase: { name: 'standby' },
  });
  scene.restart();
  for (const key of [APISERVER, SCHEDULER]) {
    scene.removeParent(key);
    scene.wanted.set(key, known('not-here'));
  }
  scene.run(600_000, 1_000);
  assert.equal(scene.phase(SCHEDULER) === 'gone', false);
});
