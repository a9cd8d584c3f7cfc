// What a look asks of the world beside the passes, and what it leaves alone at rest. The sources are plain objects that
// count; the memory is a scene's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { Captures } from '../../../lib/agent/captures.ts';
import { Looker } from '../../../lib/agent/look.ts';
import type { Sources } from '../../../lib/agent/sources.ts';
import { Tokens } from '../../../lib/agent/tokens.ts';
import type { ApiState, RuntimeView, Wanted } from '../../../lib/types/observation.ts';
import { known, type Observed, unknown } from '../../../lib/types/observed.ts';
import { inHandover } from '../decide/handover-stage.ts';
import { APISERVER, SCHEDULER } from '../decide/pods.ts';
import { Scene } from '../decide/scene.ts';

class Counted {
  nowMs = 0;
  state: ApiState = { name: 'serving' };
  wanted: Observed<Wanted> = known('wanted');
  probes = 0;
  questions = 0;
  pods: V1Pod[] = [];
  runtime: Observed<RuntimeView> = known({ pods: [], images: new Set() });
  readonly looker: Looker;

  constructor() {
    const api: Sources['api'] = {
      start: () => {},
      close: async () => {},
      state: () => this.state,
      portHere: () => undefined,
      probe: async () => {
        this.probes += 1;
        return this.state;
      },
      node: () => unknown('-'),
      pods: () => (this.state.name === 'serving' ? known(this.pods) : unknown('-')),
      lastPods: () => this.pods,
      object: () => unknown('-'),
      retain: () => {},
      token: async () => unknown('-'),
      wanted: async () => {
        this.questions += 1;
        return this.wanted;
      },
      onChange: () => {},
    };
    const sources: Sources = {
      api,
      runtime: {
        observe: async () => this.runtime,
        stopSandbox: async () => known(true),
        removeContainers: async () => known(true),
        endBackOff: async () => known(true),
      },
      readStaticPods: async () => known({ ours: [], broken: [] }),
      readBootId: async () => known('boot-1'),
      probePod: async () => known(true),
      monotonicMs: () => this.nowMs,
      wallClockMs: () => this.nowMs,
    };
    const captures = new Captures(api, new Tokens(api, sources.wallClockMs, () => {}), { name: 'm1' });
    this.looker = new Looker(sources, captures, 'm1', () => {});
  }

  /** Looks every 100 ms for so long, with what the scene remembers. */
  async lookFor(ms: number, { memory, disk }: Scene): Promise<void> {
    const store = { workloads: () => disk.stored(), node: () => disk.node, findings: () => [] };
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 100) {
      await this.looker.look(memory, store, () => {});
      await new Promise(setImmediate);
    }
  }
}

/** What the scene saw last, as the sources of the looker. */
function follow(world: Counted, scene: Scene): void {
  world.runtime = scene.passes.at(-1)?.observation.runtime ?? world.runtime;
  world.pods = scene.parents.map(({ parent: { pod, uid, name, controller } }) => ({
    metadata: {
      ...pod.metadata,
      name,
      uid,
      ownerReferences: controller === undefined ? [] : [{ ...controller, controller: true }],
    },
    spec: { containers: [], ...pod.spec, nodeName: 'm1' },
  }));
}

function stopped(): Scene {
  const scene = new Scene().with(APISERVER).with(SCHEDULER).run(1_000);
  scene.parent(SCHEDULER).state = 'absent';
  return scene.run(300);
}

test('while everything runs the API is not probed', async () => {
  const world = new Counted();
  await world.lookFor(60_000, new Scene().with(APISERVER).run(1_000));
  assert.equal(world.probes, 0);
});

test('a workload that stopped is a doubt about the API: at once, and then ever less often', async () => {
  const world = new Counted();
  const scene = stopped();
  await world.lookFor(100, scene);
  assert.equal(world.probes, 1);
  await world.lookFor(60_000, scene);
  assert.ok(world.probes >= 4 && world.probes <= 6, `${world.probes} probes in a minute`);
});

test('once it runs again the next stop is a new doubt', async () => {
  const world = new Counted();
  const scene = stopped();
  await world.lookFor(30_000, scene);
  scene.parent(SCHEDULER).state = 'running';
  await world.lookFor(100, scene.run(1_000));
  const before = world.probes;
  scene.parent(SCHEDULER).state = 'absent';
  await world.lookFor(100, scene.run(300));
  assert.equal(world.probes, before + 1);
});

test('an API that is known to be away is probed by its own source, not from here', async () => {
  const world = new Counted();
  world.state = { name: 'away', cause: 'refused', detail: '-', failedProbes: 1 };
  await world.lookFor(10_000, stopped());
  assert.equal(world.probes, 0);
});

test('a controller that cannot be asked is asked ever less often, and a held workload not at all', async () => {
  const world = new Counted();
  world.wanted = unknown('403');
  const scene = new Scene().with(SCHEDULER).run(1_000);
  await world.lookFor(300_000, scene);
  assert.ok(world.questions <= 10, `${world.questions} questions in five minutes`);
  scene.removeParent(SCHEDULER);
  scene.nodeUid = 'node-2';
  scene.run(1_000);
  assert.equal(scene.phase(SCHEDULER), 'held');
  const before = world.questions;
  await world.lookFor(300_000, scene);
  assert.equal(world.questions, before);
});

test('while a parent is on its way out the API is asked several times a second, then every other', async () => {
  const world = new Counted();
  const scene = new Scene().with(APISERVER).run(200);
  const living = scene.parent(APISERVER);
  living.parent = { ...living.parent, deleting: true };
  scene.wanted.set(APISERVER, known('wanted'));
  scene.pass();
  await world.lookFor(1_000, scene);
  assert.ok(world.probes >= 2, `${world.probes} probes in the first second`);
  await world.lookFor(60_000, scene);
  assert.ok(world.probes >= 25 && world.probes <= 40, `${world.probes} probes in a minute`);
});

test("a parent's probe is asked when its checkpoint is gone, and what was answered before does not count", async () => {
  const world = new Counted();
  const scene = inHandover();
  const { uid } = scene.parent(APISERVER).parent;
  const store = { workloads: () => scene.disk.stored(), node: () => scene.disk.node, findings: () => [] };
  const answer = async () => (await world.looker.look(scene.memory, store, () => {})).probes.get(uid);
  follow(world, scene);
  const { runtime: alone } = world;
  assert.ok(alone.known);
  const before = scene.passes.findLast(
    ({ before: { workloads } }) => workloads.get(APISERVER)?.phase.name === 'active',
  );
  world.runtime = before?.observation.runtime ?? alone;
  for (let look = 0; look < 3; look += 1)
    assert.equal(await answer(), undefined, 'the checkpoint may answer');
  world.runtime = alone;
  assert.equal((await answer())?.known, false, 'being asked');
  await new Promise(setImmediate);
  assert.deepEqual(await answer(), known(true));
});
