// The apiserver as one process of the agent meets it: the states, delays and unknowns of lib/observe/apiserver over
// the models. What always holds: what was not answered with success is unknown, never empty.

import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node';
import type { Api, PodRef } from '../../lib/agent/sources.ts';
import type { ApiClient } from '../../lib/observe/apiserver/http.ts';
import type { NodeForPods } from '../../lib/observe/apiserver/node-facts.ts';
import { isWanted } from '../../lib/observe/apiserver/wanted.ts';
import type { Found, IssuedToken, ObjectRef, TokenRef } from '../../lib/types/checkpoint.ts';
import type { ParentIdentity } from '../../lib/types/memory.ts';
import type { ApiState, NodeFacts, Wanted } from '../../lib/types/observation.ts';
import { known, type Observed, unknown } from '../../lib/types/observed.ts';
import type { ApiAnswer } from '../world/availability.ts';
import { USUAL_PORTS } from '../world/control-plane.ts';
import { issueToken } from '../world/tokens.ts';
import type { World } from '../world/world.ts';
import { modelClient } from './api-client.ts';
import type { Gate } from './gate.ts';
import { ObjectViews } from './object-views.ts';
import { ReadinessView } from './readiness-view.ts';

const PROBE_EVERY_MS = 250;
/** Longer than an apiserver that is deleted takes to close its port. */
const WATCH_LATENCY_MS_MAX = 50;
/** A list that failed is made again. */
const RETRY_MS = 500;
/** Told one by one, in the place of the agent's turns in that time; from so many on, one more changes nothing. */
const FAILURES_TOLD_MAX = 4;
/** A peer that lost power, or answers nothing but errors, is noticed within this. */
const NOTICED_WITHIN_MS = 5_000;

const CAUSES = { refused: 'refused', silent: 'timed-out', unready: 'failing', filling: 'throttled' } as const;

export class ApiView implements Api {
  private readonly world: World;
  private readonly node_: string;
  private readonly gate: Gate;
  private readonly objects: ObjectViews;
  private readonly unsubscribe: () => void;
  private readonly kubelet: ApiClient;
  private readonly serviceAccount: ApiClient;
  private readonly wallClockMs: () => number;
  private current: ApiState = { name: 'unasked' };
  private readonly readiness: ReadinessView;
  private lists: readonly V1Pod[] | undefined;
  private lastWord: readonly V1Pod[] = [];
  private facts: Observed<NodeFacts> = unknown('not read yet');
  private listing = false;
  private probing = false;
  private noticing = false;
  private stale = false;
  private callback: () => void = () => undefined;

  /** The apiserver runs on this machine, and has its clock. */
  constructor(
    world: World,
    node: string,
    gate: Gate,
    controllersForbidden: () => boolean,
    wallClockMs: () => number,
  ) {
    this.world = world;
    this.wallClockMs = wallClockMs;
    this.node_ = node;
    this.gate = gate;
    this.objects = new ObjectViews({
      world,
      serves: () => this.answer() === 'serving',
      later: (ms, run) => this.later(ms, run),
      changed: () => this.callback(),
    });
    this.readiness = new ReadinessView({
      isReady: () => this.answer() === 'serving' && world.availability.apiReady,
      serving: () => this.current.name === 'serving',
      later: (ms, run) => this.later(ms, run),
      said: () => this.callback(),
      nowMs: () => world.nowMs,
    });
    this.kubelet = modelClient(world, node, gate, () => false);
    this.serviceAccount = modelClient(world, node, gate, controllersForbidden);
    this.unsubscribe = world.store.onChange((event) => {
      if (event === undefined) this.listAnew(500);
      else this.look();
    });
  }

  start(): void {
    void this.probe(3_000);
  }

  async close(): Promise<void> {
    this.unsubscribe();
  }

  state(): ApiState {
    return this.readiness.starting && this.current.name === 'serving'
      ? { name: 'serving', starting: true }
      : this.current;
  }

  portHere(): number {
    return USUAL_PORTS.apiserver;
  }

  async probe(timeoutMs: number): Promise<ApiState> {
    await this.gate.io('probe', async () => undefined);
    await this.gate.pause(this.answer() === 'silent' ? timeoutMs : 5);
    this.take(this.answer());
    return this.state();
  }

  /** The world went on: is what the API says of itself still so? */
  follow(): void {
    const answer = this.answer();
    if (this.current.name === 'unasked') return;
    if (this.current.name !== 'serving') {
      if (answer !== this.current.detail) this.probeSoon();
      return;
    }
    if (answer === 'serving' || this.noticing) return;
    this.noticing = true;
    const withinMs = answer === 'refused' ? 50 : NOTICED_WITHIN_MS;
    this.later(this.world.random.between(5, withinMs), () => {
      this.noticing = false;
      if (this.answer() !== 'serving') this.take(this.answer());
    });
  }

  node(): Observed<NodeFacts> {
    const pods = this.pods();
    return pods.known || (this.listing && this.current.name === 'serving') ? this.facts : pods;
  }

  pods(): Observed<readonly V1Pod[]> {
    if (this.current.name === 'unasked') return unknown('the API has not answered yet');
    if (this.current.name !== 'serving') return unknown(`the API is ${this.current.name}`);
    return this.lists === undefined ? unknown('not listed yet') : known(this.lists);
  }

  lastPods(): readonly V1Pod[] {
    return this.lastWord;
  }

  object(ref: ObjectRef): Observed<Found<V1Secret | V1ConfigMap>> {
    const answer = this.objects.read(ref);
    return this.current.name === 'serving' ? answer : unknown(`the API is ${this.current.name}`);
  }

  retain(refs: readonly ObjectRef[]): void {
    this.objects.retain(refs);
  }

  async token(pod: PodRef, ref: TokenRef): Promise<Observed<IssuedToken>> {
    await this.gate.io('token', async () => undefined);
    await this.gate.pause(20);
    if (!this.answers()) return unknown(`the API is ${this.answer()}`);
    const bound = this.world.store.get('pods', pod.namespace, pod.name);
    if (bound?.metadata?.uid !== pod.uid) return unknown('404: no such pod');
    const nowMs = this.wallClockMs();
    return known(issueToken(this.world, bound, ref.serviceAccount, ref.expirationSeconds, nowMs));
  }

  async wanted(parent: ParentIdentity): Promise<Observed<Wanted>> {
    const sources = {
      kubelet: this.kubelet,
      serviceAccount: this.serviceAccount,
      nodeName: this.node_,
      node: async () => this.readNode(),
    };
    return isWanted(parent, sources);
  }

  onChange(callback: () => void): void {
    this.callback = callback;
  }

  private answer(): ApiAnswer {
    return this.world.availability.answerTo(this.node_);
  }

  /** For one object. */
  private answers(): boolean {
    return this.world.availability.answersFor(this.node_);
  }

  private later(ms: number, run: () => void): void {
    this.world.schedule.after(ms, run, this.gate);
  }

  /** An answer to a probe came, or none came in time. */
  private take(answer: ApiAnswer): void {
    const before = this.current;
    if (answer === 'serving') {
      if (before.name === 'serving') return;
      this.current = { name: 'serving' };
      this.readiness.serving();
      this.listAnew(this.world.random.between(20, 500));
      this.callback();
      return;
    }
    const failures = before.name === 'away' ? before.failedProbes + 1 : 1;
    this.current =
      answer === 'denied'
        ? { name: 'denied', cause: 'forbidden', detail: answer }
        : { name: 'away', cause: CAUSES[answer], detail: answer, failedProbes: failures };
    const same = before.name === this.current.name && before.detail === answer;
    if (failures <= FAILURES_TOLD_MAX || !same) {
      this.callback();
      this.probeSoon();
    }
  }

  private probeSoon(): void {
    if (this.probing) return;
    this.probing = true;
    this.later(this.world.random.between(PROBE_EVERY_MS / 2, PROBE_EVERY_MS), () => {
      this.probing = false;
      this.take(this.answer());
    });
  }

  /** The Node first, then the pods: a list of another cluster is never seen beside the Node of the one before it. */
  private listAnew(afterMs: number): void {
    this.lists = undefined;
    this.listing = false;
    this.objects.forget();
    this.later(afterMs / 2, () => {
      if (this.current.name !== 'serving' || this.lists !== undefined) return;
      this.facts = this.readNode();
      this.listing = true;
      this.callback();
      if (!this.facts.known) this.readNodeAgain();
    });
    this.later(afterMs, () => {
      if (this.current.name !== 'serving' || this.lists !== undefined) return;
      if (!this.listing || this.answer() !== 'serving') {
        this.listAnew(RETRY_MS);
        return;
      }
      this.listing = false;
      this.list();
    });
  }

  private readNodeAgain(): void {
    this.later(1_000, () => {
      if (this.facts.known) return;
      if (this.answers()) this.facts = this.readNode();
      if (this.facts.known) this.callback();
      else this.readNodeAgain();
    });
  }

  private readNode(): Observed<NodeForPods> {
    if (!this.answers()) return unknown(`the API is ${this.answer()}`);
    const metadata = this.world.store.get('nodes', undefined, this.node_)?.metadata;
    if (metadata?.uid === undefined) return unknown('HTTP 404');
    return known({ name: this.node_, uid: metadata.uid, labels: metadata.labels ?? {}, taints: [] });
  }

  /** A watch event: seen a moment later, unless the API is gone by then. */
  private look(): void {
    if (this.stale || this.current.name !== 'serving' || this.lists === undefined) return;
    this.stale = true;
    this.later(this.world.random.between(5, WATCH_LATENCY_MS_MAX), () => {
      this.stale = false;
      if (this.lists === undefined) return;
      // What was missed while nobody answered is seen when the watches are made anew.
      if (this.answer() !== 'serving') this.hear();
      else if (this.current.name === 'serving') this.list();
    });
  }

  private list(): void {
    const before = this.lists;
    const pods = this.podsHere();
    const same = before?.length === pods.length && pods.every((pod, i) => pod === before[i]);
    this.lists = same ? before : pods;
    this.lastWord = this.lists;
    if (this.objects.list() || !same) this.callback();
  }

  /** The watches that were open go on, also when the port is closed by now or etcd is gone: what was said still comes. */
  private hear(): void {
    const answer = this.answer();
    const goesOn = answer === 'unready' || (answer === 'refused' && this.world.availability.apiLeaving);
    if (!goesOn) return;
    this.lastWord = this.podsHere();
    this.callback();
  }

  private podsHere(): V1Pod[] {
    return this.world.store.list('pods').filter(({ spec }) => spec?.nodeName === this.node_);
  }
}
