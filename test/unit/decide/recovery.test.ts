// Whatever went before, the node gets out of it: properties about what happens in the end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { aNode, calm, KEYS, life, live, RUNS } from './chaos.ts';
import { story } from './story.ts';

test('with nothing running and no API, every workload that has an intact copy is active within seconds', () => {
  fc.assert(
    fc.property(life, (steps) => {
      const scene = calm(live(aNode(), steps));
      for (const living of scene.parents) living.state = 'absent';
      scene.apiAway().run(10_000);
      for (const key of KEYS) {
        const { phase } = scene.workload(key) ?? {};
        if (phase === undefined || phase.name === 'held' || phase.name === 'retiring') continue;
        if (!scene.disk.revisions.get(key)?.length) continue;
        assert.equal(phase.name, 'active', `${key}${story(scene)}`);
        assert.ok(scene.disk.placed.has(key), `${key}${story(scene)}`);
      }
    }),
    RUNS,
  );
});

test('after any power loss the same holds at the first pass, for what is not on its way out', () => {
  fc.assert(
    fc.property(life, (steps) => {
      const scene = calm(live(aNode(), steps)).powerLoss();
      scene.pass();
      for (const key of KEYS) {
        const { phase } = scene.workload(key) ?? {};
        if (phase === undefined || phase.name === 'held' || phase.name === 'retiring') continue;
        if (!scene.disk.revisions.get(key)?.length) continue;
        assert.ok(scene.disk.placed.has(key), `${key}${story(scene)}`);
      }
    }),
    RUNS,
  );
});

test('good parents with new content are all handed over to and proven, whatever was blamed before', () => {
  fc.assert(
    fc.property(life, (steps) => {
      const scene = calm(live(aNode(), steps)).apiServes();
      scene.parents.splice(0);
      for (const key of KEYS) scene.addParent(key, { content: 'fixed' }, 'running');
      scene.run(60_000, 500);
      for (const key of KEYS) {
        assert.equal(scene.phase(key), 'standby', `${key}${story(scene)}`);
        assert.equal(scene.disk.placed.has(key), false, story(scene));
        assert.equal(scene.workload(key)?.proven?.revision, 'rev-fixed', story(scene));
      }
    }),
    RUNS,
  );
});
