// Updates of the control plane on a single master: the common case of this software. Without the agent the first of
// them deadlocks for ever, since the DaemonSet deletes the only apiserver before it can make the next one.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { seededRandom } from '../world/random.ts';
import { awayInWords, OneMaster, say, seconds } from './one-master.ts';

const apiserver = 'kube-system/kube-apiserver';
const components = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
const agent = 'checkpoint-agent';

describe('updates of a single master', { timeout: 45 * 60_000 }, () => {
  let one: OneMaster;

  before(async () => {
    // Ten rounds wait for it, and the bad content here shows itself within a second.
    one = await OneMaster.create({}, ['--proving=5s']);
    await one.cluster.pivot();
    await one.atRest(120_000);
  });
  after(async () => {
    await one?.cluster.close();
  });

  /** Until the DaemonSet's pods are those of its newest template, and its content is what would be activated. */
  async function rolledOut(daemonSet: string, timeoutMs: number): Promise<void> {
    const args = ['rollout', 'status', `daemonset/${daemonSet}`, '--watch=false'];
    const isRolledOut = async (): Promise<boolean> => {
      const { stdout } = await one.cluster.kubectl({ mayFail: true }, '-n', 'kube-system', ...args);
      return stdout.includes('successfully rolled out');
    };
    await one.orSay(one.cluster.waitUntil(`${daemonSet} is rolled out`, timeoutMs, isRolledOut));
    await one.report(`${daemonSet} as it is now is proven`, timeoutMs, (report) => {
      const w = report?.workloads.find(({ workload }) => workload === `kube-system/${daemonSet}`);
      const rests = w?.state === (daemonSet === agent ? 'active' : 'standby');
      return rests && w.candidate === undefined && w.proven;
    });
  }

  const addFlag = (flag: string) => one.changeCommand('kube-apiserver', (command) => [...command, flag]);
  const removeFlag = (name: string) =>
    one.changeCommand('kube-apiserver', (command) => command.filter((arg) => !arg.startsWith(name)));

  it('completes an ordinary update of the only apiserver, unaided', async () => {
    const watched = one.watch();
    const startedAt = Date.now();
    await addFlag('--max-requests-inflight=401');
    await rolledOut('kube-apiserver', 180_000);
    const away = await watched.stop();
    say(`ordinary update of the only apiserver: API away ${awayInWords(away, startedAt)}`);
    await one.atRest(120_000);
    await one.healthy();
  });

  it('completes an ordinary update of the only etcd, unaided', async () => {
    const watched = one.watch();
    const startedAt = Date.now();
    await one.updateTemplate('etcd', {
      metadata: { annotations: { 'example.org/update': 'of etcd alone' } },
    });
    await rolledOut('etcd', 300_000);
    const away = await watched.stop();
    say(`ordinary update of the only etcd: API away ${awayInWords(away, startedAt)}`);
    await one.atRest(120_000);
    await one.healthy();
  });

  /** Until the bad pod has had its ports, has failed, and the checkpoint stays. */
  async function badUpdateIsStoodInFor(): Promise<void> {
    await one.report('the proven checkpoint stands in for the bad update, for good', 240_000, (report) => {
      const w = report?.workloads.find(({ workload }) => workload === apiserver);
      return (
        w?.state === 'active' &&
        /checkpoint stays active: fix DaemonSet kube-apiserver, or /.test(w.note ?? '')
      );
    });
  }

  it('has the API back from the proven checkpoint within 30 s of a bad update, for good, until it is fixed', async () => {
    const before = await one.workload(apiserver);
    const watched = one.watch();
    const startedAt = Date.now();
    await addFlag('--no-such-flag=1');
    await badUpdateIsStoodInFor();
    await one.cluster.waitForReady();
    const settledAt = Date.now();
    await one.always(30_000, async () => {
      const w = await one.workload(apiserver);
      assert.equal(w?.state, 'active');
      assert.equal(w?.revision, before?.revision, 'the bad content never becomes the checkpoint');
    });
    const away = await watched.stop();
    say(`bad update of the only apiserver: API away ${awayInWords(away, startedAt)}`);
    for (const { from, to } of away.downIntervals) {
      assert.ok(to - from <= 30_000, `back after ${seconds(to - from)}`);
      // By its beginning: the two probes see one and the same outage end a moment apart.
      assert.ok(from <= settledAt, 'once stood in for, the API stays');
    }
    await removeFlag('--no-such-flag');
    await one.atRest(300_000);
    await rolledOut('kube-apiserver', 120_000);
    await one.healthy();
  });

  it('comes back from a power loss during a bad update, and from the update when it is fixed', async () => {
    await addFlag('--no-such-flag=2');
    await badUpdateIsStoodInFor();
    await one.master.powerOff();
    const watched = one.watch();
    const { startedAt } = await one.master.powerOn();
    const readyMs = (await one.cluster.waitForReady(120_000)) - startedAt;
    await badUpdateIsStoodInFor();
    await one.cluster.waitForReady();
    say(
      `power loss during a bad update: ready after ${seconds(readyMs)}, API away ${awayInWords(await watched.stop(), startedAt)}`,
    );
    await removeFlag('--no-such-flag');
    await one.atRest(300_000);
    await rolledOut('kube-apiserver', 120_000);
    await one.healthy();
  });

  it('completes ten updates of everything, with power losses at random moments', async () => {
    const seed = Date.now() % 1_000_000;
    const random = seededRandom(seed);
    say(`ten rolling updates, seed ${seed}`);
    for (let round = 1; round <= 10; round += 1) {
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
      for (const name of updated) await rolledOut(name, 420_000);
      await one.atRest(300_000);
      const away = await watched.stop();
      const loss = lossAfterMs === undefined ? '' : `, power lost after ${seconds(lossAfterMs)}`;
      const restedAfter = seconds(Date.now() - startedAt);
      const all = updated.length > components.length ? ', the agent as well' : '';
      say(
        `round ${round}${all}${loss}: at rest after ${restedAfter}, API away ${awayInWords(away, startedAt)}`,
      );
    }
    await one.healthy();
    const { stdout } = await one.kubeSystem('get', 'pods', '-ojson');
    const rounds = (JSON.parse(stdout).items as { metadata: { annotations?: Record<string, string> } }[])
      .map(({ metadata }) => metadata.annotations?.['example.org/round'])
      .filter((value) => value !== undefined);
    assert.deepEqual(new Set(rounds), new Set(['10']), 'every pod is of the last update');
  });
});
