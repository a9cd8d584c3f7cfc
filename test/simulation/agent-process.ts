// One process of the agent: the real loop, state machine, compiler and store, as cmd/run.ts puts them together, over
// sources that look at the models. It ends between any two of its calls when somebody kills it.

import type { Logger } from 'pino';
import { Captures } from '../../lib/agent/captures.ts';
import { Looker } from '../../lib/agent/look.ts';
import { Loop } from '../../lib/agent/loop.ts';
import { SPACING_MS } from '../../lib/agent/pace.ts';
import type { Sources } from '../../lib/agent/sources.ts';
import { Tokens } from '../../lib/agent/tokens.ts';
import { openStore } from '../../lib/store/open-store.ts';
import { known, type Observed, unknown } from '../../lib/types/observed.ts';
import { DEFAULT_SETTINGS } from '../../lib/types/settings.ts';
import type { StoreWriter } from '../../lib/types/store.ts';
import { ApiView } from './api-view.ts';
import { ProcessDisk, STATE_DIR, STATIC_POD_DIR } from './disk.ts';
import { Gate } from './gate.ts';
import type { Machine } from './machine.ts';
import { RuntimeViews } from './runtime-view.ts';

const FIRST_PROBE_MS = 1_000;
const RUNTIME_ANSWERS_MS = 5;
const RUNTIME_DEADLINE_MS = 2_000;
/** What a runtime was asked to end may be used for so long still. */
const SANDBOX_ENDS_MS = 100;
/** Passes that would see what the last one saw are left out: so many the first time, then twice as many, and never for longer than… */
const IDLE_INTERVALS = 20;
const IDLE_MS_MAX = 4_000;

interface Sleep {
  readonly wake: () => void;
  readonly sinceMs: number;
  readonly everyMs: number;
  timer: { alive: boolean };
  readonly life: { alive: boolean };
}

export class AgentProcess {
  readonly gate: Gate;
  readonly api: ApiView;
  store: StoreWriter | undefined;
  loop: Loop | undefined;
  private readonly machine: Machine;
  private seenState = -1;
  private idlePasses = 0;
  /** The last sleep ended by itself: there was nothing to see. */
  private sleptOn = false;
  private sleeping: Sleep | undefined;

  constructor(machine: Machine) {
    this.machine = machine;
    this.gate = new Gate(machine.world.schedule, (call) => machine.beforeCall(call));
    this.api = new ApiView(
      machine.world,
      machine.node.name,
      this.gate,
      () => machine.trouble.controllersForbidden,
      () => machine.wallClockMs(machine.world.nowMs),
    );
  }

  kill(): void {
    this.gate.alive = false;
    void this.api.close();
  }

  /** Rejects with what the real process would exit with. */
  async run(): Promise<void> {
    const { machine, gate, api } = this;
    const { world, node } = machine;
    const disk = new ProcessDisk(machine.disk, gate, machine);
    const log = machine.logger();
    this.store = machine.rules.watched(await openStore(STATE_DIR, { log, fs: disk }));
    api.start();
    const firstProbe = api.probe(FIRST_PROBE_MS);
    const heard = (): void => this.loop?.heard();
    const sources = this.sources();
    const tokens = new Tokens(api, sources.wallClockMs, heard);
    const captures = new Captures(api, tokens, { name: node.name }, machine.compiled);
    const hands = {
      store: this.store,
      staticPodDir: STATIC_POD_DIR,
      files: { disk, unlinkNow: (path: string) => disk.unlinkNow(path) },
      newUid: () => world.random.uuid(),
      wallClockMs: sources.wallClockMs,
      stopSandbox: sources.runtime.stopSandbox,
      removeContainers: sources.runtime.removeContainers,
      endBackOff: sources.runtime.endBackOff,
    };
    const looker = new Looker(sources, captures, node.name, heard);
    this.loop = new Loop({
      looker,
      tokens,
      hands,
      settings: DEFAULT_SETTINGS,
      log: log as unknown as Logger,
    });
    api.onChange(heard);
    await firstProbe;
    await this.loop.run();
  }

  private sources(): Sources {
    const { machine, gate, api } = this;
    const { world, node, trouble } = machine;
    const runtime = new RuntimeViews(node.runtime, (atMs) => machine.wallClockMs(atMs));
    const ask = (call: string, act: () => void): Promise<Observed<true>> =>
      gate.io(call, async () => {
        if (!node.runtime.up || trouble.runtimeSilent) return unknown('the runtime: no answer');
        act();
        return known(true as const);
      });
    return {
      api,
      runtime: {
        observe: async () => {
          await gate.io('runtime', async () => undefined);
          if (trouble.runtimeSilent) {
            await gate.pause(RUNTIME_DEADLINE_MS);
            return unknown('the runtime: no answer within 2 s');
          }
          await gate.pause(RUNTIME_ANSWERS_MS);
          this.seenState = this.state();
          return runtime.now();
        },
        stopSandbox: (id) => ask('stopSandbox', () => node.runtime.stopSandbox(id)),
        removeContainers: async (ids) => {
          machine.rules.serverEnded();
          for (const id of ids) {
            const answer = await ask('removeContainer', () => node.runtime.removeContainer(id));
            if (!answer.known) return answer;
          }
          return known(true);
        },
        endBackOff: async (podUid, sandboxId) => {
          const answer = await ask('endBackOff', () => {
            machine.rules.restarted(podUid);
            world.story.tell('agent', `ends the back-off of ${podUid}`);
            for (const { id, state } of node.runtime.containersOf(podUid)) {
              if (state === 'exited') node.runtime.removeContainer(id);
            }
          });
          if (!answer.known || sandboxId === undefined) return answer;
          await gate.io('stopSandbox', async () => {
            const end = (): void => void (node.runtime.up && node.runtime.stopSandbox(sandboxId));
            world.schedule.after(SANDBOX_ENDS_MS, end);
          });
          await gate.pause(SANDBOX_ENDS_MS);
          return known(true);
        },
      },
      readStaticPods: () => gate.io('readStaticPods', async () => known(machine.staticPods.directory())),
      readBootId: async () => known(node.bootId),
      probePod: async (pod) => {
        const port = probedPort(pod);
        if (port === undefined) return undefined;
        return gate.io('probePod', async () => known(node.processes.holder(port)?.serving === true));
      },
      monotonicMs: () => world.nowMs,
      wallClockMs: () => machine.wallClockMs(world.nowMs),
    };
  }

  /** The loop's sleep. Passes come at its own pace, but for those that would see just what the last one saw. */
  sleep(wake: () => void, everyMs: number): { alive: boolean } {
    const { world } = this.machine;
    const life = { alive: true };
    // What is left of the spacing between two passes: there is something to see.
    if (everyMs < SPACING_MS) {
      world.schedule.after(everyMs, () => this.gate.alive && wake(), life);
      return life;
    }
    this.idlePasses = this.sleptOn ? this.idlePasses + 1 : 0;
    this.sleptOn = false;
    const idleMs = Math.max(everyMs, Math.min(everyMs * IDLE_INTERVALS * 2 ** this.idlePasses, IDLE_MS_MAX));
    const sleep: Sleep = { wake, sinceMs: world.nowMs, everyMs, timer: { alive: true }, life };
    this.sleeping = sleep;
    this.wakeAfter(idleMs, sleep, true);
    this.follow();
    return life;
  }

  /** The world went on: the next pass has something to see. */
  follow(): void {
    const { world } = this.machine;
    const { sleeping } = this;
    if (sleeping === undefined || !sleeping.life.alive) return;
    const state = this.state();
    if (this.seenState === state) return;
    this.seenState = state;
    const sinceMs = world.nowMs - sleeping.sinceMs;
    const turn = Math.max(1, Math.ceil(sinceMs / sleeping.everyMs)) * sleeping.everyMs;
    sleeping.timer.alive = false;
    this.wakeAfter(turn - sinceMs, sleeping, false);
  }

  /** Of what runs, and of what of it serves: both only grow, so that the sum is another after each change. */
  private state(): number {
    const { world, node } = this.machine;
    return node.runtime.revision + world.availability.revision;
  }

  private wakeAfter(ms: number, sleep: Sleep, idle: boolean): void {
    const timer = { alive: true };
    sleep.timer = timer;
    const wake = (): void => {
      if (!sleep.life.alive || !this.gate.alive) return;
      this.sleptOn = idle;
      sleep.wake();
    };
    this.machine.world.schedule.after(ms, wake, timer);
  }
}

function probedPort(pod: Parameters<Sources['probePod']>[0]): number | undefined {
  for (const { readinessProbe, ports } of pod.spec?.containers ?? []) {
    const port = readinessProbe?.httpGet?.port as number | string | undefined;
    if (port === undefined) continue;
    return typeof port === 'number' ? port : ports?.find(({ name }) => name === port)?.containerPort;
  }
  return undefined;
}
