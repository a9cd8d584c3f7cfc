// Power losses in a row on one master: the median and the worst say more than any single one.

import { after, before, describe, it } from 'node:test';
import { type Floor, measureFloor } from '../e2e/floor.ts';
import { awayInWords, OneMaster, recordStory, say, seconds } from '../e2e/one-master.ts';

const BOOTS = Number(process.env.BOOTS ?? 20);

describe(`${BOOTS} power losses in a row`, { timeout: 60 * 60_000 }, () => {
  let floor: Floor;
  let one: OneMaster;

  before(async () => {
    floor = await measureFloor();
    say(`floor: ready ${seconds(floor.readyMs)} after power on, with plain static pods`);
    one = await OneMaster.create();
    await one.cluster.pivot();
    await one.atRest(120_000);
  });
  after(async () => {
    await one?.cluster.close();
  });

  it('ends each of them by itself', async () => {
    const readyMs: number[] = [];
    const awayMs: number[] = [];
    for (let boot = 1; boot <= BOOTS; boot += 1) {
      const recovery = await one.powerLoss();
      readyMs.push(recovery.readyMs);
      awayMs.push(recovery.downMs);
      recordStory(`boot ${boot}`, recovery, { readyMs: recovery.readyMs, floorMs: floor.readyMs });
      say(
        `boot ${boot}: ready after ${seconds(recovery.readyMs)}, away ${awayInWords(recovery, recovery.startedAt)}`,
      );
    }
    const over = (values: readonly number[], at: number): string =>
      `floor + ${seconds((values.toSorted((a, b) => a - b)[at] ?? 0) - floor.readyMs)}`;
    const middle = Math.floor(BOOTS / 2);
    say(`ready: median ${over(readyMs, middle)}, worst ${over(readyMs, BOOTS - 1)}`);
    say(`away: median ${over(awayMs, middle)}, worst ${over(awayMs, BOOTS - 1)}`);
    await one.healthy();
  });
});
