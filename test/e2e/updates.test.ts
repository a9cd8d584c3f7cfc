// Updates of the control plane on a single master: the common case of this software. Without the agent the first of
// them deadlocks for ever, since the DaemonSet deletes the only apiserver before it can make the next one.

import { after, before, describe, it } from 'node:test';
import { awayInWords, OneMaster, recordStory, say, seconds } from './one-master.ts';
import { UpdateStories } from './update-stories.ts';

describe('updates of a single master', { timeout: 20 * 60_000 }, () => {
  let one: OneMaster;
  let updates: UpdateStories;

  before(async () => {
    // Each update waits for it, and the bad content here shows itself within a second.
    one = await OneMaster.create({}, ['--proving=5s']);
    updates = new UpdateStories(one);
    await one.cluster.pivot();
    await one.atRest(120_000);
  });
  after(async () => {
    await one?.cluster.close();
  });

  it('completes an ordinary update of the only apiserver, unaided', () => updates.ordinaryOfApiserver());

  it('completes an ordinary update of the only etcd, unaided', () => updates.ordinaryOfEtcd());

  it('has the API back from the proven checkpoint within 30 s of a bad update, for good, until it is fixed', () =>
    updates.badOfApiserver());

  it('comes back from a power loss during a bad update, and from the update when it is fixed', async () => {
    await updates.addFlag('--no-such-flag=2');
    await updates.badUpdateIsStoodInFor();
    await one.master.powerOff();
    const watched = one.watch();
    const { startedAt } = await one.master.powerOn();
    const readyMs = (await one.cluster.waitForReady(120_000)) - startedAt;
    await updates.badUpdateIsStoodInFor();
    await one.cluster.waitForReady();
    const away = await watched.stop();
    recordStory('power loss during a bad update', away, { readyMs });
    say(
      `power loss during a bad update: ready after ${seconds(readyMs)}, API away ${awayInWords(away, startedAt)}`,
    );
    await updates.fixed();
  });
});
