// The rules that concern decisions, as properties over random lives of a node.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../../lib/decide/decide.ts';
import type { Action } from '../../../lib/types/action.ts';
import { ANNOTATION_OF, type WorkloadKey } from '../../../lib/types/workload.ts';
import { aNode, calm, KEYS, life, live, RUNS } from './chaos.ts';
import type { Pass, Scene } from './scene.ts';
import { story } from './story.ts';

function lastPass(scene: Scene): Pass {
  const pass = scene.passes.at(-1);
  assert.ok(pass);
  return pass;
}

function types(actions: readonly Action[]): Set<Action['type']> {
  return new Set(actions.map((action) => action.type));
}

function holdsAlways(name: string, look: (pass: Pass, scene: Scene) => string | undefined): void {
  test(name, () => {
    fc.assert(
      fc.property(life, (steps) => {
        live(aNode(), steps, (scene) => {
          const fault = look(lastPass(scene), scene);
          assert.equal(fault, undefined, `${fault}${story(scene)}`);
        });
      }),
      RUNS,
    );
  });
}

holdsAlways(
  'rule 1: a pass with a silent runtime moves no manifest and removes nothing',
  ({ observation, actions }) => {
    if (observation.runtime.known) return undefined;
    const moved = types(actions);
    const forbidden = [
      'activate',
      'withdraw',
      'remove-revision',
      'remove-workload',
      'restart-parent',
      'hurry-parent',
      'restart-server',
    ] as const;
    return forbidden.find((type) => moved.has(type));
  },
);

holdsAlways('rule 1: without the word of the API nothing is retired or removed', (pass) => {
  if (pass.observation.api.name === 'serving') return undefined;
  const moved = types(pass.actions);
  const retired = pass.changes.find((c) => c.to === 'retiring' && c.from !== 'retiring');
  if (retired !== undefined) return `${retired.workload} is retired`;
  return (['remove-revision', 'remove-workload'] as const).find((type) => moved.has(type));
});

holdsAlways('rule 1: an API that denies, or was not asked, activates nothing', ({ observation, changes }) => {
  if (observation.api.name === 'serving' || observation.api.name === 'away') return undefined;
  return changes.find((c) => c.to === 'active' && c.from !== 'active')?.reason;
});

holdsAlways(
  'rule 1: nothing is activated from rest beside a parent that may run',
  ({ changes, observation }) => {
    if (!observation.runtime.known) return undefined;
    const { pods } = observation.runtime.value;
    const started = changes.filter((c) => c.to === 'active' && ['none', 'standby'].includes(c.from));
    return started.find(({ workload, reason }) =>
      pods.some(
        (pod) =>
          workload === `${pod.namespace}/${pod.name.replace(/-x\d+$/, '')}` &&
          !reason.startsWith('deadlock rescue: the API answers') &&
          // The API's word, not a silent source, says that this one goes.
          !reason.includes('on its way out') &&
          pod.sandboxReady &&
          pod.containers.length > 0 &&
          pod.containers.every((c) => c.state !== 'exited'),
      ),
    )?.workload;
  },
);

holdsAlways('a parent is restarted only when nothing of it runs', ({ observation, actions }) => {
  if (!observation.runtime.known) return undefined;
  const { pods } = observation.runtime.value;
  for (const action of actions) {
    if (action.type !== 'restart-parent') continue;
    const parent = pods.find((pod) => pod.uid === action.uid);
    if (parent === undefined || parent.containers.some((c) => c.state !== 'exited')) return action.workload;
    if (parent.annotations[ANNOTATION_OF] !== undefined) return `${action.workload}: that is a checkpoint`;
  }
  return undefined;
});

holdsAlways('rule 1: a parent is hurried only after the API said that it was deleted', (pass, scene) => {
  for (const action of pass.actions) {
    if (action.type !== 'hurry-parent') continue;
    const uid = action.sandboxId.replace('sandbox-', '');
    const deleted = scene.passes.some(
      ({ observation: { parents } }) =>
        parents.known && parents.value.some((parent) => parent.uid === uid && parent.deleting),
    );
    if (!deleted) return action.workload;
  }
  return undefined;
});

holdsAlways('rule 2: a pass moves the manifest of a workload once at most', ({ actions }) => {
  const moved = actions.filter((a) => a.type === 'activate' || a.type === 'withdraw');
  const keys = moved.map((a) => a.workload);
  return keys.find((key, i) => keys.indexOf(key) !== i);
});

holdsAlways('rule 2: a checkpoint that is up is not exchanged for another', ({ actions, observation }) => {
  const { directory, runtime } = observation;
  if (!directory.known || !runtime.known) return undefined;
  const up = runtime.value.pods.filter(
    (p) => p.sandboxReady && p.containers.some((c) => c.state === 'running'),
  );
  for (const action of actions) {
    if (action.type !== 'activate') continue;
    const there = directory.value.ours.find((m) => m.workload === action.workload);
    if (there !== undefined && up.some((p) => p.uid === there.uid)) return action.workload;
  }
  return undefined;
});

holdsAlways(
  'rule 3: the proven revision, the one before it and the placed one are never removed',
  (pass, scene) => {
    for (const action of pass.actions) {
      if (action.type !== 'remove-revision') continue;
      const { workload, revision } = action;
      const memory = pass.memory.workloads.get(workload);
      const record = scene.disk.records.get(workload);
      const { directory } = pass.observation;
      const placed = directory.known && directory.value.ours.find((m) => m.workload === workload)?.revision;
      const kept = [
        memory?.proven?.revision,
        memory?.previous,
        record?.proven?.revision,
        record?.previous,
        placed,
      ];
      if (kept.includes(revision)) return `${revision} of ${workload}`;
    }
    return undefined;
  },
);

test('rule 3: a proven revision is replaced only by one whose parent has served for the proving time', () => {
  fc.assert(
    fc.property(life, (steps) => {
      const served = new Map<WorkloadKey, { uid: string; ms: number }>();
      live(aNode(), steps, (scene) => {
        const { observation, before, memory } = lastPass(scene);
        for (const key of KEYS) {
          const serving = servingUid(scene, key);
          const so = served.get(key);
          const ms = (so?.uid === serving ? (so?.ms ?? 0) : 0) + observation.sinceLastPassMs;
          if (serving === undefined) served.delete(key);
          else served.set(key, { uid: serving, ms });
          const now = memory.workloads.get(key)?.proven?.revision;
          if (now === undefined || now === before.workloads.get(key)?.proven?.revision) continue;
          if (
            now === scene.disk.records.get(key)?.proven?.revision &&
            before.workloads.get(key) === undefined
          )
            continue;
          assert.ok((served.get(key)?.ms ?? 0) >= scene.settings.provingMs, `${key} ${now}${story(scene)}`);
        }
      });
    }),
    RUNS,
  );
});

/** The newest parent that can run, where API and runtime agree that it serves. */
function servingUid(scene: Scene, key: WorkloadKey): string | undefined {
  if (scene.api.name !== 'serving' || !scene.runtimeAnswers) return undefined;
  const own = scene.parents.filter(({ parent: p }) => p.workload === key && !p.deleting && !p.finished);
  const newest = own.at(-1);
  return newest?.state === 'running' && newest.parent.ready ? newest.parent.uid : undefined;
}

test('rule 7: whatever restarts, nothing is removed before the API has said for the whole grace time that it is unwanted', () => {
  fc.assert(
    fc.property(life, (steps) => {
      const unwantedMs = new Map<WorkloadKey, number>();
      live(aNode(), steps, (scene) => {
        const { observation, actions, before } = lastPass(scene);
        for (const key of KEYS) {
          const answer = observation.wanted.get(key);
          const said = observation.api.name === 'serving' && answer?.known && answer.value === 'not-wanted';
          if (before.workloads.get(key)?.phase.name !== 'retiring') unwantedMs.set(key, 0);
          else if (said) unwantedMs.set(key, (unwantedMs.get(key) ?? 0) + observation.sinceLastPassMs);
          if (!actions.some((a) => a.type === 'remove-workload' && a.workload === key)) continue;
          assert.ok((unwantedMs.get(key) ?? 0) >= scene.settings.graceMs, `${key}${story(scene)}`);
        }
      });
    }),
    RUNS,
  );
});

test('rule 7: a wall clock that jumps changes nothing but what is written down for people', () => {
  fc.assert(
    fc.property(life, fc.array(fc.integer({ min: -1e9, max: 1e9 }), { minLength: 1 }), (steps, jumps) => {
      const steady = live(aNode(), steps);
      const jumping = live(aNode(), steps, (scene) => {
        scene.wallClockMs += jumps[scene.passes.length % jumps.length] ?? 0;
      });
      assert.equal(story(jumping), story(steady));
    }),
    RUNS,
  );
});

holdsAlways(
  'rule 8: nothing is removed that belongs to another Node, or when every parent is gone',
  (pass) => {
    const { observation, before } = pass;
    for (const action of pass.actions) {
      if (action.type !== 'remove-workload') continue;
      const memory = before.workloads.get(action.workload);
      if (!observation.node.known || memory?.nodeUid !== observation.node.value.uid)
        return `${action.workload}: fence`;
      const alive =
        observation.parents.known && observation.parents.value.some((p) => !p.deleting && !p.finished);
      if (before.workloads.size > 1 && !alive) return `${action.workload}: all are gone`;
    }
    return undefined;
  },
);

holdsAlways('rule 8: a held workload keeps its manifest as it is', ({ before, memory, actions }) => {
  const held = [...memory.workloads].filter(
    ([key, w]) => w.phase.name === 'held' && before.workloads.get(key)?.phase.name === 'held',
  );
  return actions
    .flatMap((a) => (a.type === 'withdraw' || a.type === 'remove-workload' ? [a] : []))
    .find((a) =>
      held.some(([key, w]) => key === a.workload && w.phase.name === 'held' && w.phase.active !== undefined),
    )?.workload;
});

test('a settled world asks for nothing more', () => {
  fc.assert(
    fc.property(life, (steps) => {
      const scene = calm(live(aNode(), steps));
      for (let i = 0; i < 12; i += 1) scene.pass(0);
      assert.deepEqual(lastPass(scene).actions, [], story(scene));
    }),
    RUNS,
  );
});

test('the same observation and memory give the same decision, and are left as they were', () => {
  fc.assert(
    fc.property(life, (steps) => {
      live(aNode(), steps, (scene) => {
        const { observation, before } = lastPass(scene);
        const copy = structuredClone({ observation, before });
        const first = decide(observation, before, scene.settings);
        assert.deepEqual(decide(observation, before, scene.settings), first);
        assert.deepEqual({ observation, before }, copy);
      });
    }),
    { numRuns: RUNS.numRuns / 8 },
  );
});
