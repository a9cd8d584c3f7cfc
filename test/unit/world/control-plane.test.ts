// The self-hosted control plane as a whole: what it does by itself at a power loss and at an update, and what an
// agent that puts checkpoints in the right place at the right time changes.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deletePod } from '../../world/api-objects.ts';
import { KUBELET_1_34, KUBELET_1_37 } from '../../world/kubelet-habits.ts';
import { manifest, Scene } from './scenes.ts';

function changeFlag(scene: Scene, workload: string, flag: string): void {
  const { store } = scene.world;
  const daemonSet = store.get('daemonsets', 'kube-system', workload);
  const template = daemonSet?.spec?.template;
  const [container] = template?.spec?.containers ?? [];
  assert.ok(daemonSet?.spec && template?.spec && container);
  const containers = [{ ...container, args: [...(container.args ?? []), flag] }];
  const spec = { ...daemonSet.spec, template: { ...template, spec: { ...template.spec, containers } } };
  store.put('daemonsets', { ...daemonSet, spec });
}

/** Its container dies; returns the pod's UID. */
function killed(scene: Scene, workload: string): string {
  const uid = scene.parent(workload)?.metadata?.uid ?? '';
  for (const container of scene.node.runtime.containersOf(uid)) scene.node.runtime.killContainer(container);
  scene.seconds(0);
  return uid;
}

const api = (scene: Scene) => scene.world.availability.answerTo('n1');

describe('a self-hosted control plane', () => {
  it('runs, every parent Ready, and is quiet', () => {
    const scene = new Scene();
    scene.seconds(120);
    assert.ok(scene.allParentsReady());
    const version = scene.world.store.resourceVersion;
    scene.seconds(600);
    assert.equal(scene.world.store.resourceVersion, version, scene.world.story.toString());
  });

  it('does not come back from a power loss by itself', () => {
    const scene = new Scene();
    scene.node.powerOff();
    scene.seconds(5);
    assert.equal(api(scene), 'refused');
    scene.node.powerOn();
    scene.seconds(3600);
    assert.equal(api(scene), 'refused');
  });

  it('lists what ran before a power loss as NOTREADY and EXITED (containerd keeps it on disk)', () => {
    const scene = new Scene();
    scene.powerCycle();
    scene.seconds(2);
    assert.equal([...scene.node.runtime.sandboxes.values()].filter(({ ready }) => !ready).length, 4);
    assert.ok([...scene.node.runtime.containers.values()].every(({ state }) => state === 'exited'));
  });

  it('comes back with checkpoints; the same pods start again, and sit in a back-off on the bound ports', () => {
    const scene = new Scene();
    const names = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
    const uids = () => names.map((name) => scene.parent(name)?.metadata?.uid ?? '');
    const before = uids();
    scene.powerCycle(() => scene.activateAll());
    const ready = scene.secondsUntil(() => api(scene) === 'serving', 60);
    assert.ok(ready > 5 && ready < 30, `ready after ${ready} s`);
    assert.deepEqual(
      before.flatMap((uid) => scene.node.runtime.sandboxesOf(uid)).filter((s) => s.ready),
      [],
    );
    const { runtime } = scene.node;
    const newest = (uid: string) => runtime.containersOf(uid).at(-1);
    scene.secondsUntil(() => before.every((uid) => newest(uid)?.exitCode === 1), 60);
    assert.deepEqual(uids(), before);
    for (const uid of before) assert.equal(runtime.sandboxesOf(uid).at(-1)?.attempt, 1);
    // Their first start since the boot counted as a restart.
    scene.seconds(8);
    assert.deepEqual(
      before.filter((uid) => newest(uid)?.state === 'running'),
      [],
    );
    assert.doesNotMatch(scene.world.story.toString(), /rejected/);
  });

  it('hands over at the price of one apiserver start when the checkpoint goes as the parent arrives', () => {
    const scene = new Scene();
    scene.powerCycle(() => scene.activateAll());
    scene.secondsUntil(() => api(scene) === 'serving', 60);
    const withdrawn = new Set<string>();
    let awayMs = 0;
    scene.secondsUntil(() => {
      for (const { metadata } of scene.world.store.list('daemonsets')) {
        const name = metadata?.name ?? '';
        const parent = scene.parent(name);
        const sandboxes = scene.node.runtime.sandboxesOf(parent?.metadata?.uid ?? '');
        const created = sandboxes.some(({ ready }) => ready);
        const fresh =
          created &&
          parent?.status?.phase !== 'Failed' &&
          scene.node.kubelet?.workers.has(parent?.metadata?.uid ?? '');
        if (fresh && !withdrawn.has(name)) {
          withdrawn.add(name);
          scene.files.remove(`${name}.json`);
        }
      }
      if (api(scene) !== 'serving') awayMs += 50;
      return withdrawn.size === 4 && scene.allParentsReady();
    }, 240);
    assert.ok(awayMs < 8_000, `away for ${awayMs} ms\n${scene.world.story}`);
  });

  for (const [kubelet, words, lateMs] of [
    [KUBELET_1_34, 'is looked at every 10 to 15 s', () => 16],
    [KUBELET_1_37, 'is looked at when that is over, or up to half as long after', (ms: number) => ms / 2 + 1],
  ] as const) {
    it(`lets two programs fight for a port: the second backs off, 10 s doubling to 300 s, and ${words}`, () => {
      const gaps = gapsOfRival(new Scene({ kubelet }));
      const backOffs = [10, 20, 40, 80, 160, 300, 300];
      assert.ok(
        backOffs.some((backOff, i) => (gaps[i + 1] ?? 0) > backOff + 1),
        `never late: ${gaps}`,
      );
      for (const [i, backOff] of backOffs.entries()) {
        const gap = gaps[i + 1] ?? 0;
        assert.ok(gap >= backOff && gap <= backOff + lateMs(Math.min(backOff, 180)), `${gaps}`);
      }
    });
  }

  /** Seconds between the ends of a second etcd. */
  function gapsOfRival(scene: Scene): number[] {
    const etcd = scene.parent('etcd')?.spec?.containers[0];
    assert.ok(etcd);
    const { ports: _ports, volumeMounts: _mounts, ...container } = etcd;
    scene.files.write('etcd.json', manifest('etcd', { hostNetwork: true, containers: [container] }, 'rival'));
    scene.seconds(2_500);
    const exits = scene.world.story.lines.filter(({ what }) => what.includes('address already in use'));
    const gaps = exits.slice(1).map(({ atMs }, i) => Math.round((atMs - (exits[i]?.atMs ?? 0)) / 1000));
    assert.ok((gaps[0] ?? 9) <= 1, 'the first restart is immediate');
    assert.equal(api(scene), 'serving');
    return gaps;
  }

  it('is deadlocked by an ordinary update of the only apiserver, and goes on with a checkpoint', () => {
    const scene = new Scene();
    changeFlag(scene, 'kube-apiserver', '--v=2');
    scene.seconds(900);
    assert.equal(api(scene), 'refused', scene.world.story.toString());
    scene.activateAll();
    scene.secondsUntil(() => api(scene) === 'serving', 60);
    const isNew = () => scene.parent('kube-apiserver')?.spec?.containers[0]?.args?.includes('--v=2') === true;
    scene.secondsUntil(isNew, 400);
  });

  it('has an apiserver that answers for single objects before its watch caches are full, and is ready then', () => {
    const scene = new Scene();
    killed(scene, 'kube-apiserver');
    scene.secondsUntil(() => api(scene) === 'filling', 20);
    const { availability } = scene.world;
    assert.deepEqual([availability.answersFor('n1'), availability.apiReady], [true, false]);
    const seconds = scene.secondsUntil(() => api(scene) === 'serving', 20);
    assert.ok(seconds > 0.5 && seconds < 0.7, `${seconds} s`);
    assert.ok(!availability.apiReady, 'others of its caches are not full');
    assert.ok(scene.secondsUntil(() => availability.apiReady, 3) > 1.9);
  });

  it('has an apiserver that closes its port at once when it is told to end, and lives on for its watches', () => {
    const scene = new Scene();
    const pod = scene.parent('kube-apiserver');
    deletePod(scene.world.store, 'kube-system', pod?.metadata?.name ?? '', scene.world.nowMs);
    scene.seconds(0.02);
    assert.deepEqual([api(scene), scene.world.availability.apiReady], ['serving', false]);
    scene.seconds(0.03);
    assert.equal(api(scene), 'refused');
    scene.seconds(29);
    assert.ok(scene.runs(pod?.metadata?.name ?? ''));
    scene.seconds(2);
    assert.ok(!scene.runs(pod?.metadata?.name ?? ''));
  });

  it('has one that keeps its port while etcd is dead, until that is back or its grace period is over', () => {
    for (const [etcdBack, closesAfter] of [
      [true, 5],
      [false, 30],
    ] as const) {
      const scene = new Scene();
      const name = scene.parent('kube-apiserver')?.metadata?.name ?? '';
      for (const workload of etcdBack ? ['kube-apiserver'] : ['kube-apiserver', 'etcd']) {
        const deleted = scene.parent(workload)?.metadata?.name ?? '';
        deletePod(scene.world.store, 'kube-system', deleted, scene.world.nowMs);
      }
      scene.seconds(0.02);
      killed(scene, 'etcd');
      scene.seconds(0.1);
      assert.equal(api(scene), 'unready');
      scene.secondsUntil(() => api(scene) === 'refused', closesAfter);
      assert.equal(scene.runs(name), etcdBack, 'it lives on for its watches');
    }
  });

  it('leaves a new pod Pending while nobody schedules', () => {
    const scene = new Scene();
    const scheduler = scene.parent('kube-scheduler');
    deletePod(scene.world.store, 'kube-system', scheduler?.metadata?.name ?? '', scene.world.nowMs);
    scene.seconds(300);
    const successor = scene.parent('kube-scheduler');
    assert.notEqual(successor?.metadata?.name, scheduler?.metadata?.name);
    assert.equal(successor?.spec?.nodeName, undefined);
  });

  it('a bad flag makes the only apiserver crash-loop', () => {
    const scene = new Scene();
    changeFlag(scene, 'kube-scheduler', '--no-such-flag=1');
    scene.seconds(60);
    // The scheduler's own update needs a scheduler: the same deadlock.
    assert.equal(scene.parent('kube-scheduler')?.spec?.nodeName, undefined);
  });
});
