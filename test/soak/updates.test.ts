// Ten updates of everything at once on a single master, with power losses at random moments.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { components } from '../cluster/pod-template.ts';
import { awayInWords, OneMaster, recordStory, say, seconds } from '../e2e/one-master.ts';
import { agent, UpdateStories } from '../e2e/update-stories.ts';
import { seededRandom } from '../world/random.ts';

const ROUNDS = 10;

describe('updates of everything on a single master', { timeout: 60 * 60_000 }, () => {
  let one: OneMaster;
  let updates: UpdateStories;

  before(async () => {
    one = await OneMaster.create({}, ['--proving=5s']);
    updates = new UpdateStories(one);
    await one.cluster.pivot();
    await one.atRest(120_000);
  });
  after(async () => {
    await one?.cluster.close();
  });

  it(`completes ${ROUNDS} of them, unaided`, async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    const random = seededRandom(seed);
    say(`${ROUNDS} rolling updates: again with SEED=${seed}`);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const watched = one.watch();
      const startedAt = Date.now();
      // All at once, so that the API goes while some of them are still to be taken; every third time the agent, too, as one
      // `kubectl apply` of a whole cluster does, which takes the guard in the middle of it.
      const template = { metadata: { annotations: { 'example.org/round': String(round) } } };
      const updated = round % 3 === 1 ? [...components, agent] : components;
      await Promise.all(updated.map((name) => one.updateTemplate(name, template)));
      const lossAfterMs = round % 2 === 0 ? random.between(0, 20_000) : undefined;
      if (lossAfterMs !== undefined) {
        // The moment itself is what is random here.
        await new Promise((resolve) => setTimeout(resolve, lossAfterMs));
        await one.master.powerOff();
        await one.master.powerOn();
        await one.cluster.waitForReady(120_000);
      }
      for (const name of updated) await updates.rolledOut(name, 420_000);
      await one.atRest(300_000);
      const away = await watched.stop();
      const loss = lossAfterMs === undefined ? '' : `, power lost after ${seconds(lossAfterMs)}`;
      const restedAfter = seconds(Date.now() - startedAt);
      const all = updated.length > components.length ? ', the agent as well' : '';
      recordStory(`update ${round} of everything${all}${loss}`, away);
      say(
        `round ${round}${all}${loss}: at rest after ${restedAfter}, API away ${awayInWords(away, startedAt)}`,
      );
    }
    await one.healthy();
    const { stdout } = await one.kubeSystem('get', 'pods', '-ojson');
    const rounds = (JSON.parse(stdout).items as { metadata: { annotations?: Record<string, string> } }[])
      .map(({ metadata }) => metadata.annotations?.['example.org/round'])
      .filter((value) => value !== undefined);
    assert.deepEqual(new Set(rounds), new Set([String(ROUNDS)]), 'every pod is of the last update');
  });
});
