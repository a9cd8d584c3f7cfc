// When nothing of a workload runs and no API answers: what activates its checkpoint, and what must not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { known } from '../../../lib/types/observed.ts';
import { APISERVER, MANAGER, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase, lastReason } from './story.ts';

test('the first boot pass activates all workloads together, at the first probe that fails', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  const { actions } = scene.pass();
  const activated = actions.flatMap((a) => (a.type === 'activate' ? [a.workload] : []));
  assert.deepEqual(activated, [APISERVER, SCHEDULER]);
  assert.match(lastReason(scene), /first boot pass/);
});

test('the first boot pass waits for the runtime, and for somebody to have been asked', () => {
  const scene = new Scene().with(APISERVER).powerLoss();
  scene.api = { name: 'unasked' };
  scene.run(500).apiAway(1);
  scene.runtimeAnswers = false;
  scene.run(500);
  expectMoves(scene, APISERVER, '');
  scene.runtimeAnswers = true;
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('the first boot pass does nothing when the API answers: the kubelet will start the parents', () => {
  const scene = new Scene().with(APISERVER).powerLoss().apiServes();
  scene.run(2_000);
  expectMoves(scene, APISERVER, '');
  assert.equal(scene.memory.bootId, scene.bootId.known && scene.bootId.value);
});

test('the first boot pass is made once a boot: a restarted agent goes by the outage rule', () => {
  const scene = new Scene().with(APISERVER).powerLoss().apiServes();
  scene.pass();
  scene.restart().apiAway(1).pass();
  expectMoves(scene, APISERVER, '');
});

test('the first boot pass leaves a parent alone that the kubelet is starting', () => {
  const scene = new Scene().with(APISERVER).powerLoss();
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectMoves(scene, APISERVER, '');
});

test('a container that the power cut caught between created and started does not count as running', () => {
  const scene = new Scene().with(APISERVER).powerLoss();
  scene.parent(APISERVER).state = 'created-in-dead-sandbox';
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('an outage activates after several failed probes over the outage time, never on one', () => {
  const scene = new Scene().with(APISERVER);
  scene.parent(APISERVER).state = 'absent';
  scene.apiAway(1).run(5_000);
  expectMoves(scene, APISERVER, '');
  scene.apiAway(3).pass();
  expectMoves(scene, APISERVER, 'activate rev-good');
  assert.match(lastReason(scene), /outage: its parent is not running and no API answers/);
});

test('many failed probes within a moment are no outage either', () => {
  const scene = new Scene().with(APISERVER);
  scene.parent(APISERVER).state = 'absent';
  scene.apiAway(50).run(600);
  expectMoves(scene, APISERVER, '');
  scene.run(200);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('a success between failures begins the outage time anew', () => {
  const scene = new Scene().with(APISERVER);
  scene.parent(APISERVER).state = 'absent';
  for (let i = 0; i < 5; i += 1) scene.apiAway(9).run(600).apiServes().run(100);
  expectMoves(scene, APISERVER, '');
});

test('while the runtime does not answer, an outage holds everything', () => {
  const scene = new Scene().with(APISERVER).apiAway();
  scene.parent(APISERVER).state = 'absent';
  scene.runtimeAnswers = false;
  scene.run(60_000);
  expectMoves(scene, APISERVER, '');
  expectPhase(scene, APISERVER, 'standby');
});

test('a missing manifest is not put back while the runtime does not answer', () => {
  const scene = new Scene().with(APISERVER).powerLoss();
  scene.run(300);
  scene.disk.placed.clear();
  scene.runtimeAnswers = false;
  scene.run(1_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.runtimeAnswers = true;
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, activate rev-good');
});

test('an API that denies the node (401, 403) is somebody: everything holds', () => {
  const scene = new Scene().with(APISERVER);
  scene.parent(APISERVER).state = 'absent';
  scene.api = { name: 'denied', cause: 'unauthorized', detail: '401' };
  scene.run(120_000);
  expectMoves(scene, APISERVER, '');
});

test('a parent that runs while the API is away is left alone', () => {
  const scene = new Scene().with(APISERVER).with(MANAGER).apiAway();
  scene.run(300_000, 1_000);
  expectMoves(scene, APISERVER, '');
  expectMoves(scene, MANAGER, '');
});

test('a kubelet or agent restart with the API down and containers running activates nothing', () => {
  const scene = new Scene().with(APISERVER).apiAway();
  scene.run(2_000).restart().run(10_000);
  expectMoves(scene, APISERVER, '');
});

test('a parent that crashes for the first time is left to the kubelet for the restart patience', () => {
  const scene = new Scene().with(APISERVER).apiAway();
  scene.run(1_000);
  scene.parent(APISERVER).state = 'crashed';
  scene.run(2_500);
  expectMoves(scene, APISERVER, '');
  scene.parent(APISERVER).state = 'running';
  scene.run(20_000);
  expectMoves(scene, APISERVER, '');
});

test('a parent in a crash loop with the API away is replaced by the proven revision', () => {
  const scene = new Scene().with(APISERVER).apiAway();
  scene.parent(APISERVER).state = 'crashed';
  scene.run(3_200);
  expectMoves(scene, APISERVER, 'activate rev-good');
  assert.match(lastReason(scene), /outage: its parent is crashing/);
});

test('a container that the kubelet made and died over is no parent that runs: its checkpoint stands in', () => {
  const scene = new Scene().with(APISERVER);
  const parent = scene.parent(APISERVER);
  parent.state = 'created';
  parent.createdAtMs = scene.wallClockMs;
  scene.apiAway().run(8_000);
  expectMoves(scene, APISERVER, '');
  scene.run(8_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  assert.match(lastReason(scene), /outage: its parent is crashing/);
  // The API comes back before the kubelet has heard of the parent: what it left there is not a start.
  scene.apiServes().run(2_000);
  expectPhase(scene, APISERVER, 'active');
});

test('a side-car that runs does not hide the crash loop beside it', () => {
  const scene = new Scene().with(APISERVER).apiAway();
  scene.parent(APISERVER).state = 'limping';
  scene.run(29_000);
  expectMoves(scene, APISERVER, '');
  scene.run(2_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('a container whose state the runtime cannot tell is not stopped', () => {
  const scene = new Scene().with(APISERVER).apiAway();
  scene.parent(APISERVER).state = 'unknown';
  scene.run(60_000);
  expectMoves(scene, APISERVER, '');
});

test('a sandbox that waits for an image is given the start patience before an outage overrules it', () => {
  const scene = new Scene().with(APISERVER).apiAway();
  scene.images = new Set();
  scene.parent(APISERVER).state = 'starting';
  scene.run(29_000);
  expectMoves(scene, APISERVER, '');
  scene.run(2_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('one that stands empty with nothing to pull is held back by the kubelet, and is not given that time', () => {
  const scene = new Scene().with(APISERVER).apiAway();
  scene.parent(APISERVER).state = 'starting';
  scene.run(5_000);
  expectMoves(scene, APISERVER, '');
  scene.run(500);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('the agent recognizes a parent by its generated name when it does not know its UID', () => {
  const scene = new Scene().with(APISERVER);
  scene.replaceParent(APISERVER, {}, 'running');
  scene.apiAway().run(5_000);
  expectMoves(scene, APISERVER, '');
});

test('a pod of another workload whose name begins alike does not stand in for the parent', () => {
  const scene = new Scene().with(APISERVER).apiAway();
  const { parent } = scene.parent(APISERVER);
  scene.parent(APISERVER).parent = { ...parent, uid: 'other', name: 'kube-apiserver-proxy-x7f2k' };
  scene.run(1_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('a damaged proven revision falls back to the one before it', () => {
  const scene = new Scene().with(APISERVER);
  const record = scene.disk.records.get(APISERVER);
  assert.ok(record);
  scene.disk.records.set(APISERVER, { ...record, previous: 'rev-before' as never });
  scene.disk.revisions.set(APISERVER, ['rev-other' as never, 'rev-before' as never]);
  scene.powerLoss().pass();
  expectMoves(scene, APISERVER, 'activate rev-before');
});

test('a revision that is damaged while its checkpoint runs is replaced only once that is down', () => {
  const scene = new Scene().with(APISERVER);
  scene.disk.revisionsOf(APISERVER).push('rev-before' as never);
  scene.powerLoss().run(500);
  scene.disk.lose(APISERVER, 'rev-good' as never);
  scene.run(5_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  const checkpoint = scene.checkpoints.get(APISERVER);
  assert.ok(checkpoint);
  checkpoint.state = 'crashed';
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, activate rev-before');
});

test('with the record lost, a manifest in the static pod directory is adopted, not withdrawn', () => {
  const scene = new Scene().with(APISERVER).powerLoss();
  scene.run(500);
  scene.disk.records.clear();
  scene.directoryReadable = false;
  scene.restart().run(500);
  scene.directoryReadable = true;
  scene.run(500);
  expectMoves(scene, APISERVER, 'activate rev-good');
  expectPhase(scene, APISERVER, 'active');
});

test('with the record lost and nothing placed, the newest intact copy is activated at boot', () => {
  const scene = new Scene().with(APISERVER);
  scene.disk.records.clear();
  scene.powerLoss().pass();
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('a boot id that cannot be read makes no first boot pass', () => {
  const scene = new Scene().with(APISERVER).powerLoss();
  scene.bootId = { known: false, reason: 'unreadable' };
  scene.pass();
  expectMoves(scene, APISERVER, '');
  scene.bootId = known('boot-9');
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('a checkpoint that could not be placed is not placed beside a parent that got up meanwhile', () => {
  const scene = new Scene().with(APISERVER);
  scene.disk.failing.add('activate');
  scene.parent(APISERVER).state = 'crashed';
  scene.apiAway().run(5_000);
  expectPhase(scene, APISERVER, 'active');
  scene.parent(APISERVER).state = 'running';
  scene.disk.failing.clear();
  scene.run(1_000);
  expectPhase(scene, APISERVER, 'standby');
  assert.equal(scene.disk.placed.size, 0);
});
