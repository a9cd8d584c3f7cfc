// Model: one pod's life in the kubelet. Volumes, sandbox, init containers, containers, restarts with back-off, end.
// Everything it schedules dies with the kubelet (`kubelet.alive`); the containers do not.

import type { V1Container, V1Pod } from '@kubernetes/client-node';
import type { CrashBackoff } from './crash-backoff.ts';
import type { Delays } from './delays.ts';
import { programOf } from './programs.ts';
import type { ContainerRecord, RuntimeModel, Sandbox } from './runtime-model.ts';
import type { Life, Schedule } from './schedule.ts';

/** How often a model looks whether a call has come to an end. */
export const CALL_LOOK_MS = 250;

/** What a worker needs of its kubelet. */
export interface WorkerHost {
  readonly life: Life;
  readonly schedule: Schedule;
  readonly delays: Delays;
  readonly runtime: RuntimeModel;
  readonly backoff: CrashBackoff;
  mountProblem(worker: PodWorker): string | undefined;
  readonly knowsServices: boolean;
  /** Until it looks at a pod again whose sync failed; and at one that has so long to wait in its back-off. */
  retryMs(): number;
  backOffLookMs(waitMs: number): number;
  /** A request of the API is neither answered nor refused. */
  apiHangs(): boolean;
  /** Its loop waits for a call, and sees nothing of what the runtime does. */
  readonly waitsForCall: boolean;
  statusChanged(worker: PodWorker): void;
  stopped(worker: PodWorker): void;
  tell(pod: V1Pod, what: string): void;
}

export class PodWorker {
  pod: V1Pod;
  readonly source: 'file' | 'api';
  /** Why it does not run, in the words of `kubectl describe`. */
  waiting = '';
  /** What the API was last told. */
  reported: { readonly object: V1Pod | undefined; readonly as: string } | undefined;
  private readonly host: WorkerHost;
  private sandbox: Sandbox | undefined;
  private terminating = false;

  constructor(host: WorkerHost, pod: V1Pod, source: 'file' | 'api') {
    this.host = host;
    this.pod = pod;
    this.source = source;
  }

  get uid(): string {
    return this.pod.metadata?.uid ?? '';
  }

  get isTerminating(): boolean {
    return this.terminating;
  }

  /** Starts the pod, or takes over what an earlier kubelet left running. */
  begin(): void {
    this.sandbox = this.host.runtime.sandboxesOf(this.uid).find(({ ready }) => ready);
    if (this.sandbox === undefined) {
      this.createMirror(this.host.schedule.nowMs);
      return;
    }
    for (const spec of this.containers()) {
      if (this.newest(spec.name)?.state !== 'running') this.restart(spec, 'main');
    }
    this.host.statusChanged(this);
  }

  /** Same UID, new content: from 1.31 on only name and image decide whether a container restarts. */
  update(pod: V1Pod): void {
    const before = this.pod;
    this.pod = pod;
    for (const spec of this.containers()) {
      const old = before.spec?.containers.find(({ name }) => name === spec.name);
      const running = this.newest(spec.name);
      if (old?.image !== spec.image && running?.state === 'running') this.host.runtime.killContainer(running);
    }
  }

  stop(): void {
    if (this.terminating) return;
    this.terminating = true;
    this.host.tell(this.pod, 'stopping');
    this.host.runtime.terminatePod(this.uid);
    this.finishWhenDead();
  }

  exited(container: ContainerRecord): void {
    if (this.terminating) {
      this.finishWhenDead();
      return;
    }
    this.host.tell(this.pod, `${container.name} exited with ${container.exitCode} (${container.reason})`);
    const inits = this.pod.spec?.initContainers ?? [];
    const init = inits.findIndex(({ name }) => name === container.name);
    const spec = inits[init] ?? this.containers().find(({ name }) => name === container.name);
    if (spec === undefined) return;
    if (init >= 0 && container.exitCode === 0) {
      this.runInit(init + 1);
      return;
    }
    const { sandbox } = this;
    this.host.statusChanged(this);
    if (sandbox === undefined) return;
    // By then it may have been removed; then there is no back-off to count.
    this.whenFree(this.nextLookMs(sandbox), () => {
      // A dead sandbox takes all of its pod along: `sandboxStopped` starts it anew.
      if (this.sandbox === sandbox && sandbox.ready) this.restart(spec, init >= 0 ? 'init' : 'main');
    });
  }

  /** Somebody stopped its sandbox: at its next look at the runtime the kubelet makes another one. */
  sandboxStopped(): void {
    if (this.terminating) return;
    this.sandbox = undefined;
    // Its volumes are mounted still.
    this.whenFree(this.host.delays.runtimeRelist, () => this.runSandbox());
  }

  newest(name: string): ContainerRecord | undefined {
    return this.host.runtime
      .containersOf(this.uid)
      .filter((container) => container.name === name)
      .sort((a, b) => b.attempt - a.attempt)[0];
  }

  containers(): readonly V1Container[] {
    return this.pod.spec?.containers ?? [];
  }

  /** All containers run, and those that have something to be ready for are. */
  get isReady(): boolean {
    return this.containers().every(({ name }) => this.newest(name)?.process?.serving === true);
  }

  /** All that its status shows, in one word, to tell whether there is something to report. */
  get appearance(): string {
    const parts = this.containers().map(({ name }) => {
      const container = this.newest(name);
      return `${container?.attempt}/${container?.state}/${container?.process?.serving}`;
    });
    return `${parts.join()} ${this.waiting}`;
  }

  /** A static pod is started once the call that creates its mirror pod has come to an end, whatever the end. */
  private createMirror(sinceMs: number): void {
    const { schedule, delays } = this.host;
    const waits = this.source === 'file' && schedule.nowMs - sinceMs < delays.mirrorCall;
    if (waits && this.host.apiHangs()) this.later(CALL_LOOK_MS, () => this.createMirror(sinceMs));
    else this.mount();
  }

  private mount(): void {
    const problem = this.host.mountProblem(this);
    if (problem !== undefined) {
      this.wait(`ContainerCreating: ${problem}`);
      this.later(this.host.delays.mountRetry, () => this.mount());
      return;
    }
    this.runSandbox();
  }

  private runSandbox(): void {
    this.later(this.host.delays.sandbox, () => {
      this.sandbox = this.host.runtime.runSandbox(this.pod, this.source);
      this.runInit(0);
    });
  }

  private runInit(index: number): void {
    const init = this.pod.spec?.initContainers?.[index];
    if (init !== undefined) {
      this.launch(init, 'init');
      return;
    }
    for (const spec of this.containers()) this.restart(spec, 'main');
  }

  /** Starts a container, after its back-off where one of its name has ended before. */
  private restart(spec: V1Container, kind: 'init' | 'main'): void {
    const { backoff, schedule } = this.host;
    const ended = this.newest(spec.name);
    const { sandbox } = this;
    if (ended === undefined) {
      this.launch(spec, kind);
      return;
    }
    const isSame = (): boolean => this.sandbox === sandbox && (this.newest(spec.name) ?? ended) === ended;
    const leftMs = (): number => backoff.remainingMs(this.uid, spec.name, ended.finishedAtMs, schedule.nowMs);
    const look = (): void => {
      if (!isSame()) return;
      const waitMs = leftMs();
      if (waitMs > 0) {
        this.waiting = 'CrashLoopBackOff';
        this.whenFree(this.host.backOffLookMs(waitMs), look);
        return;
      }
      backoff.restarted(this.uid, spec.name, ended.finishedAtMs, schedule.nowMs);
      this.launch(spec, kind);
    };
    this.whenFree(0, look);
    // Two events in one look, such as a new sandbox and a container that died, and it looks at the pod again at the next
    // one: the second waits for a newer state of the pod (pod_workers.go, GetNewerThan).
    const isNew = sandbox !== undefined && schedule.nowMs - sandbox.createdAtMs < this.lookPeriodMs;
    if (leftMs() === 0 || !isNew) return;
    this.whenFree(this.lookPeriodMs, () => {
      if (isSame() && this.newest(spec.name) === undefined) this.launch(spec, kind);
    });
  }

  private launch(spec: V1Container, kind: 'init' | 'main'): void {
    const { runtime, delays } = this.host;
    const { sandbox } = this;
    if (sandbox === undefined) return;
    const problem = this.launchProblem(spec);
    if (problem !== undefined) {
      this.wait(problem);
      this.later(this.host.retryMs(), () => {
        if (this.sandbox === sandbox) this.launch(spec, kind);
      });
      return;
    }
    const container = runtime.createContainer(this.pod, sandbox, spec);
    this.later(delays.containerStart, () => {
      if (runtime.containers.get(container.id) === undefined) return;
      if (this.sandbox?.id !== container.sandboxId) {
        runtime.failStart(container);
        return;
      }
      this.waiting = '';
      runtime.startContainer(container, programOf(this.pod, spec, kind, delays));
      this.host.statusChanged(this);
    });
  }

  private launchProblem({ image = '', imagePullPolicy }: V1Container): string | undefined {
    if (this.source === 'api' && !this.host.knowsServices) {
      return 'CreateContainerConfigError: services have not yet been read at least once';
    }
    // No registry in this world: IfNotPresent finds the image or waits, Always never falls back to the local one.
    const has = imagePullPolicy !== 'Always' && this.host.runtime.images.has(image);
    return has ? undefined : `ImagePullBackOff: ${image}`;
  }

  private finishWhenDead(): void {
    const { runtime } = this.host;
    if (runtime.containersOf(this.uid).some(({ state }) => state === 'running')) return;
    for (const sandbox of runtime.sandboxesOf(this.uid)) sandbox.ready = false;
    runtime.removePod(this.uid);
    this.host.stopped(this);
  }

  private wait(reason: string): void {
    if (this.waiting === reason) return;
    this.waiting = reason;
    this.host.tell(this.pod, reason);
    this.host.statusChanged(this);
  }

  /** From one look of the kubelet at the runtime to the next. */
  private get lookPeriodMs(): number {
    return 2 * this.host.delays.runtimeRelist;
  }

  /** Until it sees what ended in a sandbox: another time for each, half a period on average. */
  private nextLookMs({ id }: Sandbox): number {
    return Number.parseInt(id.slice(0, 4), 16) % this.lookPeriodMs;
  }

  private whenFree(delayMs: number, run: () => void): void {
    this.later(delayMs, () => {
      if (this.host.waitsForCall) this.whenFree(CALL_LOOK_MS, run);
      else run();
    });
  }

  private later(delayMs: number, run: () => void): void {
    const step = (): void => {
      if (this.terminating) return;
      // The runtime is restarting: the kubelet tries again.
      if (this.host.runtime.up) run();
      else this.later(this.host.delays.mountRetry, run);
    };
    this.host.schedule.after(delayMs, step, this.host.life);
  }
}
