// Deadlocks that only a checkpoint can end although the API answers, and what must not be taken for one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { known, unknown } from '../../../lib/types/observed.ts';
import { APISERVER, MANAGER, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase, lastReason } from './story.ts';

test('the parent is gone and nobody makes a successor: activated after the rescue time', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('wanted'));
  scene.run(19_500);
  expectMoves(scene, SCHEDULER, '');
  scene.run(1_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
  assert.match(lastReason(scene), /nobody made a successor/);
});

test('not while its controller cannot be asked, nor while a pod of it still runs', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  const { parent } = scene.parent(SCHEDULER);
  scene.parent(SCHEDULER).parent = { ...parent, deleting: true };
  scene.wanted.set(SCHEDULER, known('wanted'));
  scene.run(60_000, 500);
  expectMoves(scene, SCHEDULER, '');
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, unknown('no service account'));
  scene.run(60_000, 500);
  expectMoves(scene, SCHEDULER, '');
});

test('the parent sits in a crash back-off: activated after the rescue time, then started anew', () => {
  const scene = new Scene().with(APISERVER).with(MANAGER);
  scene.parent(MANAGER).state = 'crashed';
  scene.run(19_500);
  expectMoves(scene, MANAGER, '');
  scene.run(4_500);
  expectMoves(scene, MANAGER, 'activate rev-good, restart-parent');
  scene.parent(MANAGER).state = 'starting';
  scene.pass();
  scene.parent(MANAGER).state = 'running';
  scene.run(12_000);
  expectPhase(scene, MANAGER, 'standby');
});

test('a crash that the kubelet repairs at once is no deadlock', () => {
  const scene = new Scene().with(APISERVER).with(MANAGER);
  for (let i = 0; i < 20; i += 1) {
    scene.parent(MANAGER).state = 'crashed';
    scene.run(2_000);
    scene.parent(MANAGER).state = 'running';
    scene.run(15_000, 500);
  }
  expectMoves(scene, MANAGER, '');
});

test('while the API is away, the rescue time stands still', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('wanted'));
  for (let i = 0; i < 15; i += 1) scene.apiServes().run(1_000).apiAway(1).run(10_000, 500);
  expectMoves(scene, SCHEDULER, '');
});

test('a parent that the kubelet is starting is waited for, but not without end', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  scene.replaceParent(SCHEDULER, { content: 'next' }, 'starting');
  scene.images = new Set();
  scene.run(29_000, 500);
  expectMoves(scene, SCHEDULER, '');
  scene.run(2_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
  scene.run(120_000, 500);
  expectMoves(scene, SCHEDULER, 'activate rev-good');
});

test('a parent that had its ports and did not get up is not given them over and over', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  scene.replaceParent(SCHEDULER, { content: 'no-such-secret' }, 'starting');
  scene.run(300_000, 500);
  expectMoves(scene, SCHEDULER, 'activate rev-good, restart-parent');
  scene.replaceParent(SCHEDULER, { content: 'fixed' }, 'starting');
  scene.pass();
  scene.parent(SCHEDULER).state = 'running';
  scene.run(12_000);
  expectPhase(scene, SCHEDULER, 'standby');
});

test('unproven content gets its attempts with the API there, then the proven checkpoint stays', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  scene.replaceParent(SCHEDULER, { content: 'bad' });
  scene.onPass = () => {
    if (!scene.parents.some(({ parent }) => parent.workload === SCHEDULER)) {
      scene.addParent(SCHEDULER, { content: 'bad' }, 'running');
    }
    const living = scene.parent(SCHEDULER);
    living.parent = { ...living.parent, ready: false };
    if (scene.nowMs % 10_000 === 0) {
      living.state = 'running';
      living.restarts += 1;
    }
    if (scene.nowMs % 10_000 === 1_000) living.state = 'crashed';
  };
  scene.run(600_000, 500);
  expectPhase(scene, SCHEDULER, 'active');
  const withdrawn = scene.passes.flatMap((p) => p.actions).filter((a) => a.type === 'withdraw').length;
  assert.ok(withdrawn <= 3, `withdrawn ${withdrawn} times`);
  assert.equal(scene.workload(SCHEDULER)?.proven?.revision, 'rev-good');
});
