// Random lives of a node, for the properties: each step changes something about the world, then lets passes go by.
// A parent that the kubelet starts, a crash, a lost revision, a restart of the agent, all in any order.

import fc from 'fast-check';
import { known, unknown } from '../../../lib/types/observed.ts';
import type { WorkloadKey } from '../../../lib/types/workload.ts';
import { APISERVER, MANAGER, type PodState, revision, SCHEDULER } from './pods.ts';
import { Scene } from './scene.ts';

export const KEYS: readonly WorkloadKey[] = [APISERVER, MANAGER, SCHEDULER];

/** How many lives each property sees; more for a long run by hand. */
export const RUNS = { numRuns: Number(process.env.CHAOS_RUNS ?? 80) };

export interface Step {
  readonly what: string;
  readonly apply: (scene: Scene) => void;
  readonly passes: number;
  readonly stepMs: number;
}

type Event = Pick<Step, 'what' | 'apply'>;

const key = fc.constantFrom(...KEYS);
const state = fc.constantFrom<PodState>('absent', 'starting', 'crashed', 'limping', 'running', 'unknown');

function event(what: string, apply: (scene: Scene) => void): Event {
  return { what, apply };
}

const apiEvent: fc.Arbitrary<Event> = fc.constantFrom(
  event('the API serves', (scene) => scene.apiServes()),
  event('the API fails one probe', (scene) => scene.apiAway(1)),
  event('the API is away', (scene) => scene.apiAway()),
  event('the API denies', (scene) => {
    scene.api = { name: 'denied', cause: 'forbidden', detail: '403' };
  }),
  event('the API has not been asked', (scene) => {
    scene.api = { name: 'unasked' };
  }),
);

const sourceEvent: fc.Arbitrary<Event> = fc.constantFrom(
  event('the runtime is silent', (scene) => {
    scene.runtimeAnswers = false;
  }),
  event('the runtime answers', (scene) => {
    scene.runtimeAnswers = true;
  }),
  event('the directory cannot be read', (scene) => {
    scene.directoryReadable = false;
  }),
  event('the directory can be read', (scene) => {
    scene.directoryReadable = true;
  }),
  event('images are gone', (scene) => {
    scene.images = new Set();
  }),
);

const nodeEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(event('the agent restarts', (scene) => scene.restart())) },
  { weight: 2, arbitrary: fc.constant(event('the power goes', (scene) => scene.powerLoss())) },
  {
    weight: 1,
    arbitrary: fc.constant(
      event('another cluster', (scene) => {
        scene.nodeUid += '+';
      }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('withdraw', 'activate', 'save-record', 'store-revision').map((type) =>
      event(`${type} fails`, (scene) => {
        scene.disk.failing.clear();
        scene.disk.failing.add(type as 'withdraw');
      }),
    ),
  },
  { weight: 2, arbitrary: fc.constant(event('the disk works', (scene) => scene.disk.failing.clear())) },
);

const diskEvent: fc.Arbitrary<Event> = fc
  .tuple(key, fc.constantFrom('good', 'a', 'b'))
  .map(([workload, content]) =>
    event(`${workload} loses rev-${content}`, (scene) => {
      if (scene.disk.revisions.has(workload)) scene.disk.lose(workload, revision(content));
    }),
  );

const parentEvent: fc.Arbitrary<Event> = fc
  .tuple(key, state, fc.constantFrom('good', 'a', 'b'), fc.integer({ min: 0, max: 5 }), fc.boolean())
  .map(([workload, podState, content, kind, flag]) =>
    event(
      `${workload}: ${['runs', 'comes', 'goes', 'ready', 'dies', 'wanted'][kind]} ${podState} ${content} ${flag}`,
      (scene) => {
        const living = scene.parents.filter(({ parent }) => parent.workload === workload).at(-1);
        if (kind === 1) scene.addParent(workload, { content }, podState);
        else if (kind === 5) scene.wanted.set(workload, flag ? known('wanted') : known('not-wanted'));
        else if (living === undefined) scene.wanted.set(workload, unknown('timeout'));
        else if (kind === 0) living.state = podState;
        else if (kind === 2) scene.removeParent(workload);
        else if (kind === 3) scene.setReady(workload, flag);
        else living.parent = { ...living.parent, deleting: flag, finished: !flag };
      },
    ),
  );

const checkpointEvent: fc.Arbitrary<Event> = fc.tuple(key, state).map(([workload, podState]) =>
  event(`checkpoint of ${workload} ${podState}`, (scene) => {
    const checkpoint = scene.checkpoints.get(workload);
    if (checkpoint !== undefined) checkpoint.state = podState;
  }),
);

/** Long ones reach deadlines: 60 passes of 5 s are five minutes. */
const pace = fc.constantFrom(
  { passes: 1, stepMs: 100 },
  { passes: 10, stepMs: 100 },
  { passes: 12, stepMs: 3_000 },
  { passes: 30, stepMs: 5_000 },
);

export const life: fc.Arbitrary<Step[]> = fc.array(
  fc
    .tuple(
      fc.oneof(
        { weight: 4, arbitrary: apiEvent },
        { weight: 2, arbitrary: sourceEvent },
        { weight: 3, arbitrary: nodeEvent },
        { weight: 1, arbitrary: diskEvent },
        { weight: 6, arbitrary: parentEvent },
        { weight: 2, arbitrary: checkpointEvent },
      ),
      pace,
    )
    .map(([what, time]) => ({
      ...what,
      ...time,
      toString: () => `${what.what} (${time.passes} × ${time.stepMs} ms)`,
    })),
  { minLength: 3, maxLength: 25 },
);

/** A node with three proven workloads. */
export function aNode(): Scene {
  const scene = new Scene();
  for (const workload of KEYS) scene.with(workload);
  return scene;
}

/** Lives it, looking at each pass as it was made. */
export function live(scene: Scene, steps: readonly Step[], look: (scene: Scene) => void = () => {}): Scene {
  for (const step of steps) {
    step.apply(scene);
    for (let i = 0; i < step.passes; i += 1) {
      scene.pass(step.stepMs);
      look(scene);
    }
  }
  return scene;
}

/** The faults end: every source answers, the disk works, the images are there. */
export function calm(scene: Scene): Scene {
  scene.runtimeAnswers = true;
  scene.directoryReadable = true;
  scene.disk.failing.clear();
  scene.images = new Set(['registry.k8s.io/control-plane:v1']);
  for (const checkpoint of scene.checkpoints.values()) checkpoint.state = 'running';
  return scene;
}
