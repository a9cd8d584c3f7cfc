// The main story on one master, for each minor of the support matrix: pivot, proven, power loss, handover, an update of
// the only apiserver, and a bad one.

import { after, before, describe, it } from 'node:test';
import { type Floor, measureFloor } from '../e2e/floor.ts';
import { awayInWords, OneMaster, recordStory, say, seconds } from '../e2e/one-master.ts';
import { UpdateStories } from '../e2e/update-stories.ts';

describe('the main story', { timeout: 30 * 60_000 }, () => {
  let floor: Floor;
  let one: OneMaster;

  before(async () => {
    floor = await measureFloor();
    one = await OneMaster.create();
    const { kubernetes, etcd, containerd } = one.cluster.programs.versions;
    say(`Kubernetes ${kubernetes}, etcd ${etcd}, containerd ${containerd}`);
    say(`floor: ready ${seconds(floor.readyMs)} after power on, with plain static pods`);
  });
  after(async () => {
    await one?.cluster.close();
  });

  it('is told on the versions that are pinned', () => one.isMadeOfWhatIsPinned());

  it('has a proven checkpoint of every workload after the pivot', async () => {
    await one.cluster.pivot();
    await one.atRest(120_000);
    await one.healthy();
  });

  it('comes back from a power loss by itself, and hands over', async () => {
    const recovery = await one.powerLoss();
    const { readyMs, startedAt } = recovery;
    recordStory('power loss', recovery, { readyMs, floorMs: floor.readyMs });
    say(`power loss: ready after ${seconds(readyMs)}, API away ${awayInWords(recovery, startedAt)}`);
    await one.healthy();
  });

  it('completes an update of the only apiserver, unaided', () =>
    new UpdateStories(one).ordinaryOfApiserver());

  it('stands in for a bad update of it until it is fixed', () => new UpdateStories(one).badOfApiserver());
});
