// A node told in a few words: which parents there are, what runs, what the API says, what is stored. `run` makes passes
// of the state machine, carries its actions out on this little world, and keeps what happened as a story.
// A manifest that is placed runs as a pod one pass later, and its pod is gone one pass after it was taken away.

import { type Change, decide, remember } from '../../../lib/decide/decide.ts';
import type { Action } from '../../../lib/types/action.ts';
import type { CompileResult, RevisionId } from '../../../lib/types/checkpoint.ts';
import type { Memory, Phase, WorkloadMemory } from '../../../lib/types/memory.ts';
import type { ApiState, Observation, Parent, RuntimePod, Wanted } from '../../../lib/types/observation.ts';
import { known, type Observed, unknown } from '../../../lib/types/observed.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../../lib/types/settings.ts';
import type { WorkloadKey } from '../../../lib/types/workload.ts';
import { Disk } from './disk.ts';
import { type LivingParent, podOf, sandboxOf } from './living-parent.ts';
import {
  compiledAs,
  IMAGE,
  ORDINARY,
  type ParentTraits,
  type PodState,
  PROXY,
  parentOf,
  podName,
  revision,
  runtimePod,
} from './pods.ts';

export interface Pass {
  readonly atMs: number;
  readonly observation: Observation;
  readonly before: Memory;
  readonly memory: Memory;
  readonly changes: readonly Change[];
  readonly actions: readonly Action[];
}

export class Scene {
  readonly settings: Settings;
  readonly disk = new Disk();
  memory: Memory = { workloads: new Map(), apiAwayMs: 0, apiServingMs: 0 };
  api: ApiState = { name: 'serving' };
  bootId: Observed<string> = known('boot-1');
  nodeUid = 'node-1';
  images: ReadonlySet<string> = new Set([IMAGE]);
  runtimeAnswers = true;
  directoryReadable = true;
  /** Set where the kubelet's endpoint is an address of this node. */
  apiPortHere: number | undefined;
  /** The kubelet does not start what is placed. */
  kubeletHeldUp = false;
  wallClockMs = 1_000_000;
  nowMs = 0;
  /** What the API said of the parents last; a test may let it say something more with its port closed. */
  lastWord: readonly Parent[] = [];
  /** The API serves, and has not listed its pods yet. */
  podsListed = true;
  /** Nor has it said what the Node is. */
  nodeRead = true;
  readonly parents: LivingParent[] = [];
  readonly probes = new Map<string, Observed<boolean>>();
  readonly wanted = new Map<WorkloadKey, Observed<Wanted>>();
  /** Where set, what the compiler answers instead. */
  readonly compiled = new Map<WorkloadKey, CompileResult>();
  /** What the kubelet has made of the static pod directory; a test may say how it runs. */
  readonly checkpoints = new Map<WorkloadKey, { revision: RevisionId; uid: string; state: PodState }>();
  /** Pods of the runtime that are no parents by the API's word. */
  readonly strangers: RuntimePod[] = [];
  /** The kubelet makes containers of the API's pods: that of a pod of no workload here, at this very moment. */
  kubeletStarts = true;
  readonly passes: Pass[] = [];
  /** What the rest of the world does before each pass. */
  onPass: ((stepMs: number) => void) | undefined;
  /** What it makes of a parent whose ended containers are gone: nothing, where it has seen them end. */
  onEmptied: (living: LivingParent) => void = (living) => {
    living.state = 'starting';
  };
  /** What it makes of one whose sandbox was ended, too: a new one is to come. */
  onRestart: (living: LivingParent) => void = (living) => {
    living.state = 'emptied';
    living.sandboxes += 1;
  };
  #uids = 0;
  readonly #seen = new Map<LivingParent, PodState>();

  constructor(settings: Partial<Settings> = {}) {
    this.settings = { ...DEFAULT_SETTINGS, ...settings };
  }

  /** A workload at peace: its parent has served for long and its content is proven. */
  with(key: WorkloadKey, traits: Partial<ParentTraits> = {}): this {
    const { parent, traits: all } = this.addParent(key, traits, 'running');
    const id = revision(all.content);
    const { namespace, name, uid, controller, options } = parent;
    this.disk.revisions.set(key, [id]);
    this.disk.records.set(key, {
      phase: { name: 'standby' },
      options,
      proven: { revision: id, atMs: 0 },
      parent: { namespace, name, uid, ...(controller === undefined ? {} : { controller }) },
      failedHandovers: 0,
      nodeUid: this.nodeUid,
    });
    return this.restart();
  }

  addParent(key: WorkloadKey, traits: Partial<ParentTraits> = {}, state: PodState = 'absent'): LivingParent {
    this.#uids += 1;
    const all = { ...ORDINARY, ...traits };
    const living: LivingParent = {
      parent: parentOf(key, `parent-${this.#uids}`, this.#uids, all),
      traits: all,
      state,
      restarts: 0,
      sandboxes: 0,
    };
    this.parents.push(living);
    return living;
  }

  /** The newest parent of the workload. */
  parent(key: WorkloadKey): LivingParent {
    const found = this.parents.filter(({ parent }) => parent.workload === key).at(-1);
    if (found === undefined) throw new Error(`${key} has no parent`);
    return found;
  }

  /** A pod of the workload's controller that does not ask to be checkpointed. */
  stranger(key: WorkloadKey, state: PodState): RuntimePod {
    this.#uids += 1;
    const name = podName(key, this.#uids);
    return { ...runtimePod(key, name, `stranger-${this.#uids}`, state, 0), annotations: {} };
  }

  removeParent(key: WorkloadKey): void {
    this.parents.splice(this.parents.indexOf(this.parent(key)), 1);
  }

  /** A new pod of the workload in the old one's place, as a controller makes it. */
  replaceParent(
    key: WorkloadKey,
    traits: Partial<ParentTraits> = {},
    state: PodState = 'absent',
  ): LivingParent {
    const old = this.parent(key);
    this.removeParent(key);
    return this.addParent(key, { ...old.traits, ...traits }, state);
  }

  setReady(key: WorkloadKey, ready: boolean): void {
    const living = this.parent(key);
    living.parent = { ...living.parent, ready };
  }

  /** The whole cluster's power: nothing runs, the agent starts anew, manifests in the directory will be started. */
  powerLoss(): this {
    this.#uids += 1;
    this.bootId = known(`boot-${this.#uids}`);
    for (const living of this.parents) living.state = 'absent';
    this.checkpoints.clear();
    return this.apiAway(1).restart();
  }

  /** The agent's process starts anew, with what the disk remembers. */
  restart(): this {
    this.memory = remember(this.disk.stored(), this.disk.node);
    this.lastWord = [];
    return this;
  }

  apiAway(failedProbes = 10): this {
    this.api = { name: 'away', cause: 'refused', detail: 'nobody listens', failedProbes };
    return this;
  }

  apiServes(): this {
    this.api = { name: 'serving' };
    return this;
  }

  /** Makes passes for so long; the clock goes on by `stepMs` before each. */
  run(ms: number, stepMs = 100): this {
    for (let passed = 0; passed < ms; passed += stepMs) this.pass(stepMs);
    return this;
  }

  pass(stepMs = 100): Pass {
    this.nowMs += stepMs;
    this.wallClockMs += stepMs;
    this.onPass?.(stepMs);
    const observation = this.observe(stepMs);
    const before = this.memory;
    const { memory, actions, changes } = decide(observation, before, this.settings);
    this.memory = memory;
    const pass = { atMs: this.nowMs, observation, before, memory, changes, actions };
    this.passes.push(pass);
    this.#kubeletFollows();
    for (const action of actions) this.#carryOut(action);
    return pass;
  }

  observe(sinceLastPassMs: number): Observation {
    const serving = this.api.name === 'serving';
    if (serving && this.podsListed) this.lastWord = this.parents.map(({ parent }) => parent);
    const silent = unknown('the API does not answer');
    const compiled = this.parents.map(
      ({ parent, traits }) => [parent.workload, compiledAs(parent.workload, traits)] as const,
    );
    return {
      sinceLastPassMs,
      wallClockMs: this.wallClockMs,
      bootId: this.bootId,
      api: this.api,
      ...(this.apiPortHere === undefined ? {} : { apiPortHere: this.apiPortHere }),
      node: serving && this.nodeRead ? known({ name: 'm1', uid: this.nodeUid, labels: {} }) : silent,
      parents: serving && this.podsListed ? known(this.lastWord) : silent,
      lastParents: this.lastWord,
      compiled: new Map(serving ? [...compiled, ...this.compiled] : []),
      runtime: this.runtimeAnswers
        ? known({ pods: this.#pods(), images: this.images })
        : unknown('no answer'),
      probes: new Map(this.probes),
      wanted: new Map(serving ? this.wanted : []),
      directory: this.directoryReadable
        ? known({
            ours: [...this.disk.placed].map(([workload, m]) => ({
              workload,
              ...m,
              file: `/static/${m.uid}`,
            })),
            broken: [],
          })
        : unknown('cannot be read'),
      stored: this.disk.stored(),
      storedNode: this.disk.node,
    };
  }

  phase(key: WorkloadKey): Phase['name'] | 'gone' {
    return this.workload(key)?.phase.name ?? 'gone';
  }

  workload(key: WorkloadKey): WorkloadMemory | undefined {
    return this.memory.workloads.get(key);
  }

  #pods(): RuntimePod[] {
    const parents = this.parents.map((living) => {
      this.#age(living);
      return podOf(living);
    });
    const checkpoints = [...this.checkpoints].map(([key, { revision: id, uid, state }]) =>
      runtimePod(key, `${podName(key, 0)}-m1`, uid, state, 0, id),
    );
    return [...parents, ...checkpoints, ...this.strangers, ...(this.kubeletStarts ? [this.#proxy()] : [])];
  }

  #proxy(): RuntimePod {
    const pod = runtimePod(PROXY, podName(PROXY, 0), 'proxy', 'running', 0);
    return { ...pod, containers: pod.containers.map((c) => ({ ...c, createdAtMs: this.wallClockMs })) };
  }

  /** One that has crashed did so at once: its container is as old as that. */
  #age(living: LivingParent): void {
    const before = this.#seen.get(living);
    this.#seen.set(living, living.state);
    if (before !== undefined && before !== 'crashed' && living.state === 'crashed') {
      living.createdAtMs = this.wallClockMs;
    }
  }

  #kubeletFollows(): void {
    const { placed } = this.disk;
    for (const [key, manifest] of placed) {
      if (this.checkpoints.get(key)?.uid === manifest.uid || this.kubeletHeldUp) continue;
      this.checkpoints.set(key, { ...manifest, state: 'running' });
    }
    for (const key of this.checkpoints.keys()) if (!placed.has(key)) this.checkpoints.delete(key);
  }

  #carryOut(action: Action): void {
    this.disk.carryOut(action);
    for (const living of this.parents) {
      if (action.type === 'hurry-parent' && sandboxOf(living) === action.sandboxId) living.state = 'absent';
      // Its sandbox stays.
      const its = (id: string): boolean => id.startsWith(`${living.parent.uid}-`);
      if (action.type === 'restart-server' && action.containers.some(its)) living.state = 'starting';
    }
    if (action.type !== 'restart-parent') return;
    const living = this.parents.find(({ parent }) => parent.uid === action.uid);
    if (living === undefined) return;
    if (living.state === 'absent') living.state = 'emptied';
    else if (action.sandboxId === undefined) this.onEmptied(living);
    else this.onRestart(living);
  }
}
