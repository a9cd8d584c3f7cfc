// A cluster of real masters on this machine. `createCluster` brings it up with static pods; `pivot`
// hands it over to its own DaemonSets; `close` leaves nothing behind, and so does the end of this process.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { V1PodList } from '@kubernetes/client-node';
import { ApiAvailability, ReadinessProbe } from './api-availability.ts';
import type { Claim } from './claim.ts';
import { type CommandOptions, type CommandResult, plainEnvironment, run } from './command.ts';
import { masterLabel } from './control-plane.ts';
import type { Master } from './master.ts';
import { manifestDirectory } from './node-files.ts';
import { components } from './pod-template.ts';
import type { Programs } from './products.ts';
import { waitUntil } from './wait-until.ts';

export const bootstrapDirectory = '/etc/kubernetes/bootstrap';
export const bootstrapManifest = (component: string): string =>
  `${manifestDirectory}/bootstrap-${component}.json`;

export type KubectlOptions = Pick<CommandOptions, 'input' | 'mayFail'>;

export class Cluster {
  readonly masters: readonly Master[];
  /** Of the administrator, on the host. */
  readonly kubeconfig: string;
  private readonly claim: Claim;
  /** What this cluster is made of. */
  readonly programs: Programs;
  private readonly log: (line: string) => void;
  private readonly samplers: ApiAvailability[] = [];

  constructor(
    claim: Claim,
    masters: readonly Master[],
    kubeconfig: string,
    programs: Programs,
    log: (line: string) => void,
  ) {
    this.programs = programs;
    this.log = log;
    this.claim = claim;
    this.masters = masters;
    this.kubeconfig = kubeconfig;
  }

  /** The only master, or the first one. */
  get master(): Master {
    const [first] = this.masters;
    if (first === undefined) throw new Error('the cluster has no masters');
    return first;
  }

  /** kubectl on the host, as administrator. Throws for a code other than 0, unless `mayFail`. */
  kubectl(first: KubectlOptions | string, ...rest: readonly string[]): Promise<CommandResult> {
    const [options, args] = typeof first === 'string' ? [{}, [first, ...rest]] : [first, rest];
    const env = {
      ...plainEnvironment,
      KUBECONFIG: this.kubeconfig,
      KUBECACHEDIR: join(this.claim.directory, 'kubectl'),
    };
    return run([this.programs.file('kubectl'), ...args], { ...options, env });
  }

  /** Samples /readyz of one master (default: the first) until `stop()`. */
  apiAvailability(master: Master = this.master, intervalMs = 50): ApiAvailability {
    const sampler = new ApiAvailability(master.api, intervalMs);
    this.samplers.push(sampler);
    return sampler;
  }

  /** Until every master that has power answers /readyz with 200. Returns `Date.now()` of that moment. */
  async waitForReady(timeoutMs = 120_000): Promise<number> {
    const probes = this.masters
      .filter((master) => master.isOn)
      .map((master) => new ReadinessProbe(master.api));
    try {
      return await this.waitUntil('the API is ready', timeoutMs, async () => {
        const ready = await Promise.all(probes.map((probe) => probe.isReady()));
        return ready.every((answer) => answer) && Date.now();
      });
    } finally {
      await Promise.all(probes.map((probe) => probe.close()));
    }
  }

  /**
   * Makes the control plane self-hosted: the nodes get the masters' label, so that the DaemonSets' pods
   * come; the static pods go as soon as every one of those has its sandbox. The kubelet makes it when the
   * pod's Secrets are on disk (later they could not be fetched any more), and the sooner the ports are
   * free, the fewer pods sit in a crash back-off. Ends when the API is ready from the DaemonSets' pods.
   */
  async pivot(timeoutMs = 180_000): Promise<void> {
    const names = this.masters.map(({ name }) => name);
    await this.kubectl('label', 'node', ...names, `${masterLabel}=`, '--overwrite');
    await this.waitUntil('every DaemonSet pod has its sandbox', timeoutMs, async () => {
      for (const master of this.masters) {
        const own = (await master.pods()).filter(({ source }) => source === 'api');
        if (!components.every((name) => own.some(({ labels }) => labels['k8s-app'] === name))) return false;
      }
      return true;
    });
    this.log("pivot: the DaemonSets' pods have their volumes, removing the static pods");
    for (const master of this.masters) {
      for (const component of components) await rm(master.path(bootstrapManifest(component)));
      const ending = (await master.pods()).filter(({ source }) => source === 'file');
      const containers = ending.flatMap((pod) => pod.containers).filter(({ state }) => state === 'running');
      // The kubelet ends them as well, but politely, and each second more is one more crash of a
      // DaemonSet's pod on a port that is still bound.
      await Promise.all(
        containers.map(({ id }) =>
          master.exec(['ctr', '-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', id], { mayFail: true }),
        ),
      );
    }
    await this.waitUntil('the static pods are gone', timeoutMs, async () => {
      const pods = (await Promise.all(this.masters.map((master) => master.pods()))).flat();
      return !pods.some(({ source, ready }) => source === 'file' && ready);
    });
    // Nothing of the self-hosted control plane may depend on what only the bootstrap needed.
    for (const master of this.masters) await rm(master.path(bootstrapDirectory), { recursive: true });
    await this.waitForReady(timeoutMs);
    this.log('pivot: the API is ready from its own pods');
    await this.waitForPods('tier=control-plane,k8s-app', this.masters.length * components.length, timeoutMs);
    this.log('pivot: all pods are ready');
  }

  /** Until exactly `count` pods of kube-system match the selector, all of them Ready. */
  async waitForPods(selector: string, count: number, timeoutMs = 120_000): Promise<void> {
    await this.waitUntil(`${count} pods of ${selector} are ready`, timeoutMs, async () => {
      const { stdout } = await this.kubectl('-n', 'kube-system', 'get', 'pods', '-l', selector, '-ojson');
      const { items } = JSON.parse(stdout) as V1PodList;
      const conditions = items.map(({ status }) => status?.conditions ?? []);
      const areReady = conditions.map((all) => all.some((c) => c.type === 'Ready' && c.status === 'True'));
      if (items.length === count && areReady.every((ready) => ready)) return true;
      // What waited in vain says what it saw.
      const seen = items.map(({ metadata, status }) => {
        const { name, creationTimestamp: created, deletionTimestamp: deleted } = metadata ?? {};
        return `${name}: ${JSON.stringify({ created, deleted, status })}`;
      });
      throw new Error([`${items.length} pods`, ...seen].join('\n'));
    });
  }

  /** As the library's `waitUntil`, with the masters' logs as evidence. */
  waitUntil<T>(
    what: string,
    timeoutMs: number,
    condition: () => Promise<T | undefined | false>,
    intervalMs = 50,
  ): Promise<T> {
    const evidence = async (): Promise<string> =>
      (await Promise.all(this.masters.map((master) => master.evidence()))).join('\n');
    return waitUntil(what, condition, { timeoutMs, intervalMs, evidence });
  }

  /** Ends everything and removes it: processes, mounts, links, cgroups, data. */
  async close(): Promise<void> {
    await Promise.all(this.samplers.map((sampler) => sampler.stop()));
    for (const master of this.masters) await master.powerOff();
    await this.claim.release();
  }

  /** The administrator's kubeconfig, on the host. */
  static async writeKubeconfig(claim: Claim, text: string): Promise<string> {
    const path = join(claim.directory, 'admin.conf');
    await writeFile(path, text, { mode: 0o600 });
    return path;
  }
}
