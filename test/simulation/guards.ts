// The agent as a pod: its container's processes in the model wait for the guard's lock, and whoever holds it is the
// real agent (lib/agent/guard.ts, guard-lock.ts). The DaemonSet's pod asks the holder to yield, a stand-by just waits.

import { END, YIELD } from '../../lib/agent/guard.ts';
import { ANNOTATION_OF } from '../../lib/types/workload.ts';
import type { HostProcess } from '../world/host-processes.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Machine } from './machine.ts';

/** Node is loaded, and the runtime has been asked. */
const LOADED_MS = 400;
const YIELD_WAIT_MS = YIELD.withinMs + 20_000;

interface Holder {
  readonly process: HostProcess;
  readonly agent: AgentProcess;
}

export class Guards {
  private readonly machine: Machine;
  /** In the order in which they asked for the lock. */
  private waiting: HostProcess[] = [];
  private holder: Holder | undefined;

  constructor(machine: Machine) {
    this.machine = machine;
    machine.node.processes.listener = (event, process) => {
      if (process.program.role !== 'agent') return;
      if (event === 'started') this.started(process);
      else if (event === 'ended') this.ended(process);
      else if (process.isReal) this.holder?.agent.loop?.leave(END);
    };
  }

  /** kill -9: the kubelet starts its container again. */
  killHolder(): void {
    if (this.holder !== undefined) this.exit(this.holder.process, 137);
  }

  private started(process: HostProcess): void {
    // A bad flag is refused before anybody is asked to yield.
    if ((process.program.exits?.afterMs ?? LOADED_MS * 10) < LOADED_MS * 2) return;
    if (this.isStandBy(process)) this.wait(process);
    else this.machine.world.schedule.after(LOADED_MS, () => this.takeOver(process), process);
  }

  private isStandBy({ containerId }: HostProcess): boolean {
    const { runtime } = this.machine.node;
    const container = runtime.containers.get(containerId);
    return runtime.sandboxes.get(container?.sandboxId ?? '')?.annotations[ANNOTATION_OF] !== undefined;
  }

  /** `--take-over`: works before it asks for the guard's place. */
  private takeOver(process: HostProcess): void {
    const { node, trouble, world } = this.machine;
    if (!node.runtime.up || trouble.runtimeSilent) {
      this.exit(process, 1);
      return;
    }
    const loop = this.holder?.agent.loop;
    if (this.holder !== undefined && loop === undefined) {
      // Nobody answers at its socket yet.
      this.exit(process, 1);
      return;
    }
    loop?.leave(YIELD);
    this.wait(process);
    const giveUp = (): void => {
      if (this.waiting.includes(process)) this.exit(process, 1);
    };
    world.schedule.after(YIELD_WAIT_MS, giveUp, process);
  }

  private wait(process: HostProcess): void {
    this.waiting.push(process);
    this.grant();
  }

  private grant(): void {
    if (this.holder !== undefined || !this.machine.node.powered) return;
    const process = this.waiting.shift();
    if (process === undefined) return;
    process.isReal = !this.isStandBy(process);
    const agent = this.machine.begin((code) => this.exit(process, code));
    // Its first call may have been its last: the power went, and with it the process.
    if (process.alive) this.holder = { process, agent };
  }

  private exit(process: HostProcess, code: number): void {
    this.machine.node.processes.end(process, code, code === 0 ? 'Completed' : 'Error');
  }

  /** Its descriptors are closed, and with them goes the lock. */
  private ended(process: HostProcess): void {
    this.waiting = this.waiting.filter((other) => other !== process);
    if (this.holder?.process !== process) return;
    this.machine.finish(this.holder.agent);
    this.holder = undefined;
    this.grant();
  }
}
