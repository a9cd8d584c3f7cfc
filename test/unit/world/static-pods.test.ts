// The static pod directory and its traps, each fact by its source.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { manifest, Scene } from './scenes.ts';

describe('a static pod', () => {
  it('starts without any API, under its name and the node', () => {
    const scene = new Scene({ pivoted: false });
    scene.files.write('a.json', manifest('a'));
    scene.seconds(10);
    assert.ok(scene.runs('a-n1'));
  });

  it('is read whatever its file is called, unless that begins with a dot (kubeadm#2823)', () => {
    const scene = new Scene({ pivoted: false });
    scene.files.write('a.json.bak', manifest('a'));
    scene.files.write('.b.json', manifest('b'));
    scene.seconds(10);
    assert.deepEqual([scene.runs('a-n1'), scene.runs('b-n1')], [true, false]);
  });

  it('is not removed before the kubelet has listed its pods from the API once (#116880)', () => {
    const scene = new Scene();
    scene.node.powerOff();
    scene.node.powerOn();
    scene.files.write('a.json', manifest('a'));
    scene.seconds(10);
    scene.files.remove('a.json');
    scene.seconds(60);
    assert.ok(scene.runs('a-n1'), 'still there without an API');
    scene.activateAll();
    scene.secondsUntil(() => scene.node.kubelet?.sourcesReady === true, 30);
    scene.seconds(5);
    assert.ok(!scene.runs('a-n1'), 'gone after the first list');
  });

  it('is gone 0.2 s after its file, once the sources are ready', () => {
    const scene = new Scene();
    scene.files.write('a.json', manifest('a'));
    scene.seconds(10);
    scene.files.remove('a.json');
    scene.seconds(0.3);
    assert.ok(!scene.runs('a-n1'));
  });

  it('does not start again under a UID that was removed before (#105543)', () => {
    const scene = new Scene();
    for (const uid of ['same', 'same', 'fresh']) {
      scene.files.write('a.json', manifest('a', {}, uid));
      scene.seconds(5);
      const before = scene.node.runtime.containersOf(uid).length;
      scene.files.remove('a.json');
      scene.seconds(5);
      scene.world.story.tell('test', `${uid}: ${before}`);
    }
    const told = scene.world.story.lines.filter(({ where }) => where === 'test').map(({ what }) => what);
    assert.deepEqual(told, ['same: 1', 'same: 0', 'fresh: 1']);
  });

  it('survives a torn file until the next relist, which removes it', () => {
    const scene = new Scene();
    scene.files.write('a.json', manifest('a'));
    scene.seconds(1);
    scene.files.write('a.json', manifest('a').slice(0, 40));
    scene.seconds(2);
    assert.ok(scene.runs('a-n1'), 'the event is only logged');
    scene.seconds(25);
    assert.ok(!scene.runs('a-n1'), 'the relist removes it');
  });

  it('does not restart for new content under the same UID, except for a new image (since 1.31)', () => {
    const scene = new Scene();
    const containers = (image: string, arg: string) => [{ name: 'main', image, args: [arg] }];
    scene.files.write('a.json', manifest('a', { containers: containers('image:v1', 'one') }, 'u'));
    scene.seconds(5);
    scene.files.write('a.json', manifest('a', { containers: containers('image:v1', 'two') }, 'u'));
    scene.seconds(5);
    assert.equal(scene.node.runtime.containersOf('u').length, 1);
    scene.files.write('a.json', manifest('a', { containers: containers('image:v2', 'two') }, 'u'));
    scene.seconds(5);
    assert.equal(scene.node.runtime.containersOf('u').at(-1)?.image, 'image:v2');
  });

  it('with a new UID waits for the old one of its name to be gone', () => {
    const scene = new Scene();
    scene.files.write('a.json', manifest('a', {}, 'old'));
    scene.seconds(5);
    scene.files.write('a.json', manifest('a', {}, 'new'));
    const started = scene.world.story.lines.filter(({ what }) => what.startsWith('starting (static)'));
    assert.equal(started.length, 1);
    scene.seconds(5);
    assert.equal(scene.node.runtime.containersOf('new').length, 1);
    assert.equal(scene.node.runtime.containersOf('old').length, 0);
  });

  it('that names an API object is refused, even an optional one', () => {
    const scene = new Scene();
    const volumes = [{ name: 's', secret: { secretName: 'etcd-certs', optional: true } }];
    scene.files.write('a.json', manifest('a', { volumes }));
    scene.seconds(10);
    assert.ok(!scene.runs('a-n1'));
    assert.match(scene.world.story.toString(), /a-n1: rejected/);
  });

  it('stays down while a hostPath of type Directory is missing', () => {
    const scene = new Scene({ missingPaths: ['/material'] });
    const volumes = [{ name: 'm', hostPath: { path: '/material', type: 'Directory' } }];
    scene.files.write('a.json', manifest('a', { volumes }));
    scene.seconds(60);
    assert.ok(!scene.runs('a-n1'));
  });

  it('with a role selector fails for good when the node is offline', () => {
    const scene = new Scene({ pivoted: false });
    scene.files.write('a.json', manifest('a', { nodeSelector: { 'node-role.kubernetes.io/master': '' } }));
    scene.seconds(60);
    assert.ok(!scene.runs('a-n1'));
  });

  it('whose declared host port is taken is Failed for good at admission', () => {
    const scene = new Scene({ pivoted: false });
    const containers = [{ name: 'main', image: 'image:v1', ports: [{ containerPort: 80 }] }];
    scene.files.write('a.json', manifest('a', { hostNetwork: true, containers }));
    scene.files.write('b.json', manifest('b', { hostNetwork: true, containers }));
    scene.seconds(60);
    assert.deepEqual([scene.runs('a-n1'), scene.runs('b-n1')], [true, false]);
    assert.match(scene.world.story.toString(), /b-n1: rejected: Predicate NodePorts failed: host port 80/);
  });

  it('runs its init containers first, one after the other', () => {
    const scene = new Scene({ pivoted: false });
    const initContainers = ['one', 'two'].map((name) => ({ name, image: 'image:v1' }));
    scene.files.write('a.json', manifest('a', { initContainers }, 'u'));
    scene.seconds(10);
    const states = scene.node.runtime.containersOf('u').map(({ name, state }) => `${name} ${state}`);
    assert.deepEqual(states, ['one exited', 'two exited', 'main running']);
  });

  it('gets a mirror pod that belongs to the Node; deleting it stops nothing', () => {
    const scene = new Scene();
    scene.files.write('a.json', manifest('a'));
    scene.seconds(10);
    const mirror = scene.world.store.get('pods', 'kube-system', 'a-n1');
    assert.equal(mirror?.metadata?.ownerReferences?.[0]?.kind, 'Node');
    scene.world.store.remove('pods', 'kube-system', 'a-n1');
    scene.seconds(10);
    assert.ok(scene.runs('a-n1'));
    assert.ok(scene.world.store.get('pods', 'kube-system', 'a-n1'), 'made again');
  });

  it('leaves its mirror pod to the housekeeping, for which the whole kubelet waits while the API hangs', () => {
    const scene = new Scene();
    scene.files.write('a.json', manifest('a'));
    scene.files.write('b.json', manifest('b'));
    scene.seconds(10);
    scene.files.remove('a.json');
    scene.seconds(0.1);
    scene.world.availability.faults.frozen = true;
    assert.ok(scene.world.store.get('pods', 'kube-system', 'a-n1'), 'still there');
    scene.seconds(2);
    const [b] = [...scene.node.runtime.containers.values()].filter(
      ({ labels }) => labels['io.kubernetes.pod.name'] === 'b-n1',
    );
    assert.ok(b);
    scene.node.runtime.killContainer(b);
    scene.seconds(7);
    assert.ok(!scene.runs('b-n1'), 'it is not seen to have ended');
    scene.seconds(3);
    assert.ok(scene.runs('b-n1'), 'the call came to an end after 10 s');
    scene.world.availability.faults.frozen = false;
    scene.seconds(4);
    assert.equal(scene.world.store.get('pods', 'kube-system', 'a-n1'), undefined);
  });
});
