// Updates of a self-hosted control plane of one master, as stories that several tests tell: an ordinary one of the only
// apiserver or etcd, and a bad one of the apiserver until it is fixed.

import assert from 'node:assert/strict';
import { awayInWords, type OneMaster, recordStory, say, seconds } from './one-master.ts';

const apiserver = 'kube-system/kube-apiserver';
export const agent = 'checkpoint-agent';

/** What an update of the only apiserver is bound to cost without the agent: the API for ever. With it, at most this. */
const AWAY_AT_ONCE_MAX_MS = 30_000;

export class UpdateStories {
  readonly one: OneMaster;

  constructor(one: OneMaster) {
    this.one = one;
  }

  /** Until the DaemonSet's pods are those of its newest template, and its content is what would be activated. */
  async rolledOut(daemonSet: string, timeoutMs: number): Promise<void> {
    const { one } = this;
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

  /** A harmless flag more for the only apiserver. */
  async ordinaryOfApiserver(): Promise<void> {
    await this.ordinary('kube-apiserver', () => this.addFlag('--max-requests-inflight=401'), 180_000);
  }

  async ordinaryOfEtcd(): Promise<void> {
    const template = { metadata: { annotations: { 'example.org/update': 'of etcd alone' } } };
    await this.ordinary('etcd', () => this.one.updateTemplate('etcd', template), 300_000);
  }

  private async ordinary(name: string, update: () => Promise<void>, timeoutMs: number): Promise<void> {
    const { one } = this;
    const watched = one.watch();
    const startedAt = Date.now();
    await update();
    await this.rolledOut(name, timeoutMs);
    const away = await watched.stop();
    const story = `update of the only ${name}`;
    recordStory(story, away);
    say(`${story}: API away ${awayInWords(away, startedAt)}`);
    await one.atRest(120_000);
    await one.healthy();
  }

  /** The API is back from the proven checkpoint, for good, and goes on from the update when that is fixed. */
  async badOfApiserver(): Promise<void> {
    const { one } = this;
    const before = await one.workload(apiserver);
    const watched = one.watch();
    const startedAt = Date.now();
    await this.addFlag('--no-such-flag=1');
    await this.badUpdateIsStoodInFor();
    await one.cluster.waitForReady();
    const settledAt = Date.now();
    await one.always(30_000, async () => {
      const w = await one.workload(apiserver);
      assert.equal(w?.state, 'active');
      assert.equal(w?.revision, before?.revision, 'the bad content never becomes the checkpoint');
    });
    const away = await watched.stop();
    recordStory('bad update of the only apiserver', away);
    say(`bad update of the only apiserver: API away ${awayInWords(away, startedAt)}`);
    for (const { from, to } of away.downIntervals) {
      assert.ok(to - from <= AWAY_AT_ONCE_MAX_MS, `back after ${seconds(to - from)}`);
      // By its beginning: the two probes see one and the same outage end a moment apart.
      assert.ok(from <= settledAt, 'once stood in for, the API stays');
    }
    await this.fixed();
  }

  /** Until the bad pod has had its ports, has failed, and the checkpoint stays. */
  async badUpdateIsStoodInFor(): Promise<void> {
    await this.one.report(
      'the proven checkpoint stands in for the bad update, for good',
      240_000,
      (report) => {
        const w = report?.workloads.find(({ workload }) => workload === apiserver);
        return (
          w?.state === 'active' &&
          /checkpoint stays active: fix DaemonSet kube-apiserver, or /.test(w.note ?? '')
        );
      },
    );
  }

  /** A person takes the bad flag back. */
  async fixed(): Promise<void> {
    await this.one.changeCommand('kube-apiserver', (command) =>
      command.filter((arg) => !arg.startsWith('--no-such-flag')),
    );
    await this.one.atRest(300_000);
    await this.rolledOut('kube-apiserver', 120_000);
    await this.one.healthy();
  }

  async addFlag(flag: string): Promise<void> {
    await this.one.changeCommand('kube-apiserver', (command) => [...command, flag]);
  }
}
