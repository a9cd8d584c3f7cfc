// Model: containerd. Sandboxes and containers with states and attempts, and the images. Records are on its disk:
// after a power loss everything is still listed, NOTREADY and EXITED, as the real one does; only processes are gone.

import type { V1Container, V1Pod } from '@kubernetes/client-node';
import type { HostProcess, HostProcesses } from './host-processes.ts';
import type { Program } from './programs.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';

export interface Sandbox {
  readonly id: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly attempt: number;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  ready: boolean;
}

export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly podUid: string;
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  state: 'created' | 'running' | 'exited';
  startedAtMs: number;
  finishedAtMs: number;
  exitCode: number;
  reason: string;
  process: HostProcess | undefined;
}

export class RuntimeModel {
  /** Whether the socket answers. */
  up = false;
  /** Grows with every change of a record. */
  revision = 0;
  readonly images = new Set<string>();
  readonly sandboxes = new Map<string, Sandbox>();
  readonly containers = new Map<string, ContainerRecord>();
  /** The kubelet's ear (PLEG); deaf while there is no kubelet. */
  onContainerExit: ((container: ContainerRecord) => void) | undefined;
  onSandboxStopped: ((podUid: string) => void) | undefined;
  private readonly schedule: Schedule;
  private readonly random: Random;
  private readonly processes: HostProcesses;

  constructor(schedule: Schedule, random: Random, processes: HostProcesses) {
    this.schedule = schedule;
    this.random = random;
    this.processes = processes;
  }

  sandboxesOf(podUid: string): Sandbox[] {
    return [...this.sandboxes.values()].filter(({ uid }) => uid === podUid);
  }

  containersOf(podUid: string): ContainerRecord[] {
    return [...this.containers.values()].filter((container) => container.podUid === podUid);
  }

  runSandbox(pod: V1Pod, source: 'file' | 'api'): Sandbox {
    const { uid = '', namespace = '', name = '', labels, annotations } = pod.metadata ?? {};
    const sandbox: Sandbox = {
      id: this.newId(),
      uid,
      namespace,
      name,
      attempt: this.sandboxesOf(uid).length,
      createdAtMs: this.schedule.nowMs,
      labels: { ...labels, ...podLabels(pod) },
      annotations: { ...annotations, 'kubernetes.io/config.source': source },
      ready: true,
    };
    this.sandboxes.set(sandbox.id, sandbox);
    this.revision += 1;
    return sandbox;
  }

  createContainer(pod: V1Pod, sandbox: Sandbox, spec: V1Container): ContainerRecord {
    const dead = this.containersOf(sandbox.uid).filter(({ name }) => name === spec.name);
    const attempt = dead.reduce((highest, one) => Math.max(highest, one.attempt + 1), 0);
    // The kubelet keeps one dead container of each name for its logs.
    for (const old of dead.slice(0, -1)) this.containers.delete(old.id);
    const container: ContainerRecord = {
      id: this.newId(),
      sandboxId: sandbox.id,
      podUid: sandbox.uid,
      name: spec.name,
      attempt,
      image: spec.image ?? '',
      createdAtMs: this.schedule.nowMs,
      labels: { ...podLabels(pod), 'io.kubernetes.container.name': spec.name },
      annotations: { 'io.kubernetes.container.restartCount': String(attempt) },
      state: 'created',
      startedAtMs: 0,
      finishedAtMs: 0,
      exitCode: 0,
      reason: '',
      process: undefined,
    };
    this.containers.set(container.id, container);
    this.revision += 1;
    return container;
  }

  startContainer(container: ContainerRecord, program: Program, warm = false): void {
    this.revision += 1;
    container.state = 'running';
    container.startedAtMs = this.schedule.nowMs;
    container.process = this.processes.start(program, container.id, warm, (code, reason) => {
      this.markExited(container, code, reason);
      this.onContainerExit?.(container);
    });
  }

  /** Its sandbox was stopped before it began: it ends as it is. */
  failStart(container: ContainerRecord): void {
    this.markExited(container, 128, 'StartError');
  }

  /** SIGTERM to every process of the pod; the sandbox is stopped by the kubelet once they are gone. */
  terminatePod(podUid: string): void {
    this.revision += 1;
    for (const { process } of this.containersOf(podUid)) {
      if (process !== undefined) this.processes.terminate(process);
    }
  }

  removePod(podUid: string): void {
    this.revision += 1;
    for (const container of this.containersOf(podUid)) this.containers.delete(container.id);
    for (const sandbox of this.sandboxesOf(podUid)) this.sandboxes.delete(sandbox.id);
  }

  /** Ends one container's process now, as the OOM killer or a test does. */
  killContainer(container: ContainerRecord, code = 137): void {
    if (container.process !== undefined) this.processes.end(container.process, code, 'Error');
  }

  /** StopPodSandbox: its processes are killed, it is not ready any more; one that is gone is fine. */
  stopSandbox(id: string): void {
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) return;
    sandbox.ready = false;
    for (const container of this.containersOf(sandbox.uid)) this.killContainer(container);
    this.revision += 1;
    this.onSandboxStopped?.(sandbox.uid);
  }

  /** RemoveContainer: one that runs is killed; one that is gone is fine. */
  removeContainer(id: string): void {
    const container = this.containers.get(id);
    if (container === undefined) return;
    // Gone before the kubelet looks: it counts no back-off for it.
    this.containers.delete(id);
    this.killContainer(container);
    this.revision += 1;
  }

  powerOff(): void {
    this.up = false;
    for (const sandbox of this.sandboxes.values()) sandbox.ready = false;
    for (const container of this.containers.values()) {
      // containerd reports a task that vanished with the machine as exited with 255, reason Unknown.
      if (container.state !== 'exited') this.markExited(container, 255, 'Unknown');
    }
  }

  private markExited(container: ContainerRecord, code: number, reason: string): void {
    this.revision += 1;
    container.state = 'exited';
    container.process = undefined;
    container.exitCode = code;
    container.reason = reason;
    container.finishedAtMs = this.schedule.nowMs;
  }

  private newId(): string {
    return `${this.random.uuid()}${this.random.uuid()}`.replaceAll('-', '');
  }
}

function podLabels(pod: V1Pod): Record<string, string> {
  return {
    'io.kubernetes.pod.name': pod.metadata?.name ?? '',
    'io.kubernetes.pod.namespace': pod.metadata?.namespace ?? '',
    'io.kubernetes.pod.uid': pod.metadata?.uid ?? '',
  };
}
