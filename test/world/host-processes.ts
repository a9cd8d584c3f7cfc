// Model: the processes of one node and the ports they hold. Two processes cannot bind one host port, unless both
// share it: the second exits, whatever Kubernetes thinks of either (bk#986 "they just battle for the port").

import type { Program } from './programs.ts';
import type { Life, Schedule } from './schedule.ts';

export interface HostProcess extends Life {
  readonly program: Program;
  readonly containerId: string;
  readonly startedAtMs: number;
  alive: boolean;
  bound: boolean;
  /** Told to end: not ready any more. It closes its ports when its own work is done, and lives until its stop time is over. */
  leaving: boolean;
  /** Past its own start-up; it answers once what it needs is there. */
  initialized: boolean;
  answering: boolean;
  /** From when on its caches are full, and it answers all that it is asked. */
  filledAtMs: number;
  readyAtMs: number;
  /** Ready, by its own probe. */
  serving: boolean;
  /** Since when what it needs has been missing, after it had served. */
  missingSinceMs: number | undefined;
  /** A controller leads from here on. */
  leadsAtMs: number;
  /** Something real runs in its place, which ends by itself when it is told to. */
  isReal: boolean;
  onExit(code: number, reason: string): void;
}

/** Hears of every process: the simulation and the demo run the real agent where the model's agent container runs. */
export type ProcessListener = (event: 'started' | 'told to end' | 'ended', process: HostProcess) => void;

const LEAVES_SLOWLY_MS = 1_000;

/** Of the agent's pod; nothing else real runs here. */
const GRACE_MS = 10_000;

export class HostProcesses {
  readonly running = new Set<HostProcess>();
  listener: ProcessListener | undefined;
  private readonly schedule: Schedule;
  private readonly changed: () => void;

  constructor(schedule: Schedule, changed: () => void) {
    this.schedule = schedule;
    this.changed = changed;
  }

  /** `warm` starts a process that has been up for long: the world at its beginning. */
  start(
    program: Program,
    containerId: string,
    warm: boolean,
    onExit: (code: number, reason: string) => void,
  ): HostProcess {
    const process: HostProcess = {
      program,
      containerId,
      startedAtMs: this.schedule.nowMs,
      alive: true,
      bound: false,
      leaving: false,
      initialized: false,
      answering: false,
      filledAtMs: warm ? this.schedule.nowMs : Number.POSITIVE_INFINITY,
      readyAtMs: warm ? this.schedule.nowMs : Number.POSITIVE_INFINITY,
      serving: false,
      missingSinceMs: undefined,
      leadsAtMs: warm ? this.schedule.nowMs : Number.POSITIVE_INFINITY,
      isReal: false,
      onExit,
    };
    this.running.add(process);
    this.listener?.('started', process);
    if (program.exits !== undefined) {
      const { afterMs, code } = program.exits;
      this.schedule.after(
        afterMs,
        () => this.end(process, code, code === 0 ? 'Completed' : 'Error'),
        process,
      );
    }
    this.schedule.after(warm ? 0 : program.bindMs, () => this.bind(process), process);
    this.schedule.after(warm ? 0 : program.startMs, () => this.initialize(process), process);
    this.schedule.after(program.patienceMs, () => this.loseHope(process), process);
    return process;
  }

  /** SIGTERM: ends after the program's stop time; one that takes long is not ready from now on. */
  terminate(process: HostProcess): void {
    this.listener?.('told to end', process);
    if (process.program.stopMs >= LEAVES_SLOWLY_MS) {
      process.leaving = true;
      process.serving = false;
      this.changed();
    }
    const stopMs = process.isReal ? GRACE_MS : process.program.stopMs;
    this.schedule.after(stopMs, () => this.end(process, 0, 'Completed'), process);
  }

  /** Its own work at its end is done: nobody reaches it any more but over the watches that are open. */
  closePorts(process: HostProcess): void {
    process.bound = false;
    process.answering = false;
    this.changed();
  }

  /** The process ends now: its ports are free. */
  end(process: HostProcess, code: number, reason: string): void {
    if (!process.alive) return;
    this.forget(process);
    process.onExit(code, reason);
    this.changed();
  }

  /** Power loss: nothing is told to anybody. */
  vanish(): void {
    for (const process of [...this.running]) this.forget(process);
  }

  holder(port: number): HostProcess | undefined {
    for (const process of this.running) {
      if (process.bound && process.program.ports.includes(port)) return process;
    }
    return undefined;
  }

  private forget(process: HostProcess): void {
    process.alive = false;
    process.bound = false;
    process.answering = false;
    process.serving = false;
    this.running.delete(process);
    this.listener?.('ended', process);
  }

  private bind(process: HostProcess): void {
    if (process.leaving) return;
    const rival = process.program.ports
      .map((port) => this.holder(port))
      .find((other) => other !== undefined && !(other.program.sharesPorts && process.program.sharesPorts));
    if (rival !== undefined) {
      this.end(process, 1, 'address already in use');
      return;
    }
    process.bound = true;
    this.changed();
  }

  private initialize(process: HostProcess): void {
    process.initialized = true;
    this.changed();
  }

  private loseHope(process: HostProcess): void {
    if (process.answering || process.missingSinceMs !== undefined) return;
    if (process.bound || !process.leaving) this.end(process, 1, 'what it needs is not there');
  }
}
