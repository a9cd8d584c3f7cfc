// A self-hosted control plane of one master with the agent on it, and what every story of it asks again and again:
// is all at rest, how long was the API away, was a workload ever doubled, does the morning look as it should.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorkloadReport } from '../../lib/status/report.ts';
import type { Availability } from '../cluster/api-availability.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { CommandResult } from '../cluster/command.ts';
import { type ClusterOptions, createCluster } from '../cluster/create-cluster.ts';
import type { Master } from '../cluster/master.ts';
import { components } from '../cluster/pod-template.ts';
import {
  agentStatus,
  agentWorkload,
  CheckpointSampler,
  daemonReport,
  deployAgent,
  isAtRest,
  ourManifests,
  statusTable,
  workloads,
} from './agent-on-cluster.ts';
import { type Figures, record } from './figures.ts';

/** The `--grace` of the agents here: the default of two minutes would only make the tests longer. */
export const graceSeconds = 15;

const REPORT_EVERY_MS = 250;

export const standByManifest = 'checkpoint-agent_kube-system_checkpoint-agent.json';

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
export const say = (line: string): void => console.log(`    ${line}`);

export interface Watched extends Availability {
  /** How often a workload was seen with two active checkpoints; more than none fails the watch. */
  readonly doubles: number;
}

export interface Recovery extends Watched {
  /** Power on until /readyz answers 200. */
  readonly readyMs: number;
  /** `Date.now()` of power on. */
  readonly startedAt: number;
}

export class OneMaster {
  readonly cluster: Cluster;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  /** Still on its bootstrap's static pods, the agent deployed; `cluster.pivot()` comes next. */
  static async create(options: ClusterOptions = {}, agentFlags: readonly string[] = []): Promise<OneMaster> {
    const cluster = await createCluster(options);
    try {
      await deployAgent(cluster, [`--grace=${graceSeconds}s`, '--log-level=debug', ...agentFlags]);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return new OneMaster(cluster);
  }

  get master(): Master {
    return this.cluster.master;
  }

  /** Until every workload is back with its parent; says what the agent said if that does not happen. */
  async atRest(timeoutMs: number, expected: readonly string[] = workloads): Promise<void> {
    await this.report('all parents serve and all checkpoints stand by', timeoutMs, (all) =>
      isAtRest(all, expected),
    );
  }

  /** Until the daemon's report is as asked. Asked gently: each answer costs the daemon. */
  async report(
    what: string,
    timeoutMs: number,
    holds: (report: Awaited<ReturnType<typeof daemonReport>>) => boolean | Promise<boolean>,
  ): Promise<void> {
    const asked = async (): Promise<boolean> => await holds(await daemonReport(this.master));
    await this.orSay(this.cluster.waitUntil(what, timeoutMs, asked, REPORT_EVERY_MS));
  }

  /** What the agent says of it, where it fails. */
  async orSay<T>(expected: Promise<T>): Promise<T> {
    try {
      return await expected;
    } catch (error) {
      say(await statusTable(this.master));
      throw error;
    }
  }

  /** One workload as the daemon reports it now. */
  async workload(key: string): Promise<WorkloadReport | undefined> {
    const report = await daemonReport(this.master);
    return report?.workloads.find(({ workload }) => workload === key);
  }

  /** Power off, power on, until all parents serve again; nobody helps. */
  async powerLoss(beforeKubelet: readonly (readonly string[])[] = []): Promise<Recovery> {
    await this.master.powerOff();
    const watched = this.watch();
    const { startedAt, beforeKubelet: ran } = await this.master.powerOn({ beforeKubelet });
    for (const { code, stderr } of ran) assert.equal(code, 0, stderr);
    const readyMs = (await this.cluster.waitForReady(120_000)) - startedAt;
    await this.atRest(420_000);
    return { ...(await watched.stop()), readyMs, startedAt };
  }

  /** Samples the API and the runtime from now on; a workload with two active checkpoints fails `stop`. */
  watch(): { stop(): Promise<Watched> } {
    const api = this.cluster.apiAvailability();
    const doubles = new CheckpointSampler(this.master);
    return {
      async stop() {
        const availability = await api.stop();
        await doubles.stop();
        assert.deepEqual(doubles.doubles, [], 'no workload has two active checkpoints');
        return { ...availability, doubles: doubles.doubles.length };
      },
    };
  }

  /** What a person would look at in the morning. */
  async healthy(expected: readonly string[] = components): Promise<void> {
    await this.nodeIsReady();
    assert.deepEqual(await ourManifests(this.master), [standByManifest]);
    const { exitCode, report } = await agentStatus(this.master);
    assert.equal(exitCode, 0, report.verdict);
    const pods = await this.master.pods();
    for (const name of expected) {
      const running = pods.filter((p) => p.containers.some((c) => c.name === name && c.state === 'running'));
      assert.equal(running.length, 1, `one ${name} runs: ${running.map((p) => p.name).join(', ')}`);
      assert.equal(running[0]?.source, 'api');
    }
  }

  /** What the node and its API say of themselves is what products/ pins. */
  async isMadeOfWhatIsPinned(): Promise<void> {
    const { kubernetes, containerd } = this.cluster.programs.versions;
    const { stdout: node } = await this.cluster.kubectl('get', 'node', 'n1', '-ojson');
    const { kubeletVersion, containerRuntimeVersion } = JSON.parse(node).status.nodeInfo;
    const { stdout: server } = await this.cluster.kubectl('version', '-ojson');
    const { serverVersion, clientVersion } = JSON.parse(server);
    assert.deepEqual(
      [kubeletVersion, serverVersion.gitVersion, clientVersion.gitVersion, containerRuntimeVersion],
      [kubernetes, kubernetes, kubernetes, `containerd://${containerd.slice(1)}`],
    );
  }

  /** A kubelet tells its state every ten seconds. */
  async nodeIsReady(): Promise<void> {
    await this.cluster.waitUntil('the node is Ready', 60_000, async () =>
      /^n1\s+Ready/.test((await this.cluster.kubectl('get', 'nodes', '--no-headers')).stdout),
    );
  }

  /** Looks again and again for so long: a window of observation, not a wait for something. */
  async always(ms: number, holds: () => Promise<void>): Promise<void> {
    for (const end = Date.now() + ms; Date.now() < end; await delay(250)) await this.orSay(holds());
  }

  async nothingActivated(): Promise<void> {
    assert.deepEqual(await ourManifests(this.master), [standByManifest]);
  }

  /** The containers that run now, by their ids. */
  async runningContainers(): Promise<ReadonlySet<string>> {
    const containers = (await this.master.pods()).flatMap((pod) => pod.containers);
    return new Set(containers.filter(({ state }) => state === 'running').map(({ id }) => id));
  }

  /** No workload is stood in for of which a container still runs that ran `before`. */
  async nothingActivatedThatRuns(before: ReadonlySet<string>): Promise<void> {
    const placed = (await ourManifests(this.master)).filter((name) => name !== standByManifest);
    if (placed.length === 0) return;
    const running = (await this.master.pods()).filter(({ source, containers }) => {
      return source === 'api' && containers.some(({ id, state }) => state === 'running' && before.has(id));
    });
    const doubled = running.flatMap(({ containers }) => containers.map(({ name }) => name));
    const wrong = placed.filter((file) => doubled.some((name) => file.endsWith(`_${name}.json`)));
    assert.deepEqual(wrong, [], 'stood in for, and runs');
  }

  /** kubectl in kube-system. With one master the API goes for a handover now and then: asked again, as a person would. */
  async kubeSystem(...args: string[]): Promise<CommandResult> {
    return this.cluster.waitUntil(`kubectl ${args.slice(0, 3).join(' ')} is answered`, 180_000, async () => {
      const call = ['-n', 'kube-system', '--request-timeout=10s', ...args];
      const result = await this.cluster.kubectl({ mayFail: true }, ...call);
      if (result.code !== 0) throw new Error(result.stderr);
      return result;
    });
  }

  /** Replaces the command of a workload's DaemonSet: an update. */
  async changeCommand(daemonSet: string, change: (command: readonly string[]) => string[]): Promise<void> {
    const { stdout } = await this.kubeSystem('get', 'daemonset', daemonSet, '-ojson');
    const { command } = JSON.parse(stdout).spec.template.spec.containers[0] as { command: string[] };
    const path = '/spec/template/spec/containers/0/command';
    const patch = JSON.stringify([{ op: 'replace', path, value: change(command) }]);
    await this.kubeSystem('patch', 'daemonset', daemonSet, '--type=json', '-p', patch);
  }

  /** Merges into a DaemonSet's pod template. */
  async updateTemplate(daemonSet: string, template: object): Promise<void> {
    await this.kubeSystem('patch', 'daemonset', daemonSet, '-p', JSON.stringify({ spec: { template } }));
  }

  /** Process ids, as the host sees them, of the node's processes whose command line holds `text`. */
  async processes(text: string): Promise<number[]> {
    const { stdout } = await this.master.exec(['pgrep', '-f', text], { mayFail: true });
    return stdout.split('\n').filter(Boolean).map(Number);
  }

  async signal(signal: 'STOP' | 'CONT' | 'KILL', pids: readonly number[]): Promise<void> {
    await this.master.exec(['kill', `-${signal}`, ...pids.map(String)], { mayFail: true });
  }
}

export { agentWorkload };

/** Adds what was seen to the run's table. */
export function recordStory(story: string, availability: Watched, more: Partial<Figures> = {}): void {
  const piecesMs = availability.downIntervals.map(({ from, to }) => to - from);
  const { downMs: awayMs, doubles } = availability;
  record({ story, awayMs, piecesMs, doubles, ...more });
}

/** `17.8 s, in 2 pieces: 12.2 s from -0.3 s, 4.5 s from 12.8 s`; times count from `startedAt`. */
export function awayInWords({ downMs, downIntervals }: Availability, startedAt: number): string {
  const pieces = downIntervals.map(
    ({ from, to }) => `${seconds(to - from)} from ${seconds(from - startedAt)}`,
  );
  return `${seconds(downMs)}, in ${pieces.length} pieces: ${pieces.join(', ')}`;
}
