// A single master whose components share their ports (`--permit-port-sharing`): parent and checkpoint of the apiserver
// may run side by side, so that taking the checkpoint away fails no request. What is reached is printed beside its floor.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { measureFloor } from './floor.ts';
import { awayInWords, OneMaster, recordStory, say, seconds } from './one-master.ts';
import { permitOverlap } from './overlap.ts';

describe('a single master whose apiservers share their port', { timeout: 15 * 60_000 }, () => {
  let one: OneMaster;
  let floorMs: number;

  before(async () => {
    floorMs = (await measureFloor()).readyMs;
    one = await OneMaster.create({ permitPortSharing: true });
    await one.cluster.pivot();
    await one.atRest(120_000);
  });
  after(async () => {
    await one?.cluster.close();
  });

  it('takes the overlap option with an update of the only apiserver', async () => {
    await permitOverlap(one);
    await one.atRest(120_000);
  });

  it('comes back from a power loss, and hands over beside the checkpoint', async () => {
    const recovery = await one.powerLoss();
    const { readyMs, downMs, startedAt } = recovery;
    recordStory('port sharing', recovery, { readyMs, floorMs });
    say(`port sharing: ready after ${seconds(readyMs)} (floor ${seconds(floorMs)})`);
    say(`  API away until all parents served: ${awayInWords(recovery, startedAt)}`);
    say(`  in total floor + ${seconds(downMs - floorMs)}`);
    await one.healthy();
    assert.ok(recovery.samples > 0);
  });
});
