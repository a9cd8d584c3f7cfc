// The agent on a real cluster: its image from the bundle, its DaemonSet from `agent manifests`, its own word from
// `agent status` on the node, and a sampler that watches for two checkpoints of one workload.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StatusReport } from '../../lib/status/report.ts';
import { askAgent } from '../../lib/status/socket.ts';
import { ANNOTATION_OF } from '../../lib/types/workload.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { run } from '../cluster/command.ts';
import { masterLabel } from '../cluster/control-plane.ts';
import { agentImage } from '../cluster/images.ts';
import type { Master } from '../cluster/master.ts';
import { manifestDirectory } from '../cluster/node-files.ts';

export const bundle = join(import.meta.dirname, '../../dist/agent.mjs');
export const workloads = [
  'kube-system/checkpoint-agent',
  'kube-system/etcd',
  'kube-system/kube-apiserver',
  'kube-system/kube-controller-manager',
  'kube-system/kube-scheduler',
] as const;
export const agentWorkload = workloads[0];

interface DaemonSet {
  kind: string;
  spec: { template: { spec: { containers: [{ volumeMounts: object[] }]; volumes: object[] } } };
}

/** Puts the image on every master and applies what `agent manifests` prints. */
export async function deployAgent(cluster: Cluster, extraArgs: readonly string[]): Promise<void> {
  const image = await agentImage(bundle);
  await Promise.all(cluster.masters.map((master) => master.importImage(image)));
  const bootIdFile = cluster.master.bootIdFile;
  const { stdout } = await run([
    process.execPath,
    bundle,
    'manifests',
    '--output=json',
    `--image=${image.reference}`,
    `--node-selector=${masterLabel}=`,
    `--extra-arg=--boot-id-file=${bootIdFile}`,
    ...extraArgs.map((arg) => `--extra-arg=${arg}`),
  ]);
  const list = JSON.parse(stdout) as { items: DaemonSet[] };
  // Masters share this machine's kernel, and with it the boot id: each has a file of its own in its place.
  for (const { kind, spec } of list.items) {
    if (kind !== 'DaemonSet') continue;
    const pod = spec.template.spec;
    pod.containers[0].volumeMounts.push({ name: 'boot-id', mountPath: bootIdFile, readOnly: true });
    pod.volumes.push({ name: 'boot-id', hostPath: { path: bootIdFile, type: 'File' } });
  }
  await cluster.kubectl({ input: JSON.stringify(list) }, 'apply', '--validate=false', '-f', '-');
}

/** The oneshot unit's command: the first boot pass before the kubelet starts. */
export function recoverCommand(master: Master): string[] {
  return [process.execPath, bundle, 'recover', `--boot-id-file=${master.bootIdFile}`, '--wait=60s'];
}

/** The daemon's own report, or undefined while none answers. Cheap: a process for each look would load the node. */
export async function daemonReport(master: Master): Promise<StatusReport | undefined> {
  const answer = await askAgent(master.hostPath('/run/checkpoint-agent'), 'GET', '/status').catch(
    () => undefined,
  );
  return answer === undefined ? undefined : (JSON.parse(answer) as StatusReport);
}

/** `agent status` on the node, as a person would ask it. */
export async function agentStatus(master: Master): Promise<{ report: StatusReport; exitCode: number }> {
  const argv = [process.execPath, bundle, 'status', '--output=json', `--boot-id-file=${master.bootIdFile}`];
  const { stdout, code } = await master.exec(argv, { mayFail: true });
  return { report: JSON.parse(stdout) as StatusReport, exitCode: code };
}

export async function statusTable(master: Master): Promise<string> {
  const argv = [process.execPath, bundle, 'status', `--boot-id-file=${master.bootIdFile}`];
  return (await master.exec(argv, { mayFail: true })).stdout;
}

/** Every workload stands by with a proven checkpoint and its parent runs; only the agent's own checkpoint is active. */
export function isAtRest(report: StatusReport | undefined, expected: readonly string[]): boolean {
  if (report === undefined) return false;
  const { workloads: reported } = report;
  return expected.every((key) => {
    const w = reported.find(({ workload }) => workload === key);
    if (w === undefined || !w.proven || !w.recoverable) return false;
    return key === agentWorkload
      ? w.state === 'active' && w.runs === 'both'
      : w.state === 'standby' && w.runs === 'parent';
  });
}

export async function ourManifests(master: Master): Promise<string[]> {
  const names = await readdir(master.path(manifestDirectory));
  return names.filter((name) => name.startsWith('checkpoint-agent_')).sort();
}

/** Watches the node's runtime and static pod directory for what must never be. */
export class CheckpointSampler {
  readonly doubles: string[] = [];
  samples = 0;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;

  constructor(master: Master) {
    this.#loop = this.#run(master);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(master: Master): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const pods = master.isOn ? await master.pods().catch(() => []) : [];
      const running = new Map<string, string[]>();
      for (const pod of pods) {
        const of = pod.annotations[ANNOTATION_OF];
        if (of === undefined || !pod.containers.some(({ state }) => state === 'running')) continue;
        running.set(of, [...(running.get(of) ?? []), pod.uid]);
      }
      for (const [of, uids] of running)
        if (uids.length > 1) this.doubles.push(`${of}: ${uids.join(' and ')}`);
      this.samples += 1;
      await delay(100, undefined, { ref: false, signal: this.#stopping.signal }).catch(() => {});
    }
  }
}
