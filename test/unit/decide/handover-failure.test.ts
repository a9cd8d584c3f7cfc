// What a failed handover costs and whom it is held against: the checkpoint comes back, each next attempt is given more
// time, and unproven content does not cost the same outage twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { known } from '../../../lib/types/observed.ts';
import { crashes, failed, inHandover, recovered, started } from './handover-stage.ts';
import { APISERVER, MANAGER, revision } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase, lastReason, moves } from './story.ts';

test('a parent that crashes in the handover with the API away brings the checkpoint back after the patience', () => {
  const scene = inHandover().apiAway();
  crashes(scene);
  scene.run(4_000);
  expectPhase(scene, APISERVER, 'handover');
  scene.run(1_000);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, restart-parent, activate rev-good');
  assert.match(lastReason(scene), /the handover failed: its parent is crashing/);
});

test('time spent starting is not counted against a parent that crashes once', () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'starting';
  scene.run(100).apiAway();
  scene.images = new Set();
  scene.run(10_000);
  scene.parent(APISERVER).state = 'running';
  scene.run(500);
  scene.parent(APISERVER).state = 'crashed';
  scene.run(1_200);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
});

test('each failed handover doubles the deadline, up to the cap', () => {
  const waits: number[] = [];
  const scene = recovered({ controller: false });
  for (let attempt = 0; attempt < 6; attempt += 1) {
    scene.replaceParent(APISERVER);
    started(scene).apiAway();
    let waitedMs = 0;
    for (; scene.phase(APISERVER) === 'handover'; waitedMs += 1_000) scene.pass(1_000);
    waits.push(Math.round(waitedMs / 1_000));
    scene.run(1_000, 1_000).apiServes();
  }
  assert.deepEqual(waits, [31, 61, 121, 241, 301, 301]);
});

test('a late handover with the API answering leaves the parent to the kubelet', () => {
  const scene = inHandover();
  scene.run(31_000);
  expectPhase(scene, APISERVER, 'standby');
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
});

test('a parent is not late while its checkpoint takes its time to go', () => {
  const scene = inHandover();
  scene.disk.failing.add('withdraw');
  scene.disk.placed.set(APISERVER, { revision: 'rev-good' as never, uid: 'static-1' });
  scene.run(40_000);
  expectPhase(scene, APISERVER, 'handover');
  scene.disk.failing.delete('withdraw');
  scene.run(25_000);
  expectPhase(scene, APISERVER, 'handover');
  scene.run(10_000);
  expectPhase(scene, APISERVER, 'standby');
  assert.equal(scene.workload(APISERVER)?.failedHandovers, 1);
});

test('unproven content that was late, and cost nothing, is given its ports again when it runs ready', () => {
  const overlap = true;
  const scene = recovered({ overlap });
  scene.replaceParent(APISERVER, { content: 'new', overlap }, 'running');
  scene.setReady(APISERVER, true);
  scene.probes.set(scene.parent(APISERVER).parent.uid, known(false));
  scene.run(15_000);
  expectPhase(scene, APISERVER, 'handover');
  scene.run(31_000).powerLoss();
  scene.pass();
  expectPhase(scene, APISERVER, 'active');
  scene.parent(APISERVER).state = 'running';
  scene.apiServes().run(15_000);
  expectPhase(scene, APISERVER, 'handover');
});

test('a process that started during the outage does not know whose content it was: the parent is tried again', () => {
  const scene = recovered();
  scene.replaceParent(APISERVER, { content: 'new' });
  started(scene).apiAway();
  crashes(scene);
  scene.run(500).restart().run(8_000).apiServes();
  expectPhase(scene, APISERVER, 'active');
  scene.run(20_000);
  assert.match(moves(scene, APISERVER), /restart-parent$/);
});

test('unproven content that dies for want of an API has not failed; one that went before the API has', () => {
  for (const [afterMs, failed] of [
    [10_000, 0],
    [0, 1],
  ] as const) {
    const scene = new Scene().with(MANAGER);
    scene.replaceParent(MANAGER, { content: 'next' }, 'running');
    scene.run(5_000).apiAway().run(afterMs);
    scene.parent(MANAGER).state = 'crashed';
    scene.run(5_000);
    expectPhase(scene, MANAGER, 'active');
    assert.equal(scene.workload(MANAGER)?.failedHandovers, failed, `dead after ${afterMs} ms`);
  }
});

test('unproven content that failed alone is not given its ports again under another UID', () => {
  const scene = recovered();
  scene.replaceParent(APISERVER, { content: 'bad' });
  started(scene).apiAway();
  scene.parent(APISERVER).state = 'crashed';
  scene.run(4_000).apiServes();
  scene.replaceParent(APISERVER, { content: 'bad' }, 'starting');
  scene.run(60_000);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, activate rev-good');
  assert.match(
    scene.workload(APISERVER)?.note ?? '',
    /fix DaemonSet kube-apiserver, or restart its rollout to try again$/,
  );
});

test('nor by the word of the runtime alone, before the API has said what it is', () => {
  const scene = recovered();
  scene.replaceParent(APISERVER, { content: 'bad' });
  started(scene).apiAway();
  scene.parent(APISERVER).state = 'crashed';
  scene.run(4_000);
  scene.replaceParent(APISERVER, { content: 'bad' }, 'starting');
  scene.run(5_000);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, activate rev-good');
});

test('a parent of proven content that failed is given its ports again, after twice as long', () => {
  const scene = failed().apiServes();
  const before = moves(scene, APISERVER);
  scene.run(5_900);
  expectMoves(scene, APISERVER, before);
  scene.run(300);
  expectMoves(scene, APISERVER, `${before}, restart-parent`);
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectMoves(scene, APISERVER, `${before}, restart-parent, withdraw`);
});

test('each time twice as long, up to the cap', () => {
  const scene = recovered();
  crashes(scene);
  scene.run(1_600_000, 500);
  const times = scene.passes
    .filter((p) => p.actions.some((a) => a.type === 'restart-parent'))
    .map((p) => p.atMs);
  const gaps = times.slice(1).map((atMs, i) => Math.round((atMs - (times[i] ?? 0)) / 1_000));
  // A second of each is the start that fails.
  assert.deepEqual(gaps.slice(0, 8), [7, 13, 25, 49, 97, 193, 301, 301]);
});

test('unproven content that failed for who knows whose fault is tried again, a few times', () => {
  const scene = recovered();
  scene.onPass = () => {
    if (scene.parents.length === 0) scene.addParent(APISERVER, { content: 'bad' });
    const living = scene.parent(APISERVER);
    const given = scene.phase(APISERVER) === 'handover' || living.state === 'emptied';
    living.state = living.state === 'emptied' ? 'starting' : 'crashed';
    living.restarts = given ? 0 : 1;
    living.parent = { ...living.parent, ready: false };
  };
  scene.parents.splice(0);
  scene.run(600_000, 500);
  const handovers = scene.passes
    .flatMap((p) => p.changes)
    .filter((c) => c.to === 'handover' && c.from === 'active');
  assert.equal(handovers.length, 3, moves(scene, APISERVER));
  expectPhase(scene, APISERVER, 'active');
});

test('a parent that was late because of others, and serves after all, is handed its ports', () => {
  const scene = inHandover().apiAway();
  scene.run(32_000);
  expectPhase(scene, APISERVER, 'active');
  scene.apiServes();
  scene.setReady(APISERVER, true);
  scene.run(15_000);
  expectPhase(scene, APISERVER, 'standby');
  assert.equal(scene.workload(APISERVER)?.failedHandovers, 0);
});

test('a blamed parent of unproven content that only seems ready, by its checkpoint on the port, stays blamed', () => {
  const scene = recovered();
  scene.replaceParent(APISERVER, { content: 'bad' });
  started(scene).apiAway().run(32_000).apiServes();
  scene.setReady(APISERVER, true);
  scene.run(60_000);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, activate rev-good');
});

test('a withdrawn checkpoint that takes its time to end is stopped before one is activated again', () => {
  const scene = recovered({ overlap: true });
  scene.parent(APISERVER).state = 'running';
  while (scene.phase(APISERVER) === 'active') scene.pass();
  expectPhase(scene, APISERVER, 'handover');
  const lingers = { revision: revision('good'), uid: 'static-1', state: 'running' as const };
  scene.onPass = () => {
    const stopped = scene.passes
      .flatMap((p) => p.actions)
      .some((a) => a.type === 'withdraw' && a.stopSandboxes.length > 0);
    if (!stopped) scene.checkpoints.set(APISERVER, lingers);
  };
  scene.parent(APISERVER).state = 'crashed';
  scene.apiAway().run(5_000);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, withdraw, activate rev-good');
});
