// When an active checkpoint goes for its parent: as soon as the kubelet has begun to start that parent, and not before.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recovered } from './handover-stage.ts';
import { AGENT, API_PORT, APISERVER, ETCD, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase, lastReason } from './story.ts';

test('a parent that the API names and the kubelet has not begun to start leaves the checkpoint alone', () => {
  const scene = recovered();
  scene.run(20_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test("the parent's sandbox is enough when every image is there", () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
  assert.match(lastReason(scene), /started by the kubelet/);
});

test('a sandbox that waits for an image is not enough; its container is', () => {
  const scene = recovered();
  scene.images = new Set();
  scene.parent(APISERVER).state = 'starting';
  scene.run(60_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.parent(APISERVER).state = 'running';
  scene.run(4_000);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
});

test('while the API is away for one handover, another parent that starts is not made to wait for it', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.parent(SCHEDULER).state = 'starting';
  scene.pass();
  scene.parent(APISERVER).state = 'starting';
  scene.apiAway(1).pass();
  expectPhase(scene, APISERVER, 'handover');
});

test('the sandboxes of a checkpoint that is withdrawn for a starting parent are stopped at once', () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'starting';
  const { actions } = scene.pass();
  const uid = scene.checkpoints.get(APISERVER)?.uid;
  const stopped = actions.flatMap((a) => (a.type === 'withdraw' ? a.stopSandboxes : []));
  assert.deepEqual(stopped, [`sandbox-${uid}`]);
});

test('a sandbox seen by the runtime before the API has listed its pod is enough, too', () => {
  const scene = recovered();
  scene.podsListed = false;
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
});

test('rule 8: but not before the API has said that its Node is the one from before', () => {
  const scene = recovered();
  scene.podsListed = false;
  scene.nodeRead = false;
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.nodeRead = true;
  scene.nodeUid = 'node-of-an-emptied-cluster';
  scene.pass();
  expectPhase(scene, APISERVER, 'held');
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('an API that has only just come back is let get ready before anything is taken from it', () => {
  const scene = recovered();
  scene.api = { name: 'serving', starting: true };
  scene.parent(APISERVER).state = 'starting';
  scene.run(100);
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.api = { name: 'serving' };
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
});

test('a kubelet that makes no containers of pods of the API yet has not begun to start anything', () => {
  const scene = new Scene().with(APISERVER).powerLoss();
  scene.kubeletStarts = false;
  scene.run(300).apiServes();
  scene.parent(APISERVER).state = 'starting';
  scene.run(1_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.parent(APISERVER).state = 'absent';
  scene.pass();
  scene.kubeletStarts = true;
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
});

test('once it has made one it goes on doing so, until an API that was away comes back: it may be another kubelet', () => {
  const scene = recovered();
  scene.pass();
  scene.kubeletStarts = false;
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
  const other = recovered();
  other.pass();
  other.kubeletStarts = false;
  other.apiAway().run(1_000);
  other.apiServes();
  other.parent(APISERVER).state = 'starting';
  other.run(1_000);
  expectMoves(other, APISERVER, 'activate rev-good');
});

test('a sandbox that stands empty is not one that has just begun; held back for seconds, it is started anew', () => {
  const scene = recovered();
  scene.api = { name: 'serving', starting: true };
  scene.parent(APISERVER).state = 'starting';
  scene.run(1_000);
  scene.api = { name: 'serving' };
  scene.run(3_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.run(5_000);
  expectMoves(scene, APISERVER, 'activate rev-good, restart-parent');
});

test('a container that runs has met the bound ports', () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'running';
  scene.parent(APISERVER).createdAtMs = scene.wallClockMs;
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('nobody is first while a parent of the node is about to be started anew: all go together', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.parent(SCHEDULER).state = 'crashed';
  scene.run(1_000);
  scene.parent(APISERVER).state = 'starting';
  scene.run(100);
  expectPhase(scene, APISERVER, 'active');
  scene.parent(APISERVER).state = 'crashed';
  scene.run(2_000);
  expectMoves(scene, SCHEDULER, 'activate rev-good, restart-parent');
  expectMoves(scene, APISERVER, 'activate rev-good, restart-parent');
});

test('one that stays in its back-off for a reason of its own is not waited for', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.parent(SCHEDULER).state = 'crashed';
  scene.onRestart = () => {};
  scene.run(20_000);
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectPhase(scene, APISERVER, 'handover');
});

test("nor is the agent's own parent, which needs nothing from its checkpoint", () => {
  const scene = new Scene().with(APISERVER).with(AGENT, { standbyLock: true });
  scene.run(25_000).powerLoss();
  scene.run(300).apiServes();
  expectPhase(scene, AGENT, 'active');
  scene.parent(AGENT).state = 'crashed';
  scene.run(1_000);
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectPhase(scene, APISERVER, 'handover');
});

/** The kubelet has got what the apiserver's parent needs of the API, and not yet what etcd's does. */
function serverComesFirst(): Scene {
  const scene = new Scene().with(ETCD).with(APISERVER).with(SCHEDULER).powerLoss();
  scene.apiPortHere = API_PORT;
  scene.run(300).apiServes();
  scene.parent(APISERVER).state = 'starting';
  return scene;
}

test('an apiserver does not go before the etcd that it needs, whose parent is still to come', () => {
  const scene = serverComesFirst();
  scene.pass();
  expectPhase(scene, APISERVER, 'active');
  scene.parent(ETCD).state = 'starting';
  scene.pass();
  expectPhase(scene, ETCD, 'handover');
  expectPhase(scene, APISERVER, 'handover');
});

test('one that died on its ports meanwhile is started anew with the etcd that came', () => {
  const scene = serverComesFirst().run(200);
  scene.parent(APISERVER).state = 'crashed';
  scene.run(1_000);
  scene.parent(ETCD).state = 'starting';
  scene.run(200);
  scene.parent(ETCD).state = 'crashed';
  scene.run(2_500);
  expectMoves(scene, APISERVER, 'activate rev-good, restart-parent');
  expectMoves(scene, ETCD, 'activate rev-good, restart-parent');
});

test('nor does it go along with one that it does not need', () => {
  const scene = serverComesFirst();
  scene.parent(SCHEDULER).state = 'starting';
  scene.pass();
  expectPhase(scene, SCHEDULER, 'handover');
  expectPhase(scene, APISERVER, 'active');
  scene.parent(APISERVER).state = 'crashed';
  scene.run(2_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('it waits for nobody else, only once, and not for ever', () => {
  const others = serverComesFirst();
  others.parent(ETCD).state = 'starting';
  others.pass();
  expectPhase(others, APISERVER, 'handover');

  const again = serverComesFirst().run(200);
  again.parent(APISERVER).state = 'crashed';
  again.run(5_000);
  again.parent(APISERVER).state = 'starting';
  again.pass();
  expectMoves(again, APISERVER, 'activate rev-good, restart-parent, withdraw');

  const late = serverComesFirst();
  late.parent(APISERVER).state = 'absent';
  late.run(10_000);
  late.parent(APISERVER).state = 'starting';
  late.pass();
  expectPhase(late, APISERVER, 'handover');
});

test('a pod on its way out is not taken for one that comes in', () => {
  const scene = recovered();
  const old = scene.parent(APISERVER);
  old.parent = { ...old.parent, deleting: true };
  old.state = 'running';
  scene.run(5_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('with the overlap option the checkpoint stays until the parent has run ready, then it must serve alone', () => {
  const scene = recovered({ overlap: true });
  scene.parent(APISERVER).state = 'running';
  scene.run(9_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.run(2_000);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
  scene.run(500);
  expectPhase(scene, APISERVER, 'standby');
});

test('a pod network parent is waited for until it serves: nothing conflicts', () => {
  const scene = recovered({ network: 'own' });
  scene.parent(APISERVER).state = 'running';
  scene.setReady(APISERVER, false);
  scene.run(30_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.setReady(APISERVER, true);
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
  expectPhase(scene, APISERVER, 'standby');
});

test('the last copy is not withdrawn when nothing intact is left on disk', () => {
  const scene = recovered();
  scene.disk.failing.add('store-revision');
  scene.disk.lose(APISERVER, 'rev-good' as never);
  scene.parent(APISERVER).state = 'starting';
  scene.run(60_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  assert.match(scene.workload(APISERVER)?.note ?? '', /no intact copy/);
});

test('an init container that has ended is not a crash: its pod is still starting', () => {
  const scene = recovered({ initContainer: true });
  scene.images = new Set();
  const living = scene.parent(APISERVER);
  living.state = 'prepared';
  scene.run(60_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});
