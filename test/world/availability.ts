// Model: who serves, now. etcd by quorum, the apiservers on etcd, the controllers on the API, each as seen from its
// own node. A pure function of processes and faults, worked out afresh (level-triggered) whenever either changes.

import type { Delays } from './delays.ts';
import type { HostProcess, HostProcesses } from './host-processes.ts';
import type { Role } from './programs.ts';
import type { Schedule } from './schedule.ts';

/**
 * What a client on a node meets at the API's endpoint.
 * - filling: an apiserver answers for single objects, and 429 to lists with a selector and to watches, since its watch
 *   caches are not full yet; nor is it ready (ResilientWatchCacheInitialization, WatchCacheInitializationPostStartHook)
 * - unready: an apiserver has bound its port and answers 500 (no etcd, or still starting)
 * - silent: packets vanish, or the process is stopped (SIGSTOP): only a timeout tells
 * - denied: somebody answers, 401 or 403
 */
export type ApiAnswer = 'serving' | 'filling' | 'unready' | 'refused' | 'silent' | 'denied';

export interface ApiFaults {
  /** SIGSTOP to the apiservers: connections stay open and say nothing. */
  frozen: boolean;
  /** Every request of a node is answered with this. */
  deniedStatus: 401 | 403 | undefined;
  /** Nodes whose way to the endpoint is cut. */
  readonly cut: Set<string>;
}

export interface ProcessHost {
  readonly name: string;
  readonly processes: HostProcesses;
}

export class Availability {
  readonly faults: ApiFaults = { frozen: false, deniedStatus: undefined, cut: new Set() };
  etcdServing = false;
  /** It runs on other machines, and serves. */
  etcdOutside = false;
  /** An apiserver answers all that it is asked. Faults on the way to it are not in here. */
  apiServing = false;
  private apiAnswering = false;
  /** Its /readyz says so. */
  apiReady = false;
  apiBound = false;
  /** One was told to end: until its own work is done, and for the watches that are open, it lives on. */
  apiLeaving = false;
  /** Grows whenever a process begins or ceases to serve, or to answer. */
  revision = 0;
  private readonly hosts: readonly ProcessHost[];
  private readonly schedule: Schedule;
  private readonly delays: Delays;
  private readonly leaderChanged: () => void;
  private readonly changed: () => void;

  constructor(
    hosts: readonly ProcessHost[],
    schedule: Schedule,
    delays: Delays,
    on: { leaderChanged(): void; changed(): void },
  ) {
    this.hosts = hosts;
    this.schedule = schedule;
    this.delays = delays;
    this.leaderChanged = on.leaderChanged;
    this.changed = on.changed;
  }

  answerTo(node: string): ApiAnswer {
    if (this.faults.cut.has(node)) return 'silent';
    if (this.faults.frozen && this.apiBound) return 'silent';
    if (!this.apiBound) return 'refused';
    if (this.faults.deniedStatus !== undefined) return 'denied';
    if (this.apiServing) return 'serving';
    return this.apiAnswering ? 'filling' : 'unready';
  }

  /** Whether a request for one object, or a write, is answered with success. */
  answersFor(node: string): boolean {
    const answer = this.answerTo(node);
    return answer === 'serving' || answer === 'filling';
  }

  /** Whether a controller of this role acts: it is up, holds its lease and reaches the API. */
  leads(role: Role): boolean {
    if (!this.apiServing || this.faults.frozen) return false;
    return this.processes(role).some(
      ({ process }) => process.serving && process.leadsAtMs <= this.schedule.nowMs,
    );
  }

  settle(): void {
    for (const { process } of this.processes('etcd')) this.update(process, true);
    const members = this.hosts.filter(({ processes }) =>
      [...processes.running].some(({ program, serving }) => program.role === 'etcd' && serving),
    );
    this.etcdServing = this.etcdOutside || members.length * 2 > this.hosts.length;

    const apiservers = this.processes('kube-apiserver');
    for (const { host, process } of apiservers) {
      this.update(process, this.etcdServing);
      if (process.leaving) this.closePorts(host, process);
    }
    this.apiBound = apiservers.some(({ process }) => process.bound);
    this.apiAnswering = apiservers.some(({ process }) => process.answering);
    this.apiServing = apiservers.some(({ process }) => process.answering && this.isFull(process));
    this.apiReady = apiservers.some(({ process }) => process.serving);
    this.apiLeaving = apiservers.some(({ process }) => process.leaving);

    for (const { host, process } of this.processes()) {
      if (process.program.role === 'etcd' || process.program.role === 'kube-apiserver') continue;
      const reachable = this.apiServing && !this.faults.frozen && !this.faults.cut.has(host.name);
      this.update(process, process.program.needs === 'nothing' || reachable);
    }
  }

  private processes(role?: Role): { host: ProcessHost; process: HostProcess }[] {
    const found: { host: ProcessHost; process: HostProcess }[] = [];
    for (const host of this.hosts) {
      for (const process of host.processes.running) {
        if (role === undefined || process.program.role === role) found.push({ host, process });
      }
    }
    return found;
  }

  private update(process: HostProcess, satisfied: boolean): void {
    if (!process.initialized || !process.bound) return;
    if (satisfied) {
      process.missingSinceMs = undefined;
      if (!process.answering) this.revision += 1;
      process.answering = true;
      if (process.filledAtMs === Number.POSITIVE_INFINITY) this.fill(process);
      const serving = process.readyAtMs <= this.schedule.nowMs && !process.leaving;
      if (serving !== process.serving) this.revision += 1;
      process.serving = serving;
      if (process.leadsAtMs === Number.POSITIVE_INFINITY) this.awaitLease(process);
      return;
    }
    if (!process.answering || process.missingSinceMs !== undefined) return;
    const lostAtMs = this.schedule.nowMs;
    process.missingSinceMs = lostAtMs;
    // A controller stays up until it fails to renew its lease; an apiserver without etcd answers 500 at once.
    if (process.program.needs === 'etcd') {
      if (!this.isFull(process)) process.filledAtMs = Number.POSITIVE_INFINITY;
      process.answering = false;
      process.serving = false;
      this.revision += 1;
    }
    this.schedule.after(
      process.program.toleratesLossMs,
      () => {
        if (process.missingSinceMs === lostAtMs) this.end(process);
      },
      process,
    );
  }

  private isFull({ filledAtMs }: HostProcess): boolean {
    return filledAtMs <= this.schedule.nowMs;
  }

  private fill(process: HostProcess): void {
    const { fillMs, readyMs } = process.program;
    process.filledAtMs = this.schedule.nowMs + fillMs;
    process.readyAtMs = process.filledAtMs + readyMs;
    for (const ms of [fillMs, fillMs + readyMs]) {
      if (ms > 0) this.schedule.after(ms, this.changed, process);
    }
  }

  /** It takes itself out of the cluster's records first (RunPreShutdownHooks), which takes an etcd. */
  private closePorts({ processes }: ProcessHost, process: HostProcess): void {
    if (!process.bound || !process.answering) return;
    const close = (): void => {
      if (process.bound && process.answering) processes.closePorts(process);
    };
    this.schedule.after(this.delays.apiserverHooks, close, process);
  }

  private awaitLease(process: HostProcess): void {
    process.leadsAtMs = this.schedule.nowMs + this.delays.lease;
    this.schedule.after(this.delays.lease, this.leaderChanged, process);
  }

  private end(process: HostProcess): void {
    const host = this.hosts.find(({ processes }) => processes.running.has(process));
    host?.processes.end(process, 1, 'leaderelection lost');
  }
}
