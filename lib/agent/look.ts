// Takes one look at the world: asks every source, in parallel, only what this pass needs.

import type { V1Pod } from '@kubernetes/client-node';
import { isParent, toParent } from '../compile/parent.ts';
import { liveParent } from '../decide/facts.ts';
import { isUp, runState } from '../decide/run-state.ts';
import type { Memory } from '../types/memory.ts';
import type { ApiState, Observation, Parent, RuntimeView, Wanted } from '../types/observation.ts';
import { known, type Observed, unknown } from '../types/observed.ts';
import type { StoreReader } from '../types/store.ts';
import { ANNOTATION_OF, type WorkloadKey } from '../types/workload.ts';
import { Answers } from './answers.ts';
import type { Captures } from './captures.ts';
import { ContainerAges } from './container-ages.ts';
import type { Sources } from './sources.ts';

/** An answer about a controller holds for this long, so that a pass every 50 ms does not ask twenty times a second. */
const WANTED_FRESH_MS = 2_000;

/** What cannot be asked (no service account, a kind nobody knows) is no reason to ask every two seconds for ever. */
const WANTED_FRESH_MS_MAX = 60_000;

const PROBE_FRESH_MS = 250;

/** Asked at once when a workload stops, then ever less often while it stays down and the API answers. */
const DOUBT_FRESH_MS = 2_000;
const DOUBT_FRESH_MS_MAX = 60_000;
const DOUBT_TIMEOUT_MS = 1_500;

/** An apiserver that was told to end may close its port at any moment, and everybody waits from then on. */
const LEAVING_FRESH_MS = 250;
const LEAVING_FRESH_MS_MAX = 2_000;

/** A pause longer than this (a suspended machine) counts as this much. */
const PASS_MS_MAX = 5_000;

export class Looker {
  readonly #sources: Sources;
  readonly #captures: Captures;
  readonly #nodeName: string;
  readonly #wanted: Answers<Observed<Wanted>>;
  readonly #probes: Answers<Observed<boolean> | undefined>;
  readonly #doubt: Answers<ApiState>;
  readonly #leaving: Answers<ApiState>;
  /** Whether a pod is a parent, and what it says, read once for each version of it. */
  readonly #parents = new WeakMap<V1Pod, { parent: Parent | undefined }>();
  readonly #ages = new ContainerAges();
  #lastPassMs: number | undefined;

  /** `onAnswer`: a question asked beside the passes has another answer; look now. */
  constructor(sources: Sources, captures: Captures, nodeName: string, onAnswer: () => void) {
    const { monotonicMs } = sources;
    this.#wanted = new Answers<Observed<Wanted>>({
      pending: unknown('being asked'),
      freshMs: WANTED_FRESH_MS,
      lasting: (answer) => !answer.known,
      freshMsMax: WANTED_FRESH_MS_MAX,
      monotonicMs,
      onAnswer,
    });
    this.#probes = new Answers<Observed<boolean> | undefined>({
      pending: unknown('its probe is being asked'),
      freshMs: PROBE_FRESH_MS,
      monotonicMs,
      onAnswer,
    });
    const doubts = { pending: { name: 'unasked' }, lasting: isServing, monotonicMs, onAnswer } as const;
    this.#doubt = new Answers<ApiState>({
      ...doubts,
      freshMs: DOUBT_FRESH_MS,
      freshMsMax: DOUBT_FRESH_MS_MAX,
    });
    this.#leaving = new Answers<ApiState>({
      ...doubts,
      freshMs: LEAVING_FRESH_MS,
      freshMsMax: LEAVING_FRESH_MS_MAX,
    });
    this.#sources = sources;
    this.#captures = captures;
    this.#nodeName = nodeName;
  }

  /** `onReading`: what the API, the tokens and earlier questions have to say is read now, all of it at one instant. */
  async look(memory: Memory, store: StoreReader, onReading: () => void): Promise<Observation> {
    const { api, runtime } = this.#sources;
    const askedAtMs = this.#sources.monotonicMs();
    const [bootId, runtimeView, directory] = await Promise.all([
      this.#sources.readBootId(),
      runtime.observe(),
      this.#sources.readStaticPods(),
    ]);
    onReading();
    this.#doubtTheApi(memory);
    const pods = api.pods();
    const lastParents = api.lastPods().flatMap((pod) => this.#read(pod) ?? []);
    const parents = pods.known ? known(lastParents) : pods;
    const compiled = parents.known ? this.#captures.compileAll(parents.value) : new Map();
    const nowMs = this.#sources.monotonicMs();
    const wallClockMs = this.#sources.wallClockMs();
    const portHere = api.portHere();
    const sinceLastPassMs = Math.min(nowMs - (this.#lastPassMs ?? nowMs), PASS_MS_MAX);
    this.#lastPassMs = nowMs;
    return {
      sinceLastPassMs,
      wallClockMs,
      bootId,
      api: api.state(),
      ...(portHere === undefined ? {} : { apiPortHere: portHere }),
      node: api.node(),
      parents,
      lastParents,
      compiled,
      runtime: runtimeView.known
        ? known(this.#ages.correct(runtimeView.value, { askedAtMs, nowMs, wallClockMs }))
        : runtimeView,
      probes: this.#probe(memory, lastParents, runtimeView),
      wanted: this.#askWanted(parents, memory),
      directory,
      stored: store.workloads(),
      storedNode: store.node(),
    };
  }

  /**
   * An apiserver whose etcd has just died keeps its watches open and silent for minutes, and one that was told to end
   * keeps them for its grace period: a workload that stopped here, or is to, is the only sign. So that the agent does
   * not go by what was true before, the API is asked then.
   */
  #doubtTheApi({ workloads }: Memory): void {
    const known = [...workloads.values()].filter(({ phase }) => phase.name !== 'held');
    this.#ask(
      this.#doubt,
      known.some(({ stoppedMs }) => stoppedMs > 0),
    );
    this.#ask(
      this.#leaving,
      known.some(({ leavingUid }) => leavingUid !== undefined),
    );
  }

  #ask(doubt: Answers<ApiState>, doubtful: boolean): void {
    const { api } = this.#sources;
    if (!doubtful) doubt.retain(new Set());
    else if (isServing(api.state())) doubt.read('api', () => api.probe(DOUBT_TIMEOUT_MS));
  }

  #read(pod: V1Pod): Parent | undefined {
    let read = this.#parents.get(pod);
    if (read === undefined) {
      read = { parent: isParent(pod, this.#nodeName) ? toParent(pod) : undefined };
      this.#parents.set(pod, read);
    }
    return read.parent;
  }

  /**
   * The pods' own probes say what the API's Ready cannot: during a handover, and while the API is away. What a
   * checkpoint on the same ports answered, or may have answered, is never taken for its parent's word.
   */
  #probe(
    memory: Memory,
    lastParents: readonly Parent[],
    runtime: Observed<RuntimeView>,
  ): Observation['probes'] {
    const probes = new Map<string, Observed<boolean>>();
    const asked = new Set<string>();
    const away = this.#sources.api.state().name !== 'serving';
    for (const { uid, pod, workload } of lastParents) {
      const { phase, options } = memory.workloads.get(workload) ?? {};
      if (phase === undefined || !(away || phase.name === 'handover')) continue;
      if (options?.standbyLock === undefined && isCheckpointUp(workload, runtime)) continue;
      asked.add(uid);
      const answer = this.#probes.read(uid, () => this.#sources.probePod(pod));
      if (answer !== undefined) probes.set(uid, answer);
    }
    this.#probes.retain(asked);
    return probes;
  }

  #askWanted(parents: Observed<readonly Parent[]>, memory: Memory): Observation['wanted'] {
    const answers = new Map<WorkloadKey, Observed<Wanted>>();
    if (!parents.known || this.#sources.api.state().name !== 'serving') return answers;
    const asked = new Set<string>();
    for (const [key, { parent, phase }] of memory.workloads) {
      // Whatever this cluster says, a held workload waits for its parent or for a person.
      if (phase.name === 'held') continue;
      if (liveParent(parents.value, key) !== undefined) continue;
      if (parent === undefined) {
        answers.set(key, unknown('no parent of it was ever seen'));
        continue;
      }
      const question = `${key} ${parent.uid}`;
      asked.add(question);
      answers.set(
        key,
        this.#wanted.read(question, () => this.#sources.api.wanted(parent)),
      );
    }
    this.#wanted.retain(asked);
    return answers;
  }
}

const NO_INITS: ReadonlySet<string> = new Set();

/** It holds ports, or may. */
function isCheckpointUp(workload: WorkloadKey, runtime: Observed<RuntimeView>): boolean {
  const pods = runtime.known ? runtime.value.pods : [];
  return pods.some((pod) => pod.annotations[ANNOTATION_OF] === workload && isUp(runState(pod, NO_INITS)));
}

function isServing({ name }: ApiState): boolean {
  return name === 'serving';
}
