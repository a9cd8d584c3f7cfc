// Whom a failed handover is held against. Content that is blamed alone gets no ports until somebody changes it, so what
// says nothing of it must not be held against it: on a real node good updates were stopped for good.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { known } from '../../../lib/types/observed.ts';
import { recovered, restarts, started, untilBack } from './handover-stage.ts';
import { APISERVER, MANAGER, revision, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { expectPhase, story } from './story.ts';

/** After a boot, an update that nobody has seen to work is handed its ports, and the API is away. */
function updated(scene = recovered()): Scene {
  scene.replaceParent(APISERVER, { content: 'new' });
  return started(scene).apiAway();
}

const blamed = (scene: Scene) => scene.workload(APISERVER)?.failedParent;

test('content that died with its ports, and nobody else down, is blamed', () => {
  const scene = updated().run(1_000);
  scene.parent(APISERVER).state = 'crashed';
  assert.deepEqual(blamed(untilBack(scene)), { uid: 'parent-3', revision: 'rev-new' }, story(scene));
});

test('one that an update or a person takes away meanwhile is not', () => {
  const scene = updated();
  const living = scene.parent(APISERVER);
  scene.apiServes().pass();
  living.parent = { ...living.parent, deleting: true };
  scene.wanted.set(APISERVER, known('wanted'));
  scene.pass();
  scene.probes.set(living.parent.uid, known(false));
  scene.apiAway(9);
  assert.equal(blamed(untilBack(scene)), undefined, story(scene));
});

test('one whose only container was made while the checkpoint had its ports is not, nor is its content', () => {
  const scene = updated();
  // Whatever is asked for, the kubelet does not come to start it.
  scene.onEmptied = () => {};
  scene.onRestart = () => {};
  scene.parent(APISERVER).state = 'crashed';
  scene.pass();
  scene.parent(APISERVER).createdAtMs = 0;
  assert.deepEqual(blamed(untilBack(scene)), { uid: 'parent-3' }, story(scene));
});

test('the content of a pod that came after it is not', () => {
  const scene = recovered();
  started(scene);
  const old = scene.parent(APISERVER);
  scene.apiServes();
  scene.addParent(APISERVER, { content: 'newer' });
  scene.pass();
  scene.apiAway().run(1_000);
  old.state = 'crashed';
  scene.onRestart = () => {};
  scene.onEmptied = () => {};
  assert.notEqual(blamed(untilBack(scene))?.revision, revision('newer'), story(scene));
});

test('content is not blamed while another workload was down before the API went', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).powerLoss();
  scene.run(300).apiServes();
  scene.checkpoints.delete(SCHEDULER);
  scene.kubeletHeldUp = true;
  scene.run(1_000);
  updated(scene).run(1_000);
  scene.parent(APISERVER).state = 'crashed';
  assert.deepEqual(blamed(untilBack(scene)), { uid: 'parent-4' }, story(scene));
});

test('nor where another was handed over when the API went, and serves by now', () => {
  const scene = new Scene().with(APISERVER).with(MANAGER).powerLoss();
  scene.run(300).apiServes();
  scene.parent(MANAGER).state = 'starting';
  scene.pass();
  expectPhase(scene, MANAGER, 'handover');
  scene.parent(MANAGER).state = 'running';
  updated(scene);
  scene.run(500);
  scene.probes.set(scene.parent(MANAGER).parent.uid, known(true));
  scene.run(500);
  expectPhase(scene, MANAGER, 'standby');
  scene.parent(APISERVER).state = 'crashed';
  assert.equal(blamed(untilBack(scene))?.revision, undefined, story(scene));
});

test('what the pods before it failed at is not held against a new one', () => {
  const scene = recovered();
  const failOnce = (content: string): void => {
    scene.replaceParent(APISERVER, { content });
    started(scene).run(1_000);
    scene.parent(APISERVER).state = 'crashed';
    // The API answers all along: nobody says whose fault it is.
    untilBack(scene);
  };
  for (const content of ['first', 'second', 'third']) failOnce(content);
  failOnce('fine');
  assert.equal(restartsAsked(scene), 0, story(scene));
  scene.run(300_000, 500);
  assert.equal(restartsAsked(scene), 1, story(scene));
});

/** How often the kubelet was made to start the newest parent. */
function restartsAsked(scene: Scene): number {
  const { uid } = scene.parent(APISERVER).parent;
  return restarts(scene).filter((action) => action.uid === uid && action.sandboxId !== undefined).length;
}
