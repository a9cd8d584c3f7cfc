// One master in the simulation: the models of its node, its disk, and the agent that a supervisor starts again whenever
// it ends. Everything bad that can happen to it is a method here; faults.ts decides what happens when.

import type { V1DaemonSet } from '@kubernetes/client-node';
import type { Compiled } from '../../lib/agent/captures.ts';
import { StoreError } from '../../lib/store/store-error.ts';
import { diskOf, type Image } from '../crash/image.ts';
import { errno, ModelDisk } from '../crash/model-disk.ts';
import { beginPivoted } from '../world/control-plane.ts';
import type { KubeletHabits } from '../world/kubelet-habits.ts';
import type { NodeModel } from '../world/node-model.ts';
import { World } from '../world/world.ts';
import { AgentProcess } from './agent-process.ts';
import { type DiskWatcher, hostFilesOn, losePower } from './disk.ts';
import type { Call } from './faults.ts';
import { drained } from './gate.ts';
import { Guards } from './guards.ts';
import { Rules } from './rules.ts';
import { hostPathsOn, StaticPods } from './static-pods.ts';
import { sleepIn } from './virtual-timers.ts';

const NODE = 'n1';
const START_MS = Date.UTC(2026, 0, 1);
/** Every history begins with the same names and UIDs, so that a disk made once fits all of them. */
const BEGINNING_SEED = 1;

/** Opening a full store takes some hundreds. */
const CALLS_AT_ONCE_MAX = 10_000;

/**
 * Its tightest pace makes 40: 20 ms after the last one ended, which asked the runtime for 5. One that hears of itself,
 * again and again, makes 50.
 */
const PASSES_A_SECOND_MAX = 46;

/** How a node is set up. */
export interface Setup {
  readonly kubelet: KubeletHabits;
  readonly portSharing: boolean;
  readonly etcdOutside: boolean;
  /** The agent is a pod of its own DaemonSet; otherwise a service of the host, which is always started again. */
  readonly agent: boolean;
  readonly extra: readonly V1DaemonSet[];
  readonly edit: (daemonSet: V1DaemonSet) => V1DaemonSet;
}

/** What is wrong with the machine just now. */
export interface Trouble {
  runtimeSilent: boolean;
  /** The agent's service account may not read controllers. */
  controllersForbidden: boolean;
  /** Every call that writes fails with this. */
  diskError: 'ENOSPC' | 'EIO' | 'EROFS' | undefined;
  fsyncMs: number;
  /** The wall clock was set: from when on, and by how much it is off since. */
  readonly clockJumps: { readonly atMs: number; readonly offsetMs: number }[];
}

/** The process or the machine ends at a call to come. */
interface Ambush {
  callsLeft: number;
  readonly of: Call;
  readonly strike: () => void;
}

export class Machine implements DiskWatcher {
  readonly world: World;
  readonly node: NodeModel;
  readonly disk: ModelDisk;
  readonly staticPods: StaticPods;
  readonly rules: Rules;
  /** The compiler is pure: a process that starts is spared what an earlier one had compiled from the same. */
  readonly compiled: Compiled = new Map();
  readonly trouble: Trouble = {
    runtimeSilent: false,
    controllersForbidden: false,
    diskError: undefined,
    fsyncMs: 0,
    clockJumps: [],
  };
  agent: AgentProcess | undefined;
  private readonly guards: Guards | undefined;
  /** Processes of the agent that were started, and calls they made. */
  calls = 0;
  private instant = { atMs: 0, calls: 0 };
  private passes = { second: 0, count: 0 };
  private ambushes: Ambush[] = [];
  private boots = 0;
  private starting = { alive: false };

  constructor(setup: Setup, image?: Image) {
    this.disk = image === undefined ? new ModelDisk() : diskOf(image);
    if (image === undefined) hostFilesOn(this.disk);
    this.staticPods = new StaticPods(this.disk);
    this.world = new World({
      seed: BEGINNING_SEED,
      nowMs: START_MS,
      kubelet: setup.kubelet,
      files: () => this.staticPods,
      paths: hostPathsOn(this.disk),
    });
    this.node = this.world.node(NODE);
    this.rules = new Rules(this);
    this.disk.onCall = ({ writes, path }) => {
      if (writes && this.trouble.diskError !== undefined) throw errno(this.trouble.diskError, path);
    };
    sleepIn({
      nowMs: () => this.world.nowMs,
      sleep: (wake, ms) => this.agent?.sleep(wake, ms) ?? { alive: false },
    });
    this.node.runtime.images.add('registry.example/node-exporter:v1');
    this.guards = setup.agent ? new Guards(this) : undefined;
    beginPivoted(this.world, setup);
  }

  wallClockMs(atMs: number): number {
    return atMs + (this.trouble.clockJumps.findLast((jump) => jump.atMs <= atMs)?.offsetMs ?? 0);
  }

  /** Lets the world and the agent go on until `toMs`. */
  async advance(toMs: number): Promise<void> {
    const { world } = this;
    await drained();
    for (;;) {
      const nextMs = world.schedule.nextAtMs();
      if (nextMs === undefined || nextMs > toMs) break;
      world.advance(nextMs);
      this.agent?.api.follow();
      await drained();
      this.agent?.follow();
      this.rules.look();
    }
    world.advance(toMs);
  }

  /** The host's service manager starts it; where it is a pod, the kubelet does. */
  startAgent(): void {
    if (this.guards !== undefined || !this.node.powered || this.agent !== undefined) return;
    this.begin(() => this.endAgent(2_000));
  }

  /** A process of the agent, from here on the guard of this node. `exited` hears of its end, unless it was killed. */
  begin(exited: (code: number) => void): AgentProcess {
    const agent = new AgentProcess(this);
    this.agent = agent;
    this.world.story.tell('agent', 'starts');
    const ended = agent.run().then(
      () => 0,
      (error: unknown) => {
        if (!agent.gate.alive) return 1;
        this.world.story.tell('agent', `ends: ${(error as Error).message}`);
        if (this.trouble.diskError === undefined || !(error instanceof StoreError)) {
          this.rules.broken('rule 6', `the agent does not start: ${(error as Error).message}`);
        }
        return 1;
      },
    );
    void ended.then((code) => {
      if (agent.gate.alive) exited(code);
    });
    return agent;
  }

  finish(agent: AgentProcess): void {
    agent.kill();
    if (this.agent === agent) this.agent = undefined;
  }

  /** kill -9; its supervisor starts it again. */
  endAgent(downMs: number): void {
    if (this.guards !== undefined) {
      this.guards.killHolder();
      return;
    }
    if (this.agent === undefined) return;
    this.finish(this.agent);
    this.startAgentIn(downMs);
  }

  private startAgentIn(ms: number): void {
    this.starting.alive = false;
    this.starting = { alive: true };
    this.world.schedule.after(ms, () => this.startAgent(), this.starting);
  }

  /** The power goes, now, and comes back; the agent starts some time after the machine. */
  losePower(offMs: number, agentStartMs: number): void {
    if (!this.node.powered) return;
    this.agent?.kill();
    this.agent = undefined;
    this.starting.alive = false;
    this.ambushes = [];
    this.node.powerOff();
    losePower(this.disk, this.world.random);
    this.staticPods.changed('.');
    this.rules.powerWent();
    this.boots += 1;
    const boot = this.boots;
    this.world.schedule.after(offMs, () => {
      if (boot !== this.boots) return;
      this.node.powerOn();
      this.startAgentIn(agentStartMs);
    });
  }

  restartKubelet(downMs: number): void {
    if (!this.node.powered || this.node.kubelet === undefined) return;
    const boot = this.boots;
    this.node.killKubelet();
    this.world.story.tell(`${NODE}/kubelet`, 'killed');
    this.world.schedule.after(downMs, () => {
      if (boot === this.boots) this.node.startKubelet();
    });
  }

  /** At the agent's n-th call from now, in its place, this happens. */
  ambush({ calls, of }: { readonly calls: number; readonly of: Call }, strike: () => void): void {
    this.ambushes.push({ callsLeft: calls, of, strike });
  }

  beforeCall(call: string): void {
    this.calls += 1;
    if (this.world.nowMs !== this.instant.atMs) this.instant = { atMs: this.world.nowMs, calls: 0 };
    this.instant.calls += 1;
    if (this.instant.calls > CALLS_AT_ONCE_MAX) {
      this.rules.broken('pace', `the agent spins: ${CALLS_AT_ONCE_MAX} calls and no time has passed`);
      this.agent?.kill();
    }
    if (call === 'runtime') this.countPass();
    if (this.ambushes.length === 0) return;
    for (const ambush of [...this.ambushes]) {
      if (ambush.of !== 'any' && ambush.of !== call) continue;
      ambush.callsLeft -= 1;
      if (ambush.callsLeft > 0) continue;
      this.ambushes = this.ambushes.filter((other) => other !== ambush);
      this.world.story.tell('agent', `is interrupted at ${call}`);
      ambush.strike();
    }
  }

  private countPass(): void {
    const second = Math.floor(this.world.nowMs / 1_000);
    if (second !== this.passes.second) this.passes = { second, count: 0 };
    this.passes.count += 1;
    if (this.passes.count === PASSES_A_SECOND_MAX) {
      this.rules.broken('pace', `the agent spins: ${PASSES_A_SECOND_MAX} passes in a second`);
    }
  }

  clearAmbushes(): void {
    this.ambushes = [];
  }

  staticPodChanged(name: string): void {
    this.staticPods.changed(name);
    if (!name.startsWith('.')) this.rules.lookAtStaticPods(name);
  }

  written(path: string, bytes: Uint8Array): void {
    this.rules.written(path, bytes);
  }

  fsyncMs(): number {
    return this.trouble.fsyncMs;
  }

  /** pino's shape: what the agent says is part of the story, and may hold no secret. */
  logger() {
    const say = (fields: object, message?: string): void => {
      const { workload = '', ...rest } = fields as { workload?: string };
      const text = `${workload} ${message ?? ''} ${JSON.stringify(rest)}`;
      this.rules.said(text);
      this.world.story.tell('agent', text);
    };
    return { debug: () => undefined, info: say, warn: say, error: say };
  }
}
