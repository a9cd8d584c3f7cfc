// A kubelet, a runtime or a network that goes while containers run, and determinism.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../world/random.ts';
import { Schedule } from '../../world/schedule.ts';
import { manifest, Scene } from './scenes.ts';

describe('a kubelet that dies', () => {
  it('leaves every container running, and takes them over when it is back', () => {
    const scene = new Scene();
    scene.seconds(10);
    const ids = [...scene.node.runtime.containers.keys()];
    scene.node.killKubelet();
    scene.seconds(60);
    scene.node.startKubelet();
    scene.seconds(60);
    assert.deepEqual([...scene.node.runtime.containers.keys()], ids);
    assert.ok(scene.allParentsReady());
  });

  it('restarts nothing while it is dead, and what died meanwhile when it is back', () => {
    const scene = new Scene();
    const uid = scene.parent('etcd')?.metadata?.uid ?? '';
    scene.node.killKubelet();
    const [container] = scene.node.runtime.containersOf(uid);
    assert.ok(container);
    scene.node.runtime.killContainer(container);
    scene.seconds(60);
    assert.equal(scene.world.availability.etcdServing, false);
    // Without etcd there is no API, so API pods stay unmanaged: nobody restarts it.
    scene.node.startKubelet();
    scene.seconds(600);
    assert.equal(scene.world.availability.etcdServing, false);
  });

  it('kills what nobody wants any more only after it has listed its pods from the API', () => {
    const scene = new Scene();
    scene.files.write('a.json', manifest('a'));
    scene.seconds(5);
    scene.node.killKubelet();
    scene.files.remove('a.json');
    scene.node.cutNetwork(true);
    scene.node.startKubelet();
    scene.seconds(60);
    assert.ok(scene.runs('a-n1'));
    scene.node.cutNetwork(false);
    scene.seconds(10);
    assert.ok(!scene.runs('a-n1'));
  });
});

describe('a kubelet without an API', () => {
  const said = (scene: Scene, what: RegExp) =>
    scene.world.story.lines.filter((line) => what.test(line.what)).length;

  it('waits without end for the first answer', () => {
    const scene = new Scene();
    scene.powerCycle();
    scene.seconds(3_600);
    assert.equal(said(scene, /gives up/), 0);
  });

  /** The API is gone at the moment after the kubelet has reached it, and nothing can be started for want of images. */
  function reachedOnce(): { scene: Scene; images: readonly string[] } {
    const scene = new Scene();
    scene.powerCycle(() => scene.activateAll());
    scene.secondsUntil(() => scene.world.availability.answersFor('n1'), 60);
    const { runtime } = scene.node;
    const startedMs = scene.world.story.lines.findLast(({ what }) => what === 'started')?.atMs ?? 0;
    const sinceMs = scene.world.nowMs - startedMs;
    scene.seconds((1_000 - (sinceMs % 1_000) + 50) / 1_000);
    const images = [...runtime.images];
    runtime.images.clear();
    for (const container of runtime.containers.values()) runtime.killContainer(container);
    return { scene, images };
  }

  it('ends itself when it has reached one and cannot publish its CSINode in 140 s, and is started again', () => {
    const { scene } = reachedOnce();
    scene.seconds(138);
    assert.equal(said(scene, /gives up/), 0);
    scene.seconds(8);
    assert.equal(said(scene, /gives up/), 1);
    assert.equal(scene.node.kubelet, undefined);
    scene.seconds(10);
    assert.ok(scene.node.kubelet, 'Restart=always');
    scene.seconds(3_600);
    assert.equal(said(scene, /gives up/), 1, 'the next one waits without end');
  });

  it('goes on when the API is back by then', () => {
    const { scene, images } = reachedOnce();
    scene.seconds(100);
    for (const image of images) scene.node.runtime.images.add(image);
    scene.seconds(600);
    assert.equal(said(scene, /gives up/), 0);
    assert.equal(scene.world.availability.answerTo('n1'), 'serving');
  });
});

const running = (scene: Scene, uid: string): boolean =>
  scene.node.runtime.containersOf(uid).some(({ state }) => state === 'running');

/** Kills the scheduler's container again and again, until the kubelet waits; returns the pod's UID. */
function killedTwice(scene: Scene): string {
  const uid = scene.parent('kube-scheduler')?.metadata?.uid ?? '';
  for (let crash = 0; crash < 2; crash += 1) {
    scene.secondsUntil(() => running(scene, uid), 5);
    for (const one of scene.node.runtime.containersOf(uid)) scene.node.runtime.killContainer(one);
  }
  return uid;
}

describe('a crash back-off', () => {
  function inBackOff(scene: Scene): string {
    const uid = killedTwice(scene);
    scene.seconds(8);
    assert.ok(!running(scene, uid), 'the second crash is not restarted within 8 s');
    return uid;
  }

  it('goes on in a new sandbox, as long as an ended container is there', () => {
    const scene = new Scene();
    const uid = inBackOff(scene);
    const [sandbox] = scene.node.runtime.sandboxesOf(uid);
    scene.node.runtime.stopSandbox(sandbox?.id ?? '');
    scene.seconds(1.5);
    assert.ok(!running(scene, uid));
    scene.secondsUntil(() => running(scene, uid), 2);
  });

  it('ends with the last ended container, once the sandbox is gone as well', () => {
    const scene = new Scene();
    const uid = inBackOff(scene);
    for (const { id } of scene.node.runtime.containersOf(uid)) scene.node.runtime.removeContainer(id);
    const [sandbox] = scene.node.runtime.sandboxesOf(uid);
    scene.node.runtime.stopSandbox(sandbox?.id ?? '');
    assert.ok(scene.secondsUntil(() => running(scene, uid), 5) < 1.5);
  });
});

describe('a sandbox that is stopped while a container in it is about to start', () => {
  /** As after an agent's work: nothing that ended is left, and the kubelet makes a container in the new sandbox. */
  function spoilt(scene: Scene): string {
    const { runtime } = scene.node;
    const uid = killedTwice(scene);
    const stopSandbox = (): void => runtime.stopSandbox(runtime.sandboxesOf(uid).at(-1)?.id ?? '');
    for (const { id } of runtime.containersOf(uid)) runtime.removeContainer(id);
    stopSandbox();
    scene.secondsUntil(() => runtime.containersOf(uid).some(({ state }) => state === 'created'), 2);
    stopSandbox();
    scene.secondsUntil(() => runtime.containersOf(uid).some(({ reason }) => reason === 'StartError'), 1);
    return uid;
  }

  it('ends it, and its back-off holds the next one up', () => {
    const scene = new Scene();
    const uid = spoilt(scene);
    scene.seconds(5);
    assert.ok(!running(scene, uid));
    scene.secondsUntil(() => running(scene, uid), 20);
  });

  it('does not, once that is removed: the kubelet looks at a pod with a new sandbox again at its next look', () => {
    const scene = new Scene();
    const uid = spoilt(scene);
    const { runtime } = scene.node;
    const { length } = runtime.sandboxesOf(uid);
    scene.secondsUntil(() => runtime.sandboxesOf(uid).length > length, 2);
    for (const { id } of runtime.containersOf(uid)) runtime.removeContainer(id);
    assert.ok(scene.secondsUntil(() => running(scene, uid), 5) < 1.5);
  });
});

describe('the world', () => {
  it('tells a cut network (silence) from a dead apiserver (refused) and from one without etcd (500)', () => {
    const scene = new Scene();
    const answer = () => scene.world.availability.answerTo('n1');
    scene.node.cutNetwork(true);
    assert.equal(answer(), 'silent');
    scene.node.cutNetwork(false);
    const uid = scene.parent('etcd')?.metadata?.uid ?? '';
    const [etcd] = scene.node.runtime.containersOf(uid);
    assert.ok(etcd);
    scene.node.runtime.killContainer(etcd);
    scene.seconds(0.1);
    assert.equal(answer(), 'unready');
    scene.seconds(10);
    assert.equal(answer(), 'serving', 'the kubelet restarted etcd, without an API');
    scene.node.powerOff();
    scene.seconds(0);
    assert.equal(answer(), 'refused');
  });

  it('answers 410 to a watch from before a compaction, and forgets versions when etcd is restored', () => {
    const { store } = new Scene().world;
    const backup = store.snapshot();
    const before = store.resourceVersion;
    store.put('configmaps', { metadata: { name: 'x', namespace: 'kube-system' } });
    assert.equal(store.eventsSince(before)?.length, 1);
    store.compact();
    assert.equal(store.eventsSince(before), undefined);
    store.restore(backup);
    assert.equal(store.resourceVersion, before);
  });

  it('registers the node anew, without its role, after etcd was emptied', () => {
    const scene = new Scene();
    const before = scene.world.store.get('nodes', undefined, 'n1')?.metadata?.uid;
    scene.world.store.restore();
    scene.seconds(30);
    const node = scene.world.store.get('nodes', undefined, 'n1');
    assert.notEqual(node?.metadata?.uid, before);
    assert.equal(node?.metadata?.labels?.['node-role.kubernetes.io/master'], undefined);
  });

  it('tells the same story for the same seed, in big steps and in small ones', () => {
    const story = (seed: number, stepSeconds: number): string => {
      const scene = new Scene({ seed });
      scene.seconds(10);
      scene.node.powerOff();
      scene.activateAll();
      scene.node.powerOn();
      for (let passed = 0; passed < 300; passed += stepSeconds) scene.seconds(stepSeconds);
      return scene.world.story.toString();
    };
    assert.equal(story(3, 0.5), story(3, 100));
    assert.notEqual(story(3, 100), story(4, 100));
  });

  it('runs events in the order of time, then of asking, and none of a life that ended', () => {
    const schedule = new Schedule(0);
    const told: string[] = [];
    const life = { alive: true };
    schedule.after(20, () => told.push('later'));
    schedule.after(10, () => told.push('first'));
    schedule.after(10, () => told.push('second'));
    schedule.after(15, () => told.push('dead'), life);
    life.alive = false;
    schedule.advance(30);
    assert.deepEqual(told, ['first', 'second', 'later']);
  });

  it('draws from its seed alone', () => {
    const draw = (seed: number) => Array.from({ length: 3 }, seededRandom(seed).next);
    assert.deepEqual(draw(1), draw(1));
    assert.notDeepEqual(draw(1), draw(2));
  });
});
