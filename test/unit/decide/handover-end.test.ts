// What ends a handover: the parent serving by its own word, and nothing that only looks like it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { known } from '../../../lib/types/observed.ts';
import { inHandover, recovered, started } from './handover-stage.ts';
import { APISERVER } from './pods.ts';
import { expectMoves, expectPhase, moves } from './story.ts';

test('a handover ends when the parent serves by its own probe', () => {
  const scene = inHandover();
  const { uid } = scene.parent(APISERVER).parent;
  scene.probes.set(uid, known(false));
  scene.setReady(APISERVER, true);
  scene.run(2_000);
  expectPhase(scene, APISERVER, 'handover');
  scene.probes.set(uid, known(true));
  scene.pass();
  expectPhase(scene, APISERVER, 'standby');
});

test('a handover does not end while the checkpoint is still there to answer', () => {
  const scene = inHandover();
  scene.setReady(APISERVER, true);
  scene.disk.failing.add('withdraw');
  scene.disk.placed.set(APISERVER, { revision: 'rev-good' as never, uid: 'static-1' });
  scene.pass();
  scene.probes.set(scene.parent(APISERVER).parent.uid, known(true));
  scene.pass();
  expectPhase(scene, APISERVER, 'handover');
});

for (const state of ['running', 'crashed'] as const) {
  test(`a checkpoint, ${state}, that a full disk kept from being withdrawn stays when its parent is gone by then`, () => {
    const scene = recovered({ network: 'own' });
    scene.disk.failing.add('withdraw');
    scene.parent(APISERVER).state = 'running';
    scene.setReady(APISERVER, true);
    scene.run(15_000);
    expectPhase(scene, APISERVER, 'standby');
    const checkpoint = scene.checkpoints.get(APISERVER);
    assert.ok(checkpoint !== undefined);
    checkpoint.state = state;
    scene.parent(APISERVER).state = 'absent';
    scene.run(2_000);
    scene.disk.failing.clear();
    scene.run(2_000);
    expectPhase(scene, APISERVER, 'active');
    assert.ok(scene.disk.placed.has(APISERVER), 'it was never without');
  });
}

test('so does one whose handover has begun, once its parent is gone: it is not withdrawn when the disk allows it', () => {
  const scene = inHandover();
  scene.disk.failing.add('withdraw');
  scene.disk.placed.set(APISERVER, { revision: 'rev-good' as never, uid: 'static-1' });
  scene.parent(APISERVER).state = 'crashed';
  scene.run(1_000);
  expectPhase(scene, APISERVER, 'handover');
  scene.parent(APISERVER).state = 'absent';
  scene.pass();
  scene.disk.failing.clear();
  scene.run(1_000);
  expectPhase(scene, APISERVER, 'active');
  assert.ok(scene.disk.placed.has(APISERVER), 'it was never without');
});

test('Ready from before the boot does not count, as long as the parent has only just begun to run', () => {
  const scene = inHandover();
  scene.setReady(APISERVER, true);
  scene.run(5_000);
  expectPhase(scene, APISERVER, 'handover');
  scene.run(6_000);
  expectPhase(scene, APISERVER, 'standby');
});

test('a READY sandbox whose containers crash is not serving', () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'crashed';
  scene.probes.set(scene.parent(APISERVER).parent.uid, known(true));
  scene.pass();
  expectPhase(scene, APISERVER, 'active');
});

test('the power goes in the middle of a handover: the next boot activates again, and blames nobody', () => {
  const scene = inHandover().powerLoss();
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, activate rev-good');
  assert.equal(scene.workload(APISERVER)?.failedHandovers, 0);
});

test('a process that died between the withdrawal and its record does not activate beside a parent that serves', () => {
  const scene = recovered();
  scene.disk.failing.add('save-record');
  started(scene);
  scene.setReady(APISERVER, true);
  scene.run(5_000);
  assert.equal(scene.disk.records.get(APISERVER)?.phase.name, 'active');
  scene.disk.failing.clear();
  const before = moves(scene, APISERVER);
  scene.restart().run(5_000);
  expectPhase(scene, APISERVER, 'standby');
  assert.equal(moves(scene, APISERVER), before);
});

test('a sandbox that stands empty is not written down at each pass', () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  const before = scene.passes.length;
  scene.apiAway().run(4_000);
  const saved = scene.passes
    .slice(before)
    .flatMap(({ actions }) => actions.filter(({ type }) => type === 'save-record'));
  assert.ok(saved.length <= 2, `${saved.length} records in 4 s`);
});
