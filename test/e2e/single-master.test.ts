// The main job, on a real cluster of one master: a self-hosted control plane loses power and comes back by itself.
// The scenarios build on each other, as the nights of one cluster do.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import { createCluster } from '../cluster/create-cluster.ts';
import type { Master } from '../cluster/master.ts';
import {
  agentStatus,
  agentWorkload,
  CheckpointSampler,
  daemonReport,
  deployAgent,
  isAtRest,
  ourManifests,
  recoverCommand,
  statusTable,
  workloads,
} from './agent-on-cluster.ts';
import { measureFloor } from './floor.ts';

const graceSeconds = 15;
/** Generous, since the machine may be busy: what is reached (floor + 1 s on a quiet one) is printed, and measured by the benchmark. */
const readyBoundMs = 12_000;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const say = (line: string): void => console.log(`    ${line}`);

describe('a single master', { timeout: 30 * 60_000 }, () => {
  let cluster: Cluster;
  let master: Master;
  let floorMs: number;

  before(async () => {
    floorMs = await measureFloor();
    say(`floor: ready ${seconds(floorMs)} after power on, with plain static pods`);
    cluster = await createCluster();
    master = cluster.master;
    await deployAgent(cluster, [`--grace=${graceSeconds}s`, '--log-level=debug']);
  });
  after(async () => {
    if (cluster !== undefined) await cluster.close();
  });

  /** Until every workload is back with its parent; says what the agent said if that does not happen. */
  async function atRest(expected: readonly string[], timeoutMs: number): Promise<void> {
    try {
      await cluster.waitUntil('all parents serve and all checkpoints stand by', timeoutMs, async () =>
        isAtRest(await daemonReport(master), expected),
      );
    } catch (error) {
      say(await statusTable(master));
      throw error;
    }
  }

  async function powerLossAndReturn(title: string, before: readonly (readonly string[])[]): Promise<void> {
    await master.powerOff();
    const api = cluster.apiAvailability();
    const doubles = new CheckpointSampler(master);
    const { startedAt, beforeKubelet } = await master.powerOn({ beforeKubelet: before });
    for (const { code, stderr } of beforeKubelet) assert.equal(code, 0, stderr);
    const readyMs = (await cluster.waitForReady(120_000)) - startedAt;
    await atRest(workloads, 420_000);
    const { downMs, downIntervals } = await api.stop();
    await doubles.stop();
    say(`${title}: ready after ${seconds(readyMs)} (floor ${seconds(floorMs)})`);
    say(
      `  API away in total until all parents served: ${seconds(downMs)}, in ${downIntervals.length} pieces:`,
    );
    for (const { from, to } of downIntervals) {
      say(`    from ${seconds(from - startedAt)} for ${seconds(to - from)}`);
    }
    assert.deepEqual(doubles.doubles, [], 'no workload has two active checkpoints');
    assert.ok(
      readyMs <= floorMs + readyBoundMs,
      `ready after ${seconds(readyMs)}, floor ${seconds(floorMs)}`,
    );
    await healthy();
  }

  /** What a person would look at in the morning. */
  async function healthy(): Promise<void> {
    const nodes = await cluster.kubectl('get', 'nodes', '--no-headers');
    assert.match(nodes.stdout, /^n1\s+Ready/);
    assert.deepEqual(await ourManifests(master), ['checkpoint-agent_kube-system_checkpoint-agent.json']);
    const { exitCode, report } = await agentStatus(master);
    assert.equal(exitCode, 0, report.verdict);
    const pods = await master.pods();
    for (const name of ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler']) {
      const running = pods.filter((p) => p.containers.some((c) => c.name === name && c.state === 'running'));
      assert.equal(running.length, 1, `one ${name} runs: ${running.map((p) => p.name).join(', ')}`);
      assert.equal(running[0]?.source, 'api');
    }
  }

  it('a: has a proven checkpoint of every workload within 60 s of the pivot', async () => {
    await cluster.pivot();
    const pivotedAt = Date.now();
    await atRest(workloads, 60_000);
    say(`all ${workloads.length} workloads proven ${seconds(Date.now() - pivotedAt)} after the pivot`);
    say((await statusTable(master)).replaceAll('\n', '\n    '));
    const { report, exitCode } = await agentStatus(master);
    assert.equal(report.recoverable, true);
    assert.equal(exitCode, 0);
  });

  it('b: comes back from a power loss by itself', async () => {
    await powerLossAndReturn('stand-by only', []);
  });

  it('b: comes back as fast with the oneshot unit before the kubelet', async () => {
    await powerLossAndReturn('oneshot unit', [recoverCommand(master)]);
  });

  it('c: comes back from a second power loss right after the API is ready again', async () => {
    await master.powerOff();
    await master.powerOn();
    await cluster.waitForReady(120_000);
    await powerLossAndReturn('second loss', []);
  });

  it('c: comes back from a power loss in the middle of a handover', async () => {
    await master.powerOff();
    await master.powerOn();
    await cluster.waitUntil('a handover has begun', 180_000, async () => {
      const report = await daemonReport(master);
      return report?.workloads.some(({ state }) => state === 'handover');
    });
    await powerLossAndReturn('loss during handover', []);
  });

  it('d: activates nothing when the kubelet restarts with the API away and the containers running', async () => {
    const cut = [
      'INPUT',
      '-d',
      master.ip,
      '-p',
      'tcp',
      '--dport',
      '6443',
      '-j',
      'REJECT',
      '--reject-with',
      'tcp-reset',
    ];
    await master.exec(['iptables', '-I', ...cut]);
    try {
      await master.killKubelet();
      await master.startKubelet();
      await cluster.waitUntil('the agent sees the API away', 30_000, async () =>
        (await daemonReport(master))?.api.startsWith('away'),
      );
      // A window of observation, not a wait for something: long past the outage and restart patience.
      for (const end = Date.now() + 15_000; Date.now() < end; await delay(250)) {
        assert.deepEqual(await ourManifests(master), ['checkpoint-agent_kube-system_checkpoint-agent.json']);
      }
    } finally {
      await master.exec(['iptables', '-D', ...cut]);
    }
    await cluster.waitForReady();
    await atRest(workloads, 120_000);
    await healthy();
  });

  it('e: retires a workload after its grace time when its DaemonSet is deleted, and no other', async () => {
    const gone = 'kube-system/kube-scheduler';
    const others = workloads.filter((key) => key !== gone);
    const before = (await agentStatus(master)).report;
    const deletedAt = Date.now();
    await cluster.kubectl('-n', 'kube-system', 'delete', 'daemonset', 'kube-scheduler');
    await cluster.waitUntil('the checkpoint is gone', (graceSeconds + 60) * 1000, async () =>
      (await daemonReport(master))?.workloads.every(({ workload }) => workload !== gone),
    );
    const keptMs = Date.now() - deletedAt;
    assert.ok(keptMs >= graceSeconds * 1000, `kept only ${seconds(keptMs)}`);
    say(`retired ${seconds(keptMs)} after its DaemonSet was deleted (grace ${graceSeconds} s)`);
    const now = (await agentStatus(master)).report;
    for (const key of others) {
      const was = before.workloads.find(({ workload }) => workload === key);
      const is = now.workloads.find(({ workload }) => workload === key);
      assert.equal(is?.revision, was?.revision, `${key} keeps its revision`);
      assert.equal(is?.recoverable, true, `${key} stays recoverable`);
    }
    assert.ok(now.workloads.some(({ workload }) => workload === agentWorkload));
  });
});
