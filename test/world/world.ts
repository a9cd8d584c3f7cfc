// Model: the whole world: nodes with power and disks, one etcd, one API, the controllers. advance(nowMs) is the only
// way time passes; the simulation calls it with a virtual clock, the embedded world with the real one.

import { Availability } from './availability.ts';
import { ControllersModel } from './controllers-model.ts';
import { type Delays, REAL_DELAYS } from './delays.ts';
import { KUBELET_1_37, type KubeletHabits } from './kubelet-habits.ts';
import { NodeModel } from './node-model.ts';
import { ObjectStore } from './object-store.ts';
import { type Random, seededRandom } from './random.ts';
import { Schedule } from './schedule.ts';
import { type HostPaths, MemoryFiles, type StaticPodFiles } from './static-pod-files.ts';
import { Story } from './story.ts';

export interface WorldOptions {
  readonly seed: number;
  /** The epoch in milliseconds at which the world begins. */
  readonly nowMs: number;
  readonly nodes?: readonly string[];
  readonly delays?: Delays;
  readonly kubelet?: KubeletHabits;
  /** Defaults: files in memory, and every host path a directory. */
  readonly files?: (node: string) => StaticPodFiles;
  readonly paths?: HostPaths;
}

export class World {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly delays: Delays;
  readonly story: Story;
  readonly store = new ObjectStore();
  readonly availability: Availability;
  readonly nodes: readonly NodeModel[];
  private readonly controllers: ControllersModel;
  private readonly listeners = new Set<() => void>();
  private dirty = false;
  private frozen = false;

  constructor(options: WorldOptions) {
    this.schedule = new Schedule(options.nowMs);
    this.random = seededRandom(options.seed);
    this.delays = options.delays ?? REAL_DELAYS;
    this.story = new Story(() => this.schedule.nowMs);
    const hosts: NodeModel[] = [];
    this.availability = new Availability(hosts, this.schedule, this.delays, {
      leaderChanged: () => this.controllers.poke(),
      changed: () => this.touch(),
    });
    for (const name of options.nodes ?? ['n1']) {
      const node = new NodeModel({
        name,
        world: this,
        files: options.files?.(name) ?? new MemoryFiles(),
        paths: options.paths ?? { kind: () => 'directory' },
        habits: options.kubelet ?? KUBELET_1_37,
      });
      hosts.push(node);
    }
    this.nodes = hosts;
    this.controllers = new ControllersModel(this);
    this.store.onChange(() => this.touch());
  }

  get nowMs(): number {
    return this.schedule.nowMs;
  }

  node(name = 'n1'): NodeModel {
    const node = this.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`no node ${name} in this world`);
    return node;
  }

  /** Lets time pass until `nowMs`; afterwards everybody who asked hears of it once. */
  advance(nowMs: number): void {
    this.schedule.advance(nowMs);
    for (const listener of this.listeners) listener();
  }

  /** Something that decides who serves has changed: worked out anew at this same instant, once. */
  touch(): void {
    if (this.dirty) return;
    this.dirty = true;
    this.schedule.after(0, () => {
      this.dirty = false;
      this.settle();
    });
  }

  /** Called after each advance(): front ends bring their sockets in line with the model. */
  onAdvance(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private settle(): void {
    const before = this.availability.apiServing;
    this.availability.settle();
    if (before !== this.availability.apiServing) {
      this.story.tell('api', this.availability.apiServing ? 'serves' : 'is away');
      this.controllers.poke();
    }
    // What an apiserver that was stopped kept to itself, the controllers hear when it goes on.
    const { frozen } = this.availability.faults;
    if (this.frozen && !frozen) this.controllers.poke();
    this.frozen = frozen;
    for (const node of this.nodes) node.kubelet?.apiMayHaveChanged();
  }
}
