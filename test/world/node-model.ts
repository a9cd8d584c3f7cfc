// Model: one machine. A power loss takes everything but the disk: static pod files, container records and images,
// etcd's data (in the world's store) and whatever the agent wrote. A kubelet that dies leaves containers running.

import type { V1Pod } from '@kubernetes/client-node';
import { HostProcesses } from './host-processes.ts';
import type { KubeletHabits } from './kubelet-habits.ts';
import { KubeletModel } from './kubelet-model.ts';
import { programOf } from './programs.ts';
import { RuntimeModel } from './runtime-model.ts';
import type { HostPaths, StaticPodFiles } from './static-pod-files.ts';
import type { World } from './world.ts';

interface NodeOptions {
  readonly name: string;
  readonly world: World;
  readonly files: StaticPodFiles;
  readonly paths: HostPaths;
  readonly habits: KubeletHabits;
}

export class NodeModel {
  readonly name: string;
  readonly files: StaticPodFiles;
  readonly processes: HostProcesses;
  readonly runtime: RuntimeModel;
  kubelet: KubeletModel | undefined;
  bootId: string;
  powered = false;
  private readonly options: NodeOptions;
  private power = { alive: false };

  constructor(options: NodeOptions) {
    const { world } = options;
    this.options = options;
    this.name = options.name;
    this.files = options.files;
    this.bootId = world.random.uuid();
    this.processes = new HostProcesses(world.schedule, () => world.touch());
    this.runtime = new RuntimeModel(world.schedule, world.random, this.processes);
    this.files.onChange((file) => this.kubelet?.fileChanged(file));
  }

  /** Runtime and kubelet start by themselves, as their units do. */
  powerOn(): void {
    if (this.powered) return;
    const { world } = this.options;
    this.powered = true;
    this.power = { alive: true };
    this.bootId = world.random.uuid();
    world.story.tell(this.name, 'power on');
    world.schedule.after(world.delays.runtimeStart, () => this.startRuntime(), this.power);
    world.schedule.after(world.delays.kubeletStart, () => this.startKubelet(), this.power);
  }

  powerOff(): void {
    if (!this.powered) return;
    const { world } = this.options;
    this.powered = false;
    this.power.alive = false;
    this.killKubelet();
    this.processes.vanish();
    this.runtime.powerOff();
    world.story.tell(this.name, 'power off');
    world.touch();
  }

  /** Its socket goes away; containers run on (their shims are processes of their own). */
  stopRuntime(): void {
    this.runtime.up = false;
    this.options.world.story.tell(this.name, 'runtime stopped');
  }

  startRuntime(): void {
    this.runtime.up = true;
  }

  killKubelet(): void {
    this.kubelet?.kill();
    this.kubelet = undefined;
  }

  /** It could not publish its CSINode; its unit starts it again (Restart=always). */
  private kubeletGaveUp(): void {
    const { world } = this.options;
    world.story.tell(`${this.name}/kubelet`, 'gives up: no API to publish its CSINode');
    this.killKubelet();
    world.schedule.after(world.delays.kubeletRestart, () => this.startKubelet(), this.power);
  }

  startKubelet(): void {
    if (!this.powered || this.kubelet !== undefined) return;
    const { world, files, paths, habits, name } = this.options;
    const around = {
      node: name,
      files,
      paths,
      habits,
      runtime: this.runtime,
      store: world.store,
      availability: world.availability,
      schedule: world.schedule,
      delays: world.delays,
      random: world.random,
      story: world.story,
    };
    this.kubelet = new KubeletModel(around, () => this.kubeletGaveUp());
  }

  /** The way to the API's endpoint: packets are dropped, so clients meet timeouts and not refusals. */
  cutNetwork(cut: boolean): void {
    const { world } = this.options;
    if (cut) world.availability.faults.cut.add(this.name);
    else world.availability.faults.cut.delete(this.name);
    world.story.tell(this.name, cut ? 'network cut' : 'network back');
    world.touch();
  }

  /** The world's beginning: the machine is up and these pods of the API have been running for long. */
  beginRunning(pods: readonly V1Pod[]): void {
    const { world } = this.options;
    this.powered = true;
    this.power = { alive: true };
    this.runtime.up = true;
    for (const pod of pods) {
      const sandbox = this.runtime.runSandbox(pod, 'api');
      for (const spec of pod.spec?.containers ?? []) {
        const container = this.runtime.createContainer(pod, sandbox, spec);
        this.runtime.startContainer(container, programOf(pod, spec, 'main', world.delays), true);
      }
    }
    this.startKubelet();
  }
}
