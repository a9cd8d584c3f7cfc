// A single master whose components share their ports (`--permit-port-sharing`): parent and checkpoint of the apiserver
// may run side by side, so that taking the checkpoint away fails no request. What is reached is printed beside its floor.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { components } from '../cluster/pod-template.ts';
import { measureFloor } from './floor.ts';
import { awayInWords, OneMaster, say, seconds } from './one-master.ts';

describe('a single master whose apiservers share their port', { timeout: 15 * 60_000 }, () => {
  let one: OneMaster;
  let floorMs: number;

  before(async () => {
    floorMs = await measureFloor();
    one = await OneMaster.create({ permitPortSharing: true });
    await one.cluster.pivot();
    await one.atRest(120_000);
  });
  after(async () => {
    await one?.cluster.close();
  });

  it('takes the overlap option with an update of the only apiserver', async () => {
    const template = { metadata: { annotations: { 'checkpoint-agent.io/overlap': 'true' } } };
    const sharing = components.filter((component) => component !== 'etcd');
    const before = new Map<string, string | undefined>();
    for (const name of sharing) before.set(name, (await one.workload(`kube-system/${name}`))?.revision);
    for (const name of sharing) await one.updateTemplate(name, template);
    await one.report('the new content is proven', 300_000, (report) =>
      sharing.every((name) => {
        const w = report?.workloads.find(({ workload }) => workload === `kube-system/${name}`);
        return w?.proven === true && w.candidate === undefined && w.revision !== before.get(name);
      }),
    );
    await one.atRest(120_000);
  });

  it('comes back from a power loss, and hands over beside the checkpoint', async () => {
    const recovery = await one.powerLoss();
    const { readyMs, downMs, startedAt } = recovery;
    say(`port sharing: ready after ${seconds(readyMs)} (floor ${seconds(floorMs)})`);
    say(`  API away until all parents served: ${awayInWords(recovery, startedAt)}`);
    say(`  in total floor + ${seconds(downMs - floorMs)}`);
    await one.healthy();
    assert.ok(recovery.samples > 0);
  });
});
