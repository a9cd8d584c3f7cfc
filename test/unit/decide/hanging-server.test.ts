// An apiserver that lost its etcd hangs, and the kubelet with it: when it is ended so that etcd can start, and when not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Action } from '../../../lib/types/action.ts';
import type { AwayCause } from '../../../lib/types/observation.ts';
import type { WorkloadKey } from '../../../lib/types/workload.ts';
import { API_PORT, APISERVER, ETCD, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase } from './story.ts';

/** The DaemonSets were updated: etcd is gone, its successor cannot be made, and the apiserver answers nothing. */
function etcdIsGone(): Scene {
  return hangs(gone(ETCD));
}

/** It is down, and the kubelet starts nothing that is placed for it. */
function gone(key: WorkloadKey): Scene {
  const scene = new Scene().with(ETCD).with(APISERVER).with(SCHEDULER);
  scene.apiPortHere = API_PORT;
  scene.run(1_000);
  scene.parent(key).state = 'absent';
  scene.run(3_000);
  scene.kubeletHeldUp = true;
  return scene;
}

function hangs(scene: Scene, cause: AwayCause = 'timed-out'): Scene {
  scene.api = { name: 'away', cause, detail: 'no answer in time', failedProbes: 3 };
  return scene;
}

test('a server that hangs is ended when the kubelet does not start what it waits for', () => {
  const scene = etcdIsGone().run(900);
  expectPhase(scene, ETCD, 'active');
  scene.run(1_000);
  expectMoves(scene, APISERVER, '');
  scene.run(600);
  expectMoves(scene, ETCD, 'activate rev-good');
  expectMoves(scene, SCHEDULER, '');
  const { uid } = scene.parent(APISERVER).parent;
  assert.deepEqual(ended(scene), [{ type: 'restart-server', workload: APISERVER, containers: [`${uid}-0`] }]);
});

test('it is left to the kubelet for a moment, and then stood in for', () => {
  const scene = etcdIsGone().run(2_500);
  scene.kubeletHeldUp = false;
  scene.run(2_500);
  expectMoves(scene, APISERVER, 'restart-server');
  scene.run(1_000);
  expectMoves(scene, APISERVER, 'restart-server, activate rev-good');
});

test('once another container of it runs it has the time that any apiserver has', () => {
  const scene = etcdIsGone().run(2_500);
  scene.kubeletHeldUp = false;
  const living = scene.parent(APISERVER);
  living.state = 'running';
  living.restarts = 1;
  living.createdAtMs = scene.wallClockMs;
  hangs(scene, 'failing').run(500);
  assert.equal(scene.workload(APISERVER)?.ended, undefined);
  living.state = 'absent';
  scene.run(200);
  expectPhase(scene, APISERVER, 'active');
});

test('it is left to the kubelet also when it took a moment to die', () => {
  const scene = etcdIsGone().run(2_500);
  scene.parent(APISERVER).state = 'running';
  hangs(scene, 'refused').run(300);
  scene.parent(APISERVER).state = 'absent';
  scene.kubeletHeldUp = false;
  scene.run(2_000);
  expectPhase(scene, APISERVER, 'standby');
  scene.run(2_000);
  expectPhase(scene, APISERVER, 'active');
});

test('what was started since is ended as well, but has longer each time', () => {
  const scene = etcdIsGone().run(2_500);
  const living = scene.parent(APISERVER);
  for (const [restarts, ms] of [3_000, 6_000, 12_000, 20_000, 20_000].entries()) {
    living.state = 'running';
    living.restarts = restarts + 1;
    living.createdAtMs = scene.wallClockMs;
    const before = ended(scene).length;
    scene.run(ms - 200);
    assert.equal(ended(scene).length, before, `not within ${ms} ms`);
    scene.run(400);
    assert.equal(ended(scene).length, before + 1, `after ${ms} ms`);
  }
});

test('so is one that is a checkpoint itself', () => {
  const scene = new Scene().with(ETCD).with(APISERVER).powerLoss();
  scene.apiPortHere = API_PORT;
  scene.run(300).apiServes();
  scene.parent(ETCD).state = 'starting';
  scene.run(200);
  scene.parent(ETCD).state = 'running';
  scene.run(20_000);
  expectPhase(scene, ETCD, 'standby');
  scene.parent(ETCD).state = 'absent';
  scene.run(3_000);
  scene.kubeletHeldUp = true;
  hangs(scene).run(3_000);
  const [first] = scene.passes.flatMap(({ actions }) =>
    actions.filter(({ type }) => type === 'restart-server'),
  );
  const checkpoint = scene.checkpoints.get(APISERVER)?.uid;
  assert.deepEqual(first, {
    type: 'restart-server',
    workload: APISERVER,
    containers: [`${checkpoint}-0`],
  });
});

test('one that was started after its etcd had gone is ended as soon', () => {
  const scene = etcdIsGone();
  scene.parent(APISERVER).createdAtMs = scene.wallClockMs;
  scene.run(2_600);
  expectMoves(scene, APISERVER, 'restart-server');
});

test('it is ended for an etcd that went a moment later as well, such as in a handover of both', () => {
  const scene = new Scene().with(ETCD).with(APISERVER).with(SCHEDULER);
  scene.apiPortHere = API_PORT;
  scene.run(1_000);
  hangs(scene).run(500);
  scene.parent(ETCD).state = 'absent';
  scene.kubeletHeldUp = true;
  scene.run(3_000);
  expectPhase(scene, ETCD, 'active');
  expectMoves(scene, APISERVER, 'restart-server');
});

test('a process that starts while the API is away ends it as well', () => {
  const scene = new Scene().with(ETCD).with(APISERVER).with(SCHEDULER);
  scene.apiPortHere = API_PORT;
  scene.run(1_000);
  scene.parent(ETCD).state = 'absent';
  scene.kubeletHeldUp = true;
  hangs(scene).restart().run(3_000);
  expectPhase(scene, ETCD, 'active');
  expectMoves(scene, APISERVER, 'restart-server');
});

test('it is let be where what waits is nothing that it needs, such as a controller that died with it', () => {
  const scene = hangs(gone(SCHEDULER)).run(60_000);
  expectPhase(scene, SCHEDULER, 'active');
  expectMoves(scene, APISERVER, '');
});

test('in a handover of etcd it is ended when the kubelet has not made the parent run again in time', () => {
  const scene = etcdIsHandedOver();
  scene.run(2_900);
  expectMoves(scene, APISERVER, '');
  scene.run(300);
  expectMoves(scene, APISERVER, 'restart-server');
  expectPhase(scene, ETCD, 'handover');
});

test('in a handover of something else it is let be', () => {
  const scene = etcdIsHandedOver(SCHEDULER);
  scene.run(3_900);
  expectMoves(scene, APISERVER, '');
});

/** Its checkpoint is withdrawn, its parent died on the ports, and the kubelet starts neither. */
function etcdIsHandedOver(key = ETCD): Scene {
  const scene = new Scene().with(ETCD).with(APISERVER).with(SCHEDULER).powerLoss();
  scene.apiPortHere = API_PORT;
  for (const { parent } of scene.parents) scene.parent(parent.workload).state = 'running';
  scene.parent(key).state = 'absent';
  scene.run(300).apiServes();
  scene.run(20_000);
  expectPhase(scene, APISERVER, 'standby');
  expectPhase(scene, key, 'active');
  scene.parent(key).state = 'starting';
  scene.pass();
  expectPhase(scene, key, 'handover');
  scene.parent(key).state = 'crashed';
  scene.onRestart = (living) => {
    living.state = 'absent';
  };
  scene.kubeletHeldUp = true;
  return hangs(scene);
}

test('one that is not there at all, or whose kubelet is free, is let be', () => {
  const refused = hangs(etcdIsGone(), 'refused').run(10_000);
  expectMoves(refused, APISERVER, '');
  const free = etcdIsGone();
  free.kubeletHeldUp = false;
  expectMoves(free.run(10_000), APISERVER, '');
  const pulling = etcdIsGone();
  pulling.kubeletHeldUp = false;
  pulling.onPass = () => {
    for (const checkpoint of pulling.checkpoints.values()) checkpoint.state = 'starting';
  };
  expectMoves(pulling.run(10_000), APISERVER, '');
});

test('one that other masters may serve as well is let be', () => {
  const scene = etcdIsGone();
  scene.apiPortHere = undefined;
  expectMoves(scene.run(10_000), APISERVER, '');
});

test('one that hung before anything here was down is let be: an etcd elsewhere may come back', () => {
  const scene = new Scene().with(ETCD).with(APISERVER).with(SCHEDULER);
  scene.apiPortHere = API_PORT;
  hangs(scene.run(1_000)).run(12_000);
  scene.parent(SCHEDULER).state = 'crashed';
  scene.kubeletHeldUp = true;
  scene.run(20_000);
  expectPhase(scene, SCHEDULER, 'active');
  expectMoves(scene, APISERVER, '');
});

function ended(scene: Scene): Action[] {
  return scene.passes.flatMap(({ actions }) => actions.filter(({ type }) => type === 'restart-server'));
}
