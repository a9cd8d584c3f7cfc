// When an active checkpoint goes for its parent, what ends a handover, and what a failed one costs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { known } from '../../../lib/types/observed.ts';
import type { WorkloadKey } from '../../../lib/types/workload.ts';
import { APISERVER, type ParentTraits, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase, lastReason, moves } from './story.ts';

/** After a boot: the checkpoint runs, the API is back, and the parent is the old one that nobody has started yet. */
function recovered(traits: Partial<ParentTraits> = {}): Scene {
  const scene = new Scene().with(APISERVER, traits).powerLoss();
  scene.run(300).apiServes();
  return scene;
}

/** The parent has been started and the checkpoint withdrawn for it. */
function inHandover(traits: Partial<ParentTraits> = {}): Scene {
  return started(recovered(traits));
}

/** The kubelet makes the sandbox, the checkpoint goes, the container follows. */
function started(scene: Scene): Scene {
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectPhase(scene, APISERVER, 'handover');
  scene.parent(APISERVER).state = 'running';
  scene.setReady(APISERVER, false);
  return scene.run(300);
}

/** The handover fails: the API goes with it, and the parent crashes. */
function failed(traits: Partial<ParentTraits> = {}): Scene {
  const scene = inHandover(traits).apiAway();
  crashes(scene);
  for (let passes = 0; scene.phase(APISERVER) !== 'active' && passes < 100; passes += 1) scene.pass();
  expectPhase(scene, APISERVER, 'active');
  return scene;
}

/** The parent crashes, and again each time it is started. */
function crashes(scene: Scene): void {
  const living = scene.parent(APISERVER);
  living.state = 'crashed';
  let passesUntilCrash = 0;
  scene.onRestart = () => {
    living.state = 'absent';
    passesUntilCrash = 2;
  };
  scene.onPass = () => {
    if (passesUntilCrash === 0) return;
    passesUntilCrash -= 1;
    if (passesUntilCrash === 0) living.state = 'crashed';
  };
}

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

test('a parent that crashed on the bound ports is started anew while the checkpoint serves, then handed them', () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'running';
  scene.run(2_000);
  scene.parent(APISERVER).state = 'crashed';
  scene.run(2_500);
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.run(1_000);
  expectMoves(scene, APISERVER, 'activate rev-good, restart-parent');
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, restart-parent, withdraw');
});

test('a restart that could not be carried out is asked for again until the parent is seen to start', () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'crashed';
  scene.onRestart = () => {};
  scene.run(3_500);
  const asked = scene.passes.filter((p) => p.actions.some((a) => a.type === 'restart-parent')).length;
  assert.ok(asked > 1);
  scene.parent(APISERVER).state = 'absent';
  const { actions } = scene.pass();
  assert.deepEqual(
    actions.filter((a) => a.type === 'restart-parent'),
    [],
  );
});

test('parents that crashed on their ports are started together: one outage, not one after the other', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.parent(APISERVER).state = 'crashed';
  scene.run(2_000);
  scene.parent(SCHEDULER).state = 'crashed';
  scene.run(1_300);
  const restarted = (key: WorkloadKey) =>
    scene.passes.find((p) => p.actions.some((a) => a.type === 'restart-parent' && a.workload === key))
      ?.atMs ?? 0;
  assert.ok(restarted(APISERVER) > 0);
  assert.equal(restarted(SCHEDULER) - restarted(APISERVER), 100);
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

test('an API that has only just come back is let get ready before anything is taken from it', () => {
  const scene = recovered();
  scene.api = { name: 'serving', starting: true };
  scene.parent(APISERVER).state = 'starting';
  scene.run(1_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  scene.api = { name: 'serving' };
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
});

test('a pod on its way out is not taken for one that comes in', () => {
  const scene = recovered();
  const old = scene.parent(APISERVER);
  old.parent = { ...old.parent, deleting: true };
  old.state = 'running';
  scene.run(5_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

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

test('a parent that lost the race for its ports and stays down gets its back-off ended, once', () => {
  const scene = inHandover().apiAway();
  scene.parent(APISERVER).state = 'crashed';
  scene.run(1_200);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
  scene.run(200);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, restart-parent');
  scene.parent(APISERVER).state = 'running';
  scene.run(1_000);
  scene.parent(APISERVER).state = 'crashed';
  scene.run(2_500);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, restart-parent');
});

test('content that was never seen to work gets no restart for a race: each costs the API', () => {
  const scene = recovered();
  scene.replaceParent(APISERVER, { content: 'new' });
  started(scene).apiAway();
  scene.parent(APISERVER).state = 'crashed';
  scene.run(2_900);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
});

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
  scene.run(100).apiAway().run(10_000);
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

test('unproven content that failed alone is not given its ports again under another UID', () => {
  const scene = recovered();
  scene.replaceParent(APISERVER, { content: 'bad' });
  started(scene).apiAway();
  scene.parent(APISERVER).state = 'crashed';
  scene.run(4_000).apiServes();
  scene.replaceParent(APISERVER, { content: 'bad' }, 'starting');
  scene.run(60_000);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, activate rev-good');
  assert.match(scene.workload(APISERVER)?.note ?? '', /fix DaemonSet kube-apiserver$/);
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
    const given = scene.phase(APISERVER) === 'handover' || living.state === 'absent';
    living.state = living.state === 'absent' ? 'starting' : 'crashed';
    living.restarts = given ? 0 : 1;
    living.parent = { ...living.parent, ready: false };
  };
  scene.parents.splice(0);
  scene.run(600_000, 500);
  const withdrawn = scene.passes.flatMap((p) => p.actions).filter((a) => a.type === 'withdraw');
  assert.equal(withdrawn.length, 2, moves(scene, APISERVER));
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

test('the last copy is not withdrawn when nothing intact is left on disk', () => {
  const scene = recovered();
  scene.disk.failing.add('store-revision');
  scene.disk.lose(APISERVER, 'rev-good' as never);
  scene.parent(APISERVER).state = 'starting';
  scene.run(60_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
  assert.match(scene.workload(APISERVER)?.note ?? '', /no intact copy/);
});

test('the power goes in the middle of a handover: the next boot activates again, and blames nobody', () => {
  const scene = inHandover().powerLoss();
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, activate rev-good');
  assert.equal(scene.workload(APISERVER)?.failedHandovers, 0);
});

test('an init container that has ended is not a crash: its pod is still starting', () => {
  const scene = recovered({ initContainer: true });
  scene.images = new Set();
  const living = scene.parent(APISERVER);
  living.state = 'prepared';
  scene.run(60_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
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
