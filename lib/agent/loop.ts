// The loop: observe, decide, act, again and again. It remembers nothing but the state machine's memory; whatever fails
// is reported and decided again at the next pass.

import type { Logger } from 'pino';
import { carryOut, type Hands } from '../act/carry-out.ts';
import { removeLeftovers, settleDirectory } from '../act/static-pod-file.ts';
import { type Change, decide, remember } from '../decide/decide.ts';
import { liveParent } from '../decide/facts.ts';
import type { Action } from '../types/action.ts';
import type { Memory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';
import type { Settings } from '../types/settings.ts';
import { Ending, type Leave } from './ending.ts';
import type { Looker } from './look.ts';
import { nextPassInMs } from './pace.ts';
import type { Tokens } from './tokens.ts';
import { Turns } from './turns.ts';

/** What the loop knows, for status, metrics and events. */
export interface Snapshot {
  readonly observation: Observation;
  readonly memory: Memory;
  readonly failures: ReadonlyMap<string, string>;
}

export interface LoopDependencies {
  readonly looker: Looker;
  readonly tokens: Tokens;
  readonly hands: Hands;
  readonly settings: Settings;
  readonly log: Logger;
  /** Told of every change of a workload's phase. */
  onChange?(change: Change, snapshot: Snapshot): void;
  /** Told of every look. */
  onLook?(observation: Observation): void;
}

/** A handover has about this long between a parent's sandbox and its container. */
const SLOW_PASS_MS = 250;

export class Loop {
  readonly #deps: LoopDependencies;
  readonly #failures = new Map<string, string>();
  #memory: Memory;
  #snapshot: Snapshot | undefined;
  readonly #underWay = new Map<string, Promise<unknown>>();
  /** Subjects of which something was asked while something else of them was under way. */
  readonly #missed = new Set<string>();
  readonly #forgotten: (() => Promise<void>)[] = [];
  readonly #turns = new Turns();
  readonly #ending = new Ending();

  constructor(deps: LoopDependencies) {
    this.#deps = deps;
    const { store } = deps.hands;
    this.#memory = remember(store.workloads(), store.node());
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Something changed: look as soon as a pass may begin, instead of at the next turn. */
  kick(): void {
    this.#turns.kick();
  }

  /** The API, a token or an answer says something else than before; looked at as after `kick`. */
  heard(): void {
    this.#turns.hear();
  }

  /** Ends `run` after the pass under way. */
  stop(): void {
    this.#turns.end();
  }

  /** One pass: look, decide, carry out. */
  async pass(): Promise<Snapshot> {
    const { looker, hands, settings, log } = this.#deps;
    const beganMs = performance.now();
    this.#turns.begin();
    const observation = await looker.look(this.#memory, hands.store, () => this.#turns.read());
    const lookMs = performance.now() - beganMs;
    const { memory, actions, changes } = decide(observation, this.#memory, settings);
    this.#memory = memory;
    this.#forgetFailures(actions);
    this.#snapshot = { observation, memory, failures: this.#failures };
    this.#deps.onLook?.(observation);
    for (const change of changes) {
      log.info({ workload: change.workload, from: change.from, to: change.to }, change.reason);
      this.#deps.onChange?.(change, this.#snapshot);
    }
    await this.#carryOutAll(actions);
    const passMs = performance.now() - beganMs;
    if (passMs >= SLOW_PASS_MS)
      log.debug({ lookMs: Math.round(lookMs), passMs: Math.round(passMs) }, 'slow pass');
    return this.#snapshot;
  }

  /** What is not asked for any more has failed no longer. */
  #forgetFailures(actions: readonly Action[]): void {
    const asked = new Set(actions.map(nameOf));
    for (const name of this.#failures.keys()) {
      if (!name.startsWith('refresh-tokens ') && !asked.has(name)) this.#failures.delete(name);
    }
  }

  /** Ends `run` once nothing is going on that another guard would have to find out first. */
  leave(how: Leave): void {
    this.#ending.begin(how);
    this.kick();
  }

  /** Passes until stopped. */
  async run(): Promise<void> {
    await this.#tidyUp();
    this.#beside('static pods', () => this.#settle());
    while (!this.#turns.ended && !this.#ending.mayGo(this.#memory)) {
      for (const forget of this.#forgotten.splice(0)) await forget();
      const { observation, memory } = await this.pass();
      this.#beside('tokens', () => this.#refreshTokens(observation));
      await this.#turns.next(Math.min(nextPassInMs(memory, observation), this.#ending.listensForMs()));
    }
    await this.settled();
  }

  async #tidyUp(): Promise<void> {
    const { hands, log } = this.#deps;
    try {
      await removeLeftovers(hands.staticPodDir, hands.files);
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'what an earlier process left unfinished stays');
    }
  }

  /** Beside the passes: on a booting node it may take seconds. */
  async #settle(): Promise<void> {
    const { hands, log } = this.#deps;
    try {
      await settleDirectory(hands.staticPodDir, hands.files);
    } catch (error) {
      log.warn(
        { reason: (error as Error).message },
        'what an earlier process withdrew may not be on disk yet',
      );
    }
  }

  /** Until nothing is being written any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }

  /** A person's word that a workload's checkpoint is not needed any more: removed between two passes. */
  forget(name: string): Promise<string> {
    return new Promise((resolve) => {
      this.#forgotten.push(async () => resolve(await this.#forget(name)));
      this.kick();
    });
  }

  async #forget(name: string): Promise<string> {
    const key = [...this.#memory.workloads.keys()].find((candidate) => candidate === name);
    if (key === undefined) return `${name}: no such workload; 'agent status' lists them`;
    const reason = 'forgotten by a person';
    await this.#carryOut({ type: 'withdraw', workload: key, reason, stopSandboxes: [] });
    await this.#carryOut({ type: 'remove-workload', workload: key, reason });
    const workloads = new Map(this.#memory.workloads);
    workloads.delete(key);
    this.#memory = { ...this.#memory, workloads };
    return `${name}: forgotten`;
  }

  /**
   * The static pod directory first: a parent that starts needs its ports within tenths of a second, and after a boot
   * everybody waits for the manifests. The records come beside the passes, since on a node that is booting a few fsyncs
   * were seen to take six seconds, in which every parent started and died on a bound port. A crash before they are
   * written loses nothing: a process that starts believes the directory. What is not on disk yet is decided again.
   */
  async #carryOutAll(actions: readonly Action[]): Promise<void> {
    const placed = actions.filter(({ type }) => type === 'activate').map((action) => this.#carryOut(action));
    for (const action of actions) {
      // It has happened when the call returns; only its durability is waited for.
      if (action.type === 'withdraw')
        this.#beside(`withdraw ${action.workload}`, () => this.#inOrder([action]));
    }
    await Promise.all(placed);
    const rest = actions.filter(({ type }) => type !== 'activate' && type !== 'withdraw');
    for (const [subject, group] of bySubject(rest)) {
      // What is removed must be gone before the next pass, which would take it for a workload of its own.
      if (group.some(({ type }) => type === 'remove-workload')) await this.#inOrder(group);
      else this.#beside(subject, () => this.#inOrderThenLook(subject, group));
    }
  }

  /** Runs beside the passes, one at a time for each subject; what comes meanwhile comes again. */
  #beside(subject: string, work: () => Promise<unknown>): void {
    if (this.#underWay.has(subject)) {
      this.#missed.add(subject);
      return;
    }
    this.#missed.delete(subject);
    const done = work().finally(() => this.#underWay.delete(subject));
    this.#underWay.set(subject, done);
  }

  /** Whether all of them were carried out. */
  async #inOrder(actions: readonly Action[]): Promise<boolean> {
    let all = true;
    for (const action of actions) all = (await this.#carryOut(action)) && all;
    return all;
  }

  /**
   * What failed is tried again at the next turn: at once, a full disk would be asked as fast as it can refuse. A record
   * that was written is nothing new to see, unless another was asked for meanwhile.
   */
  async #inOrderThenLook(subject: string, actions: readonly Action[]): Promise<void> {
    const done = await this.#inOrder(actions);
    if (done && (this.#missed.has(subject) || !actions.every(isRecord))) this.kick();
  }

  async #carryOut(action: Action): Promise<boolean> {
    const subject = subjectOf(action);
    const name = nameOf(action);
    try {
      await carryOut(action, this.#deps.hands);
      this.#failures.delete(name);
      const level = isRecord(action) ? 'debug' : 'info';
      this.#deps.log[level](
        { workload: subject, ...('revision' in action ? { revision: action.revision.slice(0, 12) } : {}) },
        action.type,
      );
      return true;
    } catch (error) {
      const message = (error as Error).message;
      if (this.#failures.get(name) !== message)
        this.#deps.log.error({ workload: subject }, `${action.type}: ${message}`);
      this.#failures.set(name, message);
      return false;
    }
  }

  async #refreshTokens({ parents, api, stored }: Observation): Promise<void> {
    if (!parents.known || api.name !== 'serving') return;
    for (const workload of stored) {
      const parent = liveParent(parents.value, workload.key);
      if (parent === undefined) continue;
      try {
        await this.#deps.tokens.refreshStored(workload, parent, this.#deps.hands.store);
        this.#failures.delete(`refresh-tokens ${workload.key}`);
      } catch (error) {
        this.#failures.set(`refresh-tokens ${workload.key}`, (error as Error).message);
      }
    }
  }
}

function isRecord({ type }: Action): boolean {
  return type === 'save-record' || type === 'save-node';
}

function subjectOf(action: Action): string {
  return 'workload' in action ? action.workload : 'node';
}

/** By which its failure is known. */
function nameOf(action: Action): string {
  return `${action.type} ${subjectOf(action)}`;
}

function bySubject(actions: readonly Action[]): Map<string, Action[]> {
  const groups = new Map<string, Action[]>();
  for (const action of actions) {
    const subject = subjectOf(action);
    groups.set(subject, [...(groups.get(subject) ?? []), action]);
  }
  return groups;
}
