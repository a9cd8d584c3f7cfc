// A parent that was deleted and takes its time to end, with the API gone: when it is not waited for, and when it is.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AwayCause } from '../../../lib/types/observation.ts';
import { known, unknown } from '../../../lib/types/observed.ts';
import { API_PORT, APISERVER, ETCD } from './pods.ts';
import { Scene } from './scene.ts';
import { expectMoves, lastReason } from './story.ts';

/** The DaemonSet of the only apiserver was updated: its pod is told to end, closes its port and lives on. */
function onItsWayOut(key = APISERVER): Scene {
  const scene = new Scene().with(APISERVER).with(ETCD);
  scene.apiPortHere = API_PORT;
  const living = scene.parent(key);
  living.parent = { ...living.parent, deleting: true };
  scene.wanted.set(key, known('wanted'));
  return scene.run(200);
}

/** It was told to end when its etcd was gone: it keeps its port, and what it is asked comes to no end. */
function keepsItsPort(cause: AwayCause, key = APISERVER): Scene {
  const scene = onItsWayOut(key);
  scene.api = { name: 'away', cause, detail: 'no answer', failedProbes: 9 };
  scene.probes.set(scene.parent(key).parent.uid, known(false));
  return scene;
}

test('an apiserver that was deleted and has closed its port is not waited for until its grace period ends', () => {
  const scene = onItsWayOut().apiAway(1);
  scene.probes.set(scene.parent(APISERVER).parent.uid, known(false));
  scene.run(600);
  expectMoves(scene, APISERVER, '');
  scene.apiAway(3).run(200);
  expectMoves(scene, APISERVER, 'activate rev-good');
  assert.match(lastReason(scene), /its parent is on its way out and no API answers/);
});

test('so is one whose deletion was the last word of an API that was gone before anybody looked', () => {
  const scene = new Scene().with(APISERVER);
  scene.run(200).apiAway();
  const { parent } = scene.parent(APISERVER);
  scene.lastWord = [{ ...parent, deleting: true }];
  scene.probes.set(parent.uid, known(false));
  scene.run(1_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});

test('one that was deleted, and takes its time without an API, is given a moment and then killed', () => {
  const scene = onItsWayOut();
  scene.api = { name: 'away', cause: 'failing', detail: '500', failedProbes: 9 };
  scene.run(2_900);
  expectMoves(scene, APISERVER, '');
  scene.run(400);
  expectMoves(scene, APISERVER, 'hurry-parent, activate rev-good');
});

for (const cause of ['timed-out', 'failing', 'throttled', 'cut-off'] as const) {
  test(`an apiserver that was deleted, says itself that it is not ready, and keeps its port is killed (${cause})`, () => {
    const scene = keepsItsPort(cause);
    scene.run(600);
    expectMoves(scene, APISERVER, '');
    scene.run(400);
    expectMoves(scene, APISERVER, 'hurry-parent, activate rev-good');
    assert.match(lastReason(scene), /its parent is not running and no API answers/);
  });
}

test('not so long as its own probe has not been answered', () => {
  const scene = keepsItsPort('timed-out');
  scene.probes.set(scene.parent(APISERVER).parent.uid, unknown('being asked'));
  scene.run(20_000);
  expectMoves(scene, APISERVER, '');
});

test('not at once where it is not what answers at this node: others may ask it', () => {
  const scene = keepsItsPort('timed-out');
  scene.apiPortHere = undefined;
  scene.run(2_900);
  expectMoves(scene, APISERVER, '');
});

test('an etcd that was deleted and does not answer its own probe is given a moment, and then killed', () => {
  const scene = keepsItsPort('timed-out', ETCD);
  scene.run(2_900);
  expectMoves(scene, ETCD, '');
  scene.run(400);
  expectMoves(scene, ETCD, 'hurry-parent, activate rev-good');
});

test('one that answers its own probe has not heard of its deletion: no checkpoint is put beside it', () => {
  const scene = onItsWayOut().apiAway(9);
  scene.probes.set(scene.parent(APISERVER).parent.uid, known(true));
  scene.run(2_500);
  expectMoves(scene, APISERVER, '');
});

test('one whose API is only out of reach may be in use by others, and is left its time', () => {
  const scene = onItsWayOut();
  scene.api = { name: 'away', cause: 'timed-out', detail: 'no answer', failedProbes: 9 };
  scene.run(20_000);
  expectMoves(scene, APISERVER, '');
});

test('one that the API did not say to be deleted is let be', () => {
  const stays = new Scene().with(APISERVER).run(200).apiAway();
  stays.run(20_000);
  expectMoves(stays, APISERVER, '');
});

test('an agent that has started since does not know that it was deleted, and waits for its end', () => {
  const scene = onItsWayOut().restart().apiAway();
  scene.probes.set(scene.parent(APISERVER).parent.uid, known(false));
  scene.run(20_000);
  expectMoves(scene, APISERVER, '');
  scene.parent(APISERVER).state = 'absent';
  scene.run(1_000);
  expectMoves(scene, APISERVER, 'activate rev-good');
});
