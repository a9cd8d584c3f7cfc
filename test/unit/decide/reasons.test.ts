// Every decision says why, in words that log, status and Event show; one that waits says so too, once it has waited for
// a while, and only once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../../lib/decide/decide.ts';
import type { RevisionId } from '../../../lib/types/checkpoint.ts';
import { known, unknown } from '../../../lib/types/observed.ts';
import { APISERVER, type PodState, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';
import { SmallCluster } from './small-cluster.ts';
import { story } from './story.ts';

function told(scene: Scene): Change[] {
  return scene.passes.flatMap(({ changes }) => changes).filter(({ workload }) => workload === SCHEDULER);
}

function expectTold(scene: Scene, ...expected: RegExp[]): void {
  const reasons = told(scene).map(({ from, to, waits, reason }) =>
    waits ? `${to} waits: ${reason}` : `${from} → ${to}: ${reason}`,
  );
  assert.equal(reasons.length, expected.length, story(scene));
  for (const [i, pattern] of expected.entries()) assert.match(reasons[i] ?? '', pattern);
}

const atPeace = (): Scene => new Scene().with(APISERVER).with(SCHEDULER).run(1_000);

test('a first boot pass, a handover and its end', () => {
  const scene = new Scene().with(APISERVER).with(SCHEDULER);
  const cluster = new SmallCluster(scene);
  scene.run(1_000);
  cluster.powerLoss();
  scene.run(60_000);
  expectTold(
    scene,
    /^standby → active: first boot pass/,
    /^active → handover: its parent has been started/,
    /^handover → standby: its parent serves/,
  );
});

test('an outage, and a deadlock rescue', () => {
  const outage = atPeace();
  outage.parent(SCHEDULER).state = 'absent';
  outage.apiAway().run(5_000);
  expectTold(outage, /^standby → active: outage: its parent is not running and no API answers/);
  const deadlock = atPeace();
  deadlock.removeParent(SCHEDULER);
  deadlock.wanted.set(SCHEDULER, known('wanted'));
  deadlock.run(25_000, 500);
  expectTold(deadlock, /^standby → active: deadlock rescue: its parent is gone/);
});

test('content that is proven, for the first time and again', () => {
  const scene = atPeace();
  scene.replaceParent(SCHEDULER, { content: 'newer' }, 'running');
  scene.run(60_000, 1_000);
  expectTold(scene, /^standby → standby: .*now is proven/);
});

test('a retirement, from its beginning to its end', () => {
  const scene = atPeace();
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, known('not-wanted'));
  scene.run(130_000, 500);
  expectTold(
    scene,
    /^standby → retiring: .*its controller is gone/,
    /^retiring → retiring: its grace has passed/,
  );
});

test('a node fence names both UIDs and the way out, and its release says why', () => {
  const scene = atPeace();
  scene.nodeUid = 'node-2';
  scene.removeParent(SCHEDULER);
  scene.run(10_000);
  scene.addParent(SCHEDULER, {}, 'running');
  scene.run(10_000);
  expectTold(
    scene,
    /^standby → held: .*node-1 to node-2.*agent forget/,
    /^held → standby: a parent of it showed up/,
  );
});

test('a controller that cannot be asked is told once it has lasted, and once only', () => {
  const scene = atPeace();
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, unknown('403'));
  scene.run(4_000);
  expectTold(scene);
  scene.run(300_000, 1_000);
  expectTold(scene, /^standby waits: its parent is gone; kept, .*403/);
});

test('a hold since everything vanished at once is told', () => {
  const scene = atPeace();
  for (const key of [APISERVER, SCHEDULER]) {
    scene.removeParent(key);
    scene.wanted.set(key, known('not-wanted'));
  }
  scene.run(60_000, 1_000);
  expectTold(scene, /^standby waits: every workload of this node vanished at once: held; `agent forget`/);
});

test('the gap of an ordinary update is no news', () => {
  const scene = atPeace();
  const { traits } = scene.parent(SCHEDULER);
  scene.removeParent(SCHEDULER);
  scene.wanted.set(SCHEDULER, unknown('being asked'));
  scene.run(1_000);
  scene.addParent(SCHEDULER, traits, 'running');
  scene.run(30_000, 500);
  expectTold(scene);
});

test('a parent that is refused its ports: what failed, and what to mend', () => {
  const scene = atPeace();
  standInFor(scene, 'bad', { revision: 'rev-bad' as never });
  scene.run(30_000, 500);
  expectTold(scene, /^active waits: the parent failed when it had its ports.*fix DaemonSet kube-scheduler/);
});

test('a parent that is to get its ports again: nobody is asked to mend anything', () => {
  const scene = atPeace();
  standInFor(scene, 'good', {});
  scene.pass();
  const { note } = scene.workload(SCHEDULER) ?? {};
  assert.match(note ?? '', /^the parent failed when it had its ports.* is started anew after a while$/);
});

test('a parent that failed and does not get up: what to mend, as nothing else is tried', () => {
  const scene = atPeace();
  standInFor(scene, 'no-such-image', {}, 'starting');
  scene.images = new Set();
  scene.run(30_000, 500);
  expectTold(
    scene,
    /^active waits: the parent failed when it had its ports.*fix DaemonSet kube-scheduler, or delete pod/,
  );
});

/** The proven checkpoint of the scheduler is active beside a parent of this content, which failed in its handover. */
function standInFor(
  scene: Scene,
  content: string,
  failed: { readonly revision?: RevisionId },
  state: PodState = 'crashed',
): void {
  scene.replaceParent(SCHEDULER, { content }, state);
  const memory = scene.workload(SCHEDULER);
  assert.ok(memory?.proven !== undefined);
  const { uid } = scene.parent(SCHEDULER).parent;
  const { revision } = memory.proven;
  scene.memory = {
    ...scene.memory,
    workloads: new Map(scene.memory.workloads).set(SCHEDULER, {
      ...memory,
      phase: { name: 'active', revision, reason: 'outage' },
      failedHandovers: 1,
      failedParent: { uid, ...failed },
    }),
  };
}
