// Whole stories on a small self-hosted master: what an update or a power loss costs, and that it ends in peace.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkloadKey } from '../../../lib/types/workload.ts';
import { APISERVER, MANAGER, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { SmallCluster } from './small-cluster.ts';
import { expectMoves, expectPhase, moves, story } from './story.ts';

const ALL: readonly WorkloadKey[] = [APISERVER, MANAGER, SCHEDULER];

function aMaster(keys: readonly WorkloadKey[] = ALL): { scene: Scene; cluster: SmallCluster } {
  const scene = new Scene();
  for (const key of keys) scene.with(key);
  const cluster = new SmallCluster(scene);
  scene.run(1_000);
  return { scene, cluster };
}

function expectPeace({ scene }: { scene: Scene }, content = 'good'): void {
  assert.equal(scene.api.name, 'serving', story(scene));
  for (const [key] of scene.memory.workloads) {
    expectPhase(scene, key, 'standby');
    assert.equal(scene.disk.placed.has(key), false, story(scene));
    const { state } = scene.parent(key);
    assert.equal(state, 'running', story(scene));
  }
  assert.equal(scene.workload(APISERVER)?.proven?.revision, `rev-${content}`, story(scene));
}

test('a power loss of the only master ends with all parents running and every checkpoint withdrawn', () => {
  const { scene, cluster } = aMaster();
  cluster.powerLoss();
  scene.run(60_000);
  expectPeace({ scene });
  for (const key of ALL) expectMoves(scene, key, 'activate rev-good, withdraw');
});

test('a second power loss right after the first recovery ends the same', () => {
  const { scene, cluster } = aMaster();
  cluster.powerLoss();
  scene.run(3_000);
  cluster.powerLoss();
  scene.run(60_000);
  expectPeace({ scene });
});

test('a power loss at any moment of a handover ends the same', () => {
  for (let atMs = 2_000; atMs <= 10_000; atMs += 500) {
    const { scene, cluster } = aMaster();
    cluster.powerLoss();
    scene.run(atMs);
    cluster.powerLoss();
    scene.run(60_000);
    expectPeace({ scene });
  }
});

test('a good update of the only apiserver is completed unaided, the API away twice and no more', () => {
  const { scene, cluster } = aMaster();
  cluster.update(APISERVER, 'better');
  scene.run(90_000);
  expectPeace({ scene }, 'better');
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw');
  assert.equal(cluster.outagesMs.length, 2, story(scene));
});

test('a bad update of the only apiserver: one fair attempt, then the proven checkpoint stays; a fix hands over', () => {
  const { scene, cluster } = aMaster([APISERVER]);
  cluster.update(APISERVER, 'bad');
  scene.run(300_000);
  expectMoves(scene, APISERVER, 'activate rev-good, withdraw, activate rev-good');
  assert.equal(cluster.outagesMs.length, 2, story(scene));
  assert.match(
    scene.workload(APISERVER)?.note ?? '',
    /fix DaemonSet kube-apiserver, or restart its rollout to try again$/,
  );
  cluster.update(APISERVER, 'fixed');
  scene.run(60_000);
  expectPeace({ scene }, 'fixed');
});

test('the same beside a controller-manager and a scheduler that die whenever the API is away', () => {
  const { scene, cluster } = aMaster();
  cluster.update(APISERVER, 'bad');
  scene.run(120_000);
  assert.ok(cluster.outagesMs.length <= 3, story(scene));
  expectPhase(scene, APISERVER, 'active');
  assert.equal(scene.api.name, 'serving');
  const before = cluster.outagesMs.length;
  scene.run(300_000);
  assert.equal(cluster.outagesMs.length, before, story(scene));
  cluster.update(APISERVER, 'fixed');
  scene.run(120_000);
  expectPeace({ scene }, 'fixed');
});

test('a power loss during a bad update leaves the proven revision active, and a fix still hands over', () => {
  const { scene, cluster } = aMaster();
  cluster.update(APISERVER, 'bad');
  scene.run(12_000);
  cluster.powerLoss();
  scene.run(300_000);
  expectPhase(scene, APISERVER, 'active');
  assert.equal(scene.api.name, 'serving', story(scene));
  cluster.update(APISERVER, 'fixed');
  scene.run(120_000);
  expectPeace({ scene }, 'fixed');
});

test('content that serves for a while and then crashes costs the API a few outages, not one after another', () => {
  const { scene, cluster } = aMaster([APISERVER]);
  cluster.bad.set('leaky', 15_000);
  cluster.update(APISERVER, 'leaky');
  scene.run(300_000);
  assert.ok(moves(scene, APISERVER).split('withdraw').length - 1 <= 3, story(scene));
  const before = cluster.outagesMs.length;
  scene.run(300_000);
  assert.equal(cluster.outagesMs.length, before, story(scene));
  assert.equal(scene.workload(APISERVER)?.proven?.revision, 'rev-good');
  cluster.update(APISERVER, 'fixed');
  scene.run(120_000);
  expectPeace({ scene }, 'fixed');
});

test('an update of everything at once is completed: nobody is blamed for an API that others took away', () => {
  const { scene, cluster } = aMaster();
  for (const key of ALL) cluster.update(key, 'better');
  scene.run(300_000);
  expectPeace({ scene }, 'better');
  for (const key of ALL) assert.equal(scene.workload(key)?.proven?.revision, 'rev-better', story(scene));
});

test('an update of everything with a power loss at any moment is completed', () => {
  for (let atMs = 500; atMs <= 30_000; atMs += 1_900) {
    const { scene, cluster } = aMaster();
    for (const key of ALL) cluster.update(key, 'better');
    scene.run(atMs);
    cluster.powerLoss();
    scene.run(200_000, 200);
    for (const key of ALL) {
      assert.equal(scene.workload(key)?.proven?.revision, 'rev-better', `at ${atMs}: ${story(scene)}`);
    }
    expectPeace({ scene }, 'better');
  }
});

test('a controller-manager that died with the API does not wait out its back-off of 300 s', () => {
  const { scene } = aMaster();
  const manager = scene.parent(MANAGER);
  let restarted = false;
  manager.state = 'crashed';
  manager.restarts = 9;
  const { onPass } = scene;
  // Its back-off is far longer than this story.
  scene.onPass = (ms) => {
    onPass?.(ms);
    if (!restarted) manager.state = 'crashed';
  };
  const { onRestart } = scene;
  scene.onRestart = (living) => {
    restarted = true;
    onRestart(living);
  };
  scene.run(60_000);
  expectPeace({ scene });
  assert.equal(
    moves(scene, MANAGER).startsWith('activate rev-good, restart-parent, withdraw'),
    true,
    story(scene),
  );
});

test('a controller-manager whose image cannot be pulled is stood in for, so that the fix can be rolled out', () => {
  const { scene, cluster } = aMaster();
  cluster.update(MANAGER, 'unpullable');
  const { onPass } = scene;
  scene.onPass = (ms) => {
    onPass?.(ms);
    const unpullable = scene.parents.filter((p) => p.traits.content === 'unpullable');
    for (const living of unpullable) living.state = 'starting';
    scene.images = unpullable.length > 0 ? new Set() : new Set(['registry.k8s.io/control-plane:v1']);
  };
  scene.run(120_000);
  expectPhase(scene, MANAGER, 'active');
  cluster.update(MANAGER, 'fixed');
  scene.run(60_000);
  expectPeace({ scene });
});
