// A parent that met the checkpoint's ports and sits in a back-off: the back-off is ended while the checkpoint serves, so
// that nobody waits for it; content that nobody has seen to work gets no such help.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkloadKey } from '../../../lib/types/workload.ts';
import { inHandover, recovered, restarts, started } from './handover-stage.ts';
import { APISERVER, revision, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, expectPhase, moves } from './story.ts';

/** In its handover, with the API away: it has died, and not for the first time. */
function diedAgain(): Scene {
  const scene = inHandover().apiAway();
  scene.parent(APISERVER).restarts = 1;
  scene.parent(APISERVER).state = 'crashed';
  return scene;
}

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

test('a parent whose back-off is being ended has not started: its checkpoint stays until it has', () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'crashed';
  // Its containers are removed, and its old sandbox is not ended yet.
  scene.onRestart = (living) => {
    living.state = 'starting';
  };
  scene.run(4_000);
  assert.match(moves(scene, APISERVER), /^activate rev-good(, restart-parent)+$/);
  scene.parent(APISERVER).sandboxes += 1;
  scene.pass();
  assert.match(moves(scene, APISERVER), /restart-parent, withdraw$/);
});

test('a restart that could not be carried out is asked for again until the parent is seen to start', () => {
  const scene = recovered();
  scene.parent(APISERVER).state = 'crashed';
  scene.onRestart = () => {};
  scene.run(3_500);
  const asked = scene.passes.filter((p) => p.actions.some((a) => a.type === 'restart-parent')).length;
  assert.ok(asked > 1);
  scene.parent(APISERVER).state = 'emptied';
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

test('one that has died before is in a back-off already, and is not waited for', () => {
  const scene = diedAgain();
  scene.pass();
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, restart-parent');
});

test('a sandbox is ended only once the kubelet has looked, and made nothing of the containers that are gone', () => {
  const scene = diedAgain();
  scene.run(1_200);
  assert.deepEqual(
    restarts(scene).map(({ sandboxId }) => sandboxId),
    [undefined],
  );
  scene.run(200);
  assert.equal(restarts(scene).at(-1)?.sandboxId, 'sandbox-parent-1');
  assert.equal(scene.parent(APISERVER).sandboxes, 1);
});

test('one that the kubelet starts in its old sandbox keeps it', () => {
  const scene = diedAgain();
  scene.run(500);
  scene.parent(APISERVER).restarts = 0;
  scene.parent(APISERVER).state = 'running';
  scene.run(5_000);
  assert.deepEqual(
    restarts(scene).map(({ sandboxId }) => sandboxId),
    [undefined],
  );
});

/** In its handover; its sandbox was ended, and what the kubelet had just made in it could not start. */
function spoilt(): Scene {
  const scene = diedAgain();
  scene.run(1_400);
  assert.equal(scene.parent(APISERVER).sandboxes, 1);
  scene.parent(APISERVER).endedBefore = true;
  scene.parent(APISERVER).state = 'starting';
  scene.onEmptied = () => {};
  return scene;
}

test('what could not start because its sandbox was ended does not hold its successor back', () => {
  const scene = spoilt();
  const before = restarts(scene).length;
  scene.run(200);
  assert.deepEqual(
    restarts(scene)
      .slice(before)
      .map(({ sandboxId }) => sandboxId),
    [undefined, undefined],
    'asked for again until it is gone; the new sandbox stays',
  );
  scene.parent(APISERVER).endedBefore = false;
  scene.run(200);
  assert.equal(restarts(scene).length, before + 2);
  expectPhase(scene, APISERVER, 'handover');
});

/** Its sandbox is to end, and meanwhile it is seen in it for so long; then another is made. Restarts asked from there. */
function seenMeanwhile(state: 'created' | 'running', ms: number): number {
  const scene = diedAgain();
  scene.onEmptied = () => {};
  scene.onRestart = () => {};
  scene.run(1_400);
  const living = scene.parent(APISERVER);
  living.state = state;
  scene.run(ms);
  const before = restarts(scene).length;
  living.sandboxes += 1;
  living.endedBefore = true;
  living.state = 'starting';
  scene.pass();
  return restarts(scene).length - before;
}

test('nor where it was seen to start while the sandbox was being ended', () => {
  assert.equal(seenMeanwhile('created', 200), 1);
});

test('one that runs on in its sandbox was not ended, and what comes of it later is the kubelet’s', () => {
  assert.equal(seenMeanwhile('running', 2_000), 0);
});

test('it is removed before there is a new sandbox, too', () => {
  const scene = diedAgain();
  scene.onRestart = (living) => {
    living.state = 'absent';
  };
  scene.run(1_600);
  assert.deepEqual(
    restarts(scene).map(({ sandboxId }) => sandboxId),
    [undefined, 'sandbox-parent-1', undefined],
  );
  assert.equal(scene.parent(APISERVER).state, 'emptied');
});

test('once a container of it is there, what ended in its older sandboxes is the kubelet’s', () => {
  const scene = spoilt();
  scene.parent(APISERVER).state = 'running';
  const before = restarts(scene).length;
  scene.run(1_000);
  scene.parent(APISERVER).sandboxes += 1;
  scene.parent(APISERVER).state = 'starting';
  scene.run(1_000);
  assert.equal(restarts(scene).length, before);
});

test('a sandbox that nobody here ended is none of ours', () => {
  const scene = recovered();
  scene.parent(APISERVER).endedBefore = true;
  scene.parent(APISERVER).state = 'starting';
  scene.run(1_000);
  assert.deepEqual(restarts(scene), []);
});

test('its time to start begins anew when its sandbox was ended: its checkpoint is not put in its way', () => {
  const scene = diedAgain();
  scene.run(1_400);
  assert.equal(scene.parent(APISERVER).state, 'emptied');
  scene.run(2_800);
  assert.doesNotMatch(moves(scene, APISERVER), /activate .*activate/);
  scene.run(400);
  assert.match(moves(scene, APISERVER), /activate .*activate/);
});

test('one that the kubelet took too long to start anew has not failed: it is handed its ports when it comes', () => {
  const scene = diedAgain();
  scene.onRestart = (living) => {
    living.state = 'emptied';
  };
  for (let passes = 0; scene.phase(APISERVER) !== 'active' && passes < 100; passes += 1) scene.pass();
  expectPhase(scene, APISERVER, 'active');
  scene.apiServes().run(2_000);
  expectPhase(scene, APISERVER, 'active');
  scene.parent(APISERVER).sandboxes += 1;
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  expectPhase(scene, APISERVER, 'handover');
});

test('content that was never seen to work gets one where it never had the ports: that says nothing of it', () => {
  const scene = recovered();
  scene.replaceParent(APISERVER, { content: 'new' });
  scene.parent(APISERVER).state = 'starting';
  scene.pass();
  // Its container was made, and died, before the checkpoint was gone.
  scene.parent(APISERVER).state = 'crashed';
  const lingers = { revision: revision('good'), uid: 'static-1', state: 'running' as const };
  scene.checkpoints.set(APISERVER, lingers);
  scene.disk.placed.set(APISERVER, lingers);
  scene.apiAway().pass();
  scene.parent(APISERVER).createdAtMs = scene.wallClockMs - 50;
  scene.run(1_500);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, withdraw, withdraw, restart-parent');
});

test('content that was never seen to work gets no restart once it had them: each costs the API', () => {
  const scene = recovered();
  scene.replaceParent(APISERVER, { content: 'new' });
  started(scene).apiAway();
  scene.parent(APISERVER).state = 'crashed';
  scene.run(2_900);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
});
