// What goes wrong around the agent on a single master: pods deleted with nobody left to replace them, a runtime or an
// apiserver that falls silent, a workload deleted behind its back, another cluster in the place of its own.

import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { agentStatus, daemonReport, ourManifests, statusTable, workloads } from './agent-on-cluster.ts';
import {
  agentWorkload,
  awayInWords,
  graceSeconds,
  OneMaster,
  say,
  seconds,
  standByManifest,
} from './one-master.ts';

const scheduler = 'kube-system/kube-scheduler';
const controllerManager = 'kube-system/kube-controller-manager';

describe('faults around a single master', { timeout: 20 * 60_000 }, () => {
  let one: OneMaster;

  before(async () => {
    one = await OneMaster.create();
    await one.cluster.pivot();
    await one.atRest(120_000);
  });
  after(async () => {
    await one?.cluster.close();
  });

  /** Names of the API's pods of a workload that are not on their way out. */
  async function pods(name: string): Promise<string[]> {
    const { stdout } = await one.kubeSystem('get', 'pods', '-l', `k8s-app=${name}`, '-ojson');
    const items = JSON.parse(stdout).items as {
      metadata: { name: string; deletionTimestamp?: string };
      spec: { nodeName?: string };
    }[];
    return items.filter((p) => p.metadata.deletionTimestamp === undefined).map((p) => p.metadata.name);
  }

  it('schedules a new scheduler when the last one was deleted', async () => {
    const startedAt = Date.now();
    await one.kubeSystem('delete', 'pod', '-l', 'k8s-app=kube-scheduler', '--wait=false');
    await one.report('a new scheduler serves', 60_000, (report) => {
      const w = report?.workloads.find(({ workload }) => workload === scheduler);
      return w?.state !== 'standby';
    });
    await one.atRest(60_000);
    say(`the last scheduler deleted: a new one serves after ${seconds(Date.now() - startedAt)}`);
    await one.healthy();
  });

  it('makes a new controller-manager when the last one was deleted', async () => {
    const [old] = await pods('kube-controller-manager');
    const startedAt = Date.now();
    await one.kubeSystem('delete', 'pod', old ?? '', '--ignore-not-found', '--wait=false');
    await one.cluster.waitUntil('a new pod of it is there', 60_000, async () => {
      const [name] = await pods('kube-controller-manager');
      return name !== undefined && name !== old;
    });
    await one.atRest(120_000);
    say(`the last controller-manager deleted: a new one serves after ${seconds(Date.now() - startedAt)}`);
    await one.healthy();
  });

  it('does not wait out the back-off of a controller-manager that died again and again', async () => {
    // The kubelet restarts it at once, then after 10 s, 20 s, 40 s and so on. Killed whenever it runs, it serves for no
    // longer than a moment, so when the agent acts depends on its patience alone, not on which back-off it meets.
    let lastDeath = 0;
    await one.report('its checkpoint stands in', 120_000, async (report) => {
      if (report?.workloads.some((w) => w.workload === controllerManager && w.state === 'active'))
        return true;
      const pids = await one.processes('^kube-controller-manager');
      if (pids.length > 0) {
        await one.signal('KILL', pids);
        lastDeath = Date.now();
      }
      return false;
    });
    await one.cluster.waitUntil('a controller-manager runs', 60_000, async () => {
      const w = await one.workload(controllerManager);
      return w?.runs === 'parent' || w?.runs === 'checkpoint' || w?.runs === 'both';
    });
    say(`a controller-manager in a back-off: one runs again after ${seconds(Date.now() - lastDeath)}`);
    await one.atRest(180_000);
    say(`  and its parent after ${seconds(Date.now() - lastDeath)}`);
    await one.healthy();
  });

  it('activates nothing while the runtime is gone for 60 s', async () => {
    await one.master.killContainerd();
    await one.report(
      'the agent sees the runtime gone',
      30_000,
      (report) => report?.runtime.startsWith('unknown') === true,
    );
    await one.always(60_000, () => one.nothingActivated());
    await one.master.startContainerd();
    await one.cluster.waitForReady();
    await one.atRest(180_000);
    await one.healthy();
  });

  it('leaves etcd and the apiserver alone while the apiserver hangs for 60 s, connections and all', async () => {
    const pids = await one.processes('^kube-apiserver');
    assert.equal(pids.length, 1);
    await one.signal('STOP', pids);
    try {
      // It would end when its lease is lost. It died often before, so the kubelet holds it back, and waits with its
      // checkpoint for the apiserver: no reason to end that one.
      await one.signal('KILL', await one.processes('^kube-controller-manager'));
      await one.report(
        'the agent sees the API away, and stands in for the controller-manager',
        60_000,
        (report) =>
          report?.api.startsWith('away') === true &&
          report.workloads.some((w) => w.workload === controllerManager && w.state === 'active'),
      );
      await one.always(60_000, async () => {
        const manifests = await ourManifests(one.master);
        assert.ok(!manifests.some((name) => /_(etcd|kube-apiserver)\.json$/.test(name)), manifests.join());
        assert.deepEqual(await one.processes('^kube-apiserver'), pids, 'it is not ended');
      });
    } finally {
      await one.signal('CONT', pids);
    }
    await one.cluster.waitForReady();
    await one.atRest(180_000);
    await one.healthy();
  });

  it('holds everything when its etcd was replaced by an empty one, says why, and lets go when told to', async () => {
    const data = one.master.path('/var/lib/etcd');
    await one.master.powerOff();
    await rename(data, `${data}.kept`);
    await one.master.powerOn();
    await one.cluster.waitForReady(120_000);
    await one.report('every workload is held', 120_000, (report) =>
      workloads.every((key) => report?.workloads.find(({ workload }) => workload === key)?.state === 'held'),
    );
    await one.always(graceSeconds * 2_000, async () => {
      assert.equal((await ourManifests(one.master)).length, workloads.length, 'nothing is retired');
    });
    const { report } = await agentStatus(one.master);
    for (const { workload, note } of report.workloads)
      assert.match(note ?? '', /UID changed.*agent forget/, workload);
    say((await statusTable(one.master)).replaceAll('\n', '\n    '));
    const [node, , bundle] = [process.execPath, 0, (await import('./agent-on-cluster.ts')).bundle];
    const { stdout } = await one.master.exec([node, bundle, 'forget', scheduler]);
    assert.match(stdout, /forgotten/);
    await one.cluster.waitUntil('its checkpoint is gone', 60_000, async () => {
      const gone = !(await ourManifests(one.master)).some((name) => name.includes('kube-scheduler'));
      const known = (await daemonReport(one.master))?.workloads.some(
        ({ workload }) => workload === scheduler,
      );
      return gone && known === false;
    });
    // Its own cluster comes back: the parents show up, and everything is as before.
    await one.master.powerOff();
    await rename(data, `${data}.empty`);
    await rename(`${data}.kept`, data);
    await one.master.powerOn();
    await one.cluster.waitForReady(120_000);
    await one.atRest(420_000);
    await one.healthy();
  });

  it('retires a workload that was deleted while the node was off, and nothing flaps', async () => {
    // The agent sees and writes nothing any more, as if the power had gone before the deletion.
    const agents = await one.processes('/agent.mjs run');
    await one.signal('STOP', agents);
    await one.kubeSystem('delete', 'daemonset', 'kube-scheduler', '--ignore-not-found', '--wait=false');
    await one.cluster.waitUntil(
      'its pod is gone',
      60_000,
      async () => (await pods('kube-scheduler')).length === 0,
    );
    await one.master.powerOff();
    const watched = one.watch();
    const { startedAt } = await one.master.powerOn();
    await one.cluster.waitForReady(120_000);
    const moves: string[] = [];
    await one.cluster.waitUntil('the scheduler is retired', 240_000, async () => {
      const report = await daemonReport(one.master);
      if (report === undefined) return false;
      const state = report.workloads.find(({ workload }) => workload === scheduler)?.state ?? 'gone';
      if (moves.at(-1) !== state) moves.push(state);
      return state === 'gone';
    });
    say(
      `deleted while the node was off: ${moves.join(' → ')}, ${seconds(Date.now() - startedAt)} after power on`,
    );
    assert.ok(new Set(moves).size === moves.length, `it flapped: ${moves.join(' → ')}`);
    await one.atRest(
      300_000,
      workloads.filter((key) => key !== scheduler),
    );
    say(`API away ${awayInWords(await watched.stop(), startedAt)}`);
    assert.deepEqual(await ourManifests(one.master), [standByManifest]);
    assert.ok((await one.workload(agentWorkload))?.recoverable);
  });
});
