// One master: a machine with containerd and kubelet, and a person's hands on its power switch. Its disk
// survives `powerOff`; everything in /run, every process and every mount does not.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ApiEndpoint } from './api-availability.ts';
import type { Claim } from './claim.ts';
import type { CommandOptions, CommandResult } from './command.ts';
import type { Image } from './image-archive.ts';
import { Machine, persistentPaths } from './machine.ts';
import type { MachineProcess } from './machine-process.ts';
import { connect, disconnect, type NodeAddress } from './network.ts';
import { createNodeCgroup, removeNodeCgroup } from './node-cgroup.ts';
import { containerdSocket, kubeletCommand, type NodeSetup } from './node-files.ts';
import { nodeEvidence } from './node-logs.ts';
import { type NodePod, RuntimeConnection } from './runtime.ts';
import { waitUntil } from './wait-until.ts';

export interface MasterWiring {
  readonly claim: Claim;
  readonly setup: NodeSetup;
  readonly nodes: readonly NodeAddress[];
  /** PATH of the node: its kubelet, containerd and shim are there. */
  readonly path: string;
  readonly api: ApiEndpoint;
}

export interface PowerOnOptions {
  /** Run one after another like a oneshot unit ordered after containerd and before the kubelet. */
  readonly beforeKubelet?: readonly (readonly string[])[];
}

export interface PowerOnReport {
  /** `Date.now()` when the machine had its kernel and its disk, and nothing ran yet. */
  readonly startedAt: number;
  readonly kubeletStartedAt: number;
  readonly bootId: string;
  /** A command that failed does not keep the kubelet from starting, as with a unit. */
  readonly beforeKubelet: readonly CommandResult[];
}

export class Master {
  readonly name: string;
  readonly ip: string;
  readonly api: ApiEndpoint;
  /** On the node: its boot id, another one at each power on. (/proc in a container shows the host's.) */
  readonly bootIdFile = '/run/boot_id';
  readonly kubeletLog: string;
  readonly containerdLog: string;
  private readonly wiring: MasterWiring;
  private readonly machine: Machine;
  /** The host directory that holds the persistent paths of the node. */
  readonly disk: string;
  private kubelet: MachineProcess | undefined;
  private containerd: MachineProcess | undefined;
  private runtime: RuntimeConnection | undefined;

  constructor(wiring: MasterWiring) {
    this.wiring = wiring;
    this.name = wiring.setup.name;
    this.ip = wiring.setup.address.ip;
    this.api = wiring.api;
    const directory = join(wiring.claim.directory, this.name);
    this.machine = new Machine(this.name, directory, wiring.claim.processesFile, wiring.path);
    this.disk = join(directory, 'disk');
    this.kubeletLog = join(directory, 'kubelet.log');
    this.containerdLog = join(directory, 'containerd.log');
  }

  get isOn(): boolean {
    return this.machine.isOn;
  }

  /** Machine, containerd, the given commands, kubelet. Returns when the kubelet has been started. */
  async powerOn(options: PowerOnOptions = {}): Promise<PowerOnReport> {
    await createNodeCgroup(this.wiring.setup.cgroup);
    const bootId = await this.machine.switchOn();
    await connect(this.wiring.claim, this.machine, this.wiring.setup.address, this.wiring.nodes);
    const startedAt = Date.now();
    await this.startContainerd();
    const beforeKubelet: CommandResult[] = [];
    for (const argv of options.beforeKubelet ?? []) {
      beforeKubelet.push(await this.exec(argv, { mayFail: true }));
    }
    await this.startKubelet();
    return { startedAt, kubeletStartedAt: Date.now(), bootId, beforeKubelet };
  }

  /** Power loss: every process of the node at one instant. */
  async powerOff(): Promise<void> {
    if (!this.isOn) return;
    await this.machine.powerOff();
    // Dead already; nothing starts it again.
    await this.kubelet?.kill();
    await disconnect(this.wiring.claim, this.wiring.setup.address);
    this.runtime?.close();
    this.runtime = undefined;
    this.kubelet = undefined;
    this.containerd = undefined;
    await removeNodeCgroup(this.wiring.setup.cgroup);
  }

  /**
   * As kubeadm's unit does (Restart=always, RestartSec=10): a kubelet that has reached an API, and then has none
   * for 140 s, ends itself ("Failed to initialize CSINode").
   */
  async startKubelet(): Promise<void> {
    if (this.kubelet?.running) throw new Error(`the kubelet of ${this.name} runs already`);
    const command = kubeletCommand(this.wiring.setup);
    this.kubelet = await this.machine.start(command, this.kubeletLog, { restartMs: 10_000 });
  }

  /** SIGKILL, until `startKubelet`; the containers run on. */
  async killKubelet(): Promise<void> {
    await this.kubelet?.kill();
  }

  /** Returns when it answers: a kubelet that starts before would give up. */
  async startContainerd(): Promise<void> {
    if (this.containerd?.running) throw new Error(`containerd of ${this.name} runs already`);
    const containerd = await this.machine.start(['containerd'], this.containerdLog);
    this.containerd = containerd;
    await this.waitUntil('containerd answers', async () => {
      if (!containerd.running) throw new Error('containerd ended');
      return existsSync(this.hostPath(containerdSocket)) && (await this.pods()).length >= 0;
    });
  }

  /** SIGKILL; shims and containers run on. */
  async killContainerd(): Promise<void> {
    await this.containerd?.kill();
  }

  /** Runs a command in all of the node's namespaces. Throws for a code other than 0, unless `mayFail`. */
  exec(argv: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return this.machine.exec(argv, options);
  }

  /** Starts a daemon on the node, as a unit would; what it writes goes to the end of `logFile` (on the host). */
  start(argv: readonly string[], logFile: string): Promise<MachineProcess> {
    return this.machine.start(argv, logFile);
  }

  /** Where a persistent path of the node is on the host. It is there without power, too. */
  path(nodePath: string): string {
    if (!persistentPaths.some((prefix) => nodePath === prefix || nodePath.startsWith(`${prefix}/`))) {
      throw new Error(`${nodePath} is not on the disk of ${this.name}: ${persistentPaths.join(', ')} are`);
    }
    return join(this.disk, nodePath);
  }

  /** Where any path of the node is on the host while it has power: /run/..., sockets. */
  hostPath(nodePath: string): string {
    return join(`/proc/${this.machine.pid}/root`, nodePath);
  }

  /** All pod sandboxes that containerd knows, ended ones too, with their containers. */
  pods(): Promise<NodePod[]> {
    this.runtime ??= new RuntimeConnection(this.hostPath(containerdSocket));
    return this.runtime.pods();
  }

  async importImage(image: Image): Promise<void> {
    await this.exec(importCommand(image));
  }

  evidence(): Promise<string> {
    return nodeEvidence(this.name, [this.containerdLog, this.kubeletLog], this.path('/var/log/pods'));
  }

  private waitUntil(what: string, condition: () => Promise<boolean>): Promise<boolean> {
    return waitUntil(`on ${this.name} ${what}`, condition, {
      timeoutMs: 30_000,
      intervalMs: 20,
      evidence: () => this.evidence(),
    });
  }
}

export function importCommand(image: Image): string[] {
  return ['ctr', '--namespace', 'k8s.io', 'images', 'import', image.archive];
}
