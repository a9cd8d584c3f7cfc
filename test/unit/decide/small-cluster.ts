// A self-hosted master around a scene, small enough to read: the API serves while some apiserver runs, the kubelet
// starts pods and makes crash loops wait, a controller replaces pods while the API and a controller-manager work.
// Known simplifications: one node, no scheduler, a port belongs to who had it first.

import type { WorkloadKey } from '../../../lib/types/workload.ts';
import type { LivingParent } from './living-parent.ts';
import { APISERVER, MANAGER, type PodState } from './pods.ts';
import type { Scene } from './scene.ts';

const SANDBOX_AFTER_MS = 400;
const CONTAINER_AFTER_MS = 300;
const CRASH_AFTER_MS = 1_000;
const READY_AFTER_MS = 2_000;
const LEASE_LOST_AFTER_MS = 5_000;
const CONTROLLER_AFTER_MS = 500;
const BACK_OFF_MS = 10_000;
const BACK_OFF_MS_MAX = 300_000;

interface Life {
  /** How long it has been in its present state. */
  sinceMs: number;
  crashes: number;
}

export class SmallCluster {
  readonly scene: Scene;
  /** Contents that crash, each after so many milliseconds. */
  readonly bad = new Map<string, number>([['bad', CRASH_AFTER_MS]]);
  readonly #template = new Map<WorkloadKey, string>();
  readonly #lives = new Map<string, Life>();
  #apiAwayMs = 0;
  #controllerMs = 0;
  /** How long the API was away in each of its absences. */
  readonly outagesMs: number[] = [];

  constructor(scene: Scene) {
    this.scene = scene;
    for (const { parent, traits } of scene.parents) {
      this.#template.set(parent.workload, traits.content);
      this.#lives.set(parent.uid, { sinceMs: 1e9, crashes: 0 });
    }
    scene.onPass = (stepMs) => this.#step(stepMs);
    scene.onRestart = (living) => {
      living.state = 'emptied';
      this.#life(living.parent.uid).sinceMs = 0;
    };
  }

  /** Changes the workload's template: its controller deletes the old pod and makes a new one. */
  update(key: WorkloadKey, content: string): void {
    this.#template.set(key, content);
  }

  powerLoss(): void {
    this.scene.powerLoss();
    this.#lives.clear();
    // Right after a boot the kubelet rejects pods whose node labels it does not know yet.
    for (const living of this.scene.parents) living.parent = { ...living.parent, finished: true };
  }

  #step(stepMs: number): void {
    for (const life of this.#lives.values()) life.sinceMs += stepMs;
    for (const living of this.scene.parents) this.#kubelet(living);
    this.#checkpointsAge();
    this.#api(stepMs);
    if (this.scene.api.name === 'serving') {
      this.#statuses();
      this.#controller(stepMs);
    }
  }

  #life(uid: string): Life {
    const life = this.#lives.get(uid) ?? { sinceMs: 0, crashes: 0 };
    this.#lives.set(uid, life);
    return life;
  }

  #checkpointsAge(): void {
    for (const { uid } of this.scene.checkpoints.values()) this.#life(uid);
  }

  #kubelet(living: LivingParent): void {
    const next = this.#next(living, this.#life(living.parent.uid));
    if (next === undefined) return;
    const life = this.#life(living.parent.uid);
    life.sinceMs = 0;
    if (next === 'crashed') life.crashes += 1;
    if (living.state === 'crashed') living.restarts += 1;
    living.state = next;
  }

  #next(living: LivingParent, life: Life): PodState | undefined {
    if (living.parent.finished) return undefined;
    switch (living.state) {
      case 'absent':
      case 'emptied':
        return life.sinceMs >= SANDBOX_AFTER_MS ? 'starting' : undefined;
      case 'starting':
        return life.sinceMs >= CONTAINER_AFTER_MS ? 'running' : undefined;
      case 'running':
        return this.#dies(living, life) ? 'crashed' : undefined;
      case 'crashed':
        return life.sinceMs >= backOffMs(life.crashes) ? 'running' : undefined;
      default:
        return undefined;
    }
  }

  #dies({ parent, traits }: LivingParent, { sinceMs }: Life): boolean {
    const port = this.scene.checkpoints.get(parent.workload);
    const taken = port !== undefined && this.#life(port.uid).sinceMs > sinceMs && traits.network === 'host';
    if (taken && !traits.overlap && sinceMs >= CRASH_AFTER_MS) return true;
    if (parent.workload !== APISERVER && this.#apiAwayMs >= LEASE_LOST_AFTER_MS) return true;
    const crashAfterMs = this.bad.get(traits.content);
    return crashAfterMs !== undefined && sinceMs >= crashAfterMs;
  }

  #serves(key: WorkloadKey): boolean {
    const checkpoint = this.scene.checkpoints.get(key);
    if (checkpoint?.state === 'running' && this.#life(checkpoint.uid).sinceMs >= READY_AFTER_MS) return true;
    return this.scene.parents.some(
      (living) =>
        living.parent.workload === key &&
        living.state === 'running' &&
        !(this.bad.get(living.traits.content) === CRASH_AFTER_MS) &&
        this.#life(living.parent.uid).sinceMs >= READY_AFTER_MS,
    );
  }

  #api(stepMs: number): void {
    if (this.#serves(APISERVER)) {
      if (this.#apiAwayMs > 0) this.outagesMs.push(this.#apiAwayMs);
      this.#apiAwayMs = 0;
      this.scene.apiServes();
      return;
    }
    this.#apiAwayMs += stepMs;
    const { api } = this.scene;
    this.scene.apiAway(api.name === 'away' ? api.failedProbes + 1 : 1);
  }

  /** What the kubelet tells the API, and what the pods' own probes answer. */
  #statuses(): void {
    for (const { parent, state } of this.scene.parents) {
      const ready = state === 'running' && this.#life(parent.uid).sinceMs >= READY_AFTER_MS;
      this.scene.probes.delete(parent.uid);
      if (this.scene.phase(parent.workload) === 'handover') {
        this.scene.probes.set(parent.uid, { known: true, value: ready });
      }
      if (!parent.finished) this.#setReady(parent.uid, ready);
    }
  }

  #setReady(uid: string, ready: boolean): void {
    for (const living of this.scene.parents) {
      if (living.parent.uid === uid) living.parent = { ...living.parent, ready };
    }
  }

  #controller(stepMs: number): void {
    const managed = this.#template.has(MANAGER);
    this.#controllerMs = !managed || this.#serves(MANAGER) ? this.#controllerMs + stepMs : 0;
    if (this.#controllerMs < CONTROLLER_AFTER_MS) return;
    this.#controllerMs = 0;
    for (const [key, content] of this.#template) {
      const own = this.scene.parents.filter(({ parent }) => parent.workload === key);
      const wrong = own.find(({ parent, traits }) => parent.finished || traits.content !== content);
      if (wrong !== undefined) this.scene.parents.splice(this.scene.parents.indexOf(wrong), 1);
      else if (own.length === 0) this.scene.addParent(key, { content });
      this.scene.wanted.set(key, { known: true, value: 'wanted' });
    }
  }
}

function backOffMs(crashes: number): number {
  return crashes <= 1 ? 200 : Math.min(BACK_OFF_MS * 2 ** (crashes - 2), BACK_OFF_MS_MAX);
}
