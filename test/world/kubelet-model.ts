// Model: the kubelet, with its traps. Two sources of pods, files and API; one worker a pod.
// What it holds in memory dies with it; containers, files and the API's objects do not.

import type { V1Pod } from '@kubernetes/client-node';
import { admit, mountProblem, ownLabels, type Rejection } from './admission.ts';
import { ApiPodSource } from './api-pod-source.ts';
import { CrashBackoff } from './crash-backoff.ts';
import type { Delays } from './delays.ts';
import { Housekeeping } from './kubelet-housekeeping.ts';
import type { KubeletSurroundings } from './kubelet-surroundings.ts';
import { createMirrors, writeRejection, writeStatus } from './pod-status.ts';
import { PodWorker, type WorkerHost } from './pod-worker.ts';
import type { RuntimeModel } from './runtime-model.ts';
import type { Schedule } from './schedule.ts';
import { StaticPodConfig } from './static-pod-config.ts';

const SERVICES_RELIST_MS_MAX = 30_000;

export class KubeletModel implements WorkerHost {
  readonly life = { alive: true };
  readonly schedule: Schedule;
  readonly delays: Delays;
  readonly runtime: RuntimeModel;
  readonly backoff: CrashBackoff;
  readonly workers = new Map<string, PodWorker>();
  private readonly around: KubeletSurroundings;
  private readonly config: StaticPodConfig;
  private readonly rejected = new Map<string, { pod: V1Pod; rejection: Rejection }>();
  private readonly terminatedStaticUids = new Set<string>();
  private readonly api: ApiPodSource;
  private readonly housekeeping: Housekeeping;
  private knowsOwnLabels: boolean;
  private servicesListed = false;
  private synced = '';
  private reported = '';

  /** `afterBoot`: the machine was just started, so this kubelet has never seen its Node object. */
  constructor(around: KubeletSurroundings, afterBoot: boolean) {
    this.around = around;
    this.schedule = around.schedule;
    this.delays = around.delays;
    this.runtime = around.runtime;
    this.backoff = new CrashBackoff(around.delays);
    this.knowsOwnLabels = !(afterBoot && around.behaviour.rejectsAfterBoot);
    this.api = new ApiPodSource(around, this.life, (first) => this.apiListed(first));
    this.housekeeping = new Housekeeping(this, around, this.api, () => this.sync());
    this.config = new StaticPodConfig(around.files, around.node, (problem) => this.note(problem));
    this.runtime.onContainerExit = (container) => this.workers.get(container.podUid)?.exited(container);
    this.runtime.onSandboxStopped = (podUid) => this.workers.get(podUid)?.sandboxStopped();
    this.config.relist();
    this.every(this.delays.staticRelist, () => this.config.relist());
    this.every(this.delays.housekeeping, () => this.housekeeping.run());
    this.every(this.delays.readinessPeriod, () => this.writeStatuses());
    this.note('started');
    this.sync();
    this.apiMayHaveChanged();
    this.listServices(this.delays.servicesRelist);
  }

  /** Before it has listed the services once, it makes no container of a pod of the API (1.20, makeEnvironmentVariables). */
  get knowsServices(): boolean {
    return this.servicesListed;
  }

  get waitsForCall(): boolean {
    return this.housekeeping.waits;
  }

  /** It has listed its pods from the API once in its life; before, removals are ignored (#116880). */
  get sourcesReady(): boolean {
    return this.api.listedOnce;
  }

  /** kill -9: containers run on, unmanaged. */
  kill(): void {
    this.life.alive = false;
    this.runtime.onContainerExit = undefined;
    this.runtime.onSandboxStopped = undefined;
  }

  fileChanged(name: string): void {
    this.config.fileChanged(name);
    this.sync();
  }

  /** Availability, or an object of the API, changed. */
  apiMayHaveChanged(): void {
    this.api.look();
  }

  mountProblem(worker: PodWorker): string | undefined {
    const { availability, node, store, paths } = this.around;
    const namespace = worker.pod.metadata?.namespace;
    const objectExists = (resource: 'secrets' | 'configmaps', name: string): boolean =>
      store.get(resource, namespace, name) !== undefined;
    const online = availability.answerTo(node) === 'serving';
    return mountProblem(worker.pod, worker.source, online ? objectExists : undefined, paths);
  }

  apiHangs(): boolean {
    const { availability, node } = this.around;
    const answer = availability.answerTo(node);
    return answer === 'silent' || answer === 'unready';
  }

  statusChanged(worker: PodWorker): void {
    if (this.api.online) writeStatus(this.around.store, worker, this.schedule.nowMs);
  }

  stopped(worker: PodWorker): void {
    this.workers.delete(worker.uid);
    if (worker.source === 'file') this.terminatedStaticUids.add(worker.uid);
    this.tell(worker.pod, 'gone');
    this.sync();
  }

  tell(pod: V1Pod, what: string): void {
    this.around.story.tell(`${this.around.node}/${pod.metadata?.name}`, what);
  }

  private note(what: string): void {
    this.around.story.tell(`${this.around.node}/kubelet`, what);
  }

  private every(periodMs: number, run: () => void): void {
    const step = (): void => {
      run();
      if (this.situation() !== this.synced) this.sync();
      this.schedule.after(periodMs, step, this.life);
    };
    this.schedule.after(periodMs, step, this.life);
  }

  /** Its reflector asks again and again, each time after twice as long, up to 30 s. */
  private listServices(againMs: number): void {
    const { availability, node } = this.around;
    this.servicesListed = availability.answerTo(node) === 'serving';
    if (this.servicesListed) return;
    const nextMs = Math.min(againMs * 2, SERVICES_RELIST_MS_MAX);
    this.schedule.after(againMs, () => this.listServices(nextMs), this.life);
  }

  private apiListed(first: boolean): void {
    if (first) this.note('listed its pods from the API for the first time');
    this.sync();
    // Pods of the first list were admitted without the role label; from now on it is known.
    this.knowsOwnLabels = true;
  }

  /** All that a sync depends on, in one word: a kubelet at rest costs a simulation next to nothing. */
  private situation(): string {
    const { availability, runtime, store } = this.around;
    const inputs = [runtime.revision, availability.revision, store.resourceVersion, this.config.revision];
    return `${inputs.join()} ${this.api.online}`;
  }

  /** Brings the workers in line with both sources, and the API in line with the workers. */
  private sync(): void {
    if (this.waitsForCall) return;
    const desired = new Map<string, { pod: V1Pod; source: 'file' | 'api' }>();
    for (const pod of this.config.desired()) desired.set(pod.metadata?.uid ?? '', { pod, source: 'file' });
    for (const pod of this.api.pods) {
      if (pod.metadata?.deletionTimestamp !== undefined) this.finishDeletion(pod);
      else if (pod.status?.phase !== 'Failed') desired.set(pod.metadata?.uid ?? '', { pod, source: 'api' });
    }
    for (const [uid, worker] of this.workers) {
      if (desired.has(uid) || worker.isTerminating) continue;
      // "skipping delete because sources aren't ready yet"
      if (this.sourcesReady) worker.stop();
    }
    for (const uid of this.rejected.keys()) {
      if (!desired.has(uid)) this.rejected.delete(uid);
    }
    for (const [uid, { pod, source }] of desired) this.want(uid, pod, source);
    if (this.api.online) {
      const { store, node } = this.around;
      createMirrors(store, node, [...this.workers.values()], this.schedule.nowMs);
    }
    this.synced = this.situation();
  }

  private want(uid: string, pod: V1Pod, source: 'file' | 'api'): void {
    const { behaviour, node, store } = this.around;
    const existing = this.workers.get(uid);
    if (existing !== undefined) {
      if (!existing.isTerminating && existing.pod !== pod) existing.update(pod);
      return;
    }
    if (this.rejected.has(uid)) return;
    if (source === 'file' && this.mustWait(uid, pod)) return;
    const admitted = [...this.workers.values()].map((worker) => worker.pod);
    const role = store.get('nodes', undefined, node)?.metadata?.labels;
    const known = this.knowsOwnLabels && this.sourcesReady ? role : undefined;
    const rejection = admit(pod, source, admitted, known ?? ownLabels(node), behaviour);
    if (rejection !== undefined) {
      this.rejected.set(uid, { pod, rejection });
      this.tell(pod, `rejected: ${rejection.message}`);
      if (source === 'api' && this.api.online) writeRejection(store, pod, rejection);
      return;
    }
    const worker = new PodWorker(this, pod, source);
    this.workers.set(uid, worker);
    this.tell(pod, `starting (${source === 'file' ? 'static' : 'from the API'})`);
    worker.begin();
  }

  private mustWait(uid: string, pod: V1Pod): boolean {
    const { behaviour } = this.around;
    if (!behaviour.sameUidStartsAgain && this.terminatedStaticUids.has(uid)) return true;
    if (!behaviour.newUidWaitsForOld) return false;
    return [...this.workers.values()].some(
      (worker) =>
        worker.pod.metadata?.name === pod.metadata?.name &&
        worker.pod.metadata?.namespace === pod.metadata?.namespace,
    );
  }

  /** Once a deleted pod's containers are dead, the kubelet takes its object out of the API. */
  private finishDeletion(pod: V1Pod): void {
    const { namespace, name = '', uid = '' } = pod.metadata ?? {};
    if (this.workers.has(uid) || !this.api.online) return;
    if (this.runtime.containersOf(uid).some(({ state }) => state === 'running')) return;
    const current = this.around.store.get('pods', namespace, name);
    if (current?.metadata?.uid === uid) this.around.store.remove('pods', namespace, name);
  }

  /** Readiness and restarts reach the API at the probe's pace, and after the API was away. */
  private writeStatuses(): void {
    const { store } = this.around;
    if (!this.api.online || this.situation() === this.reported) return;
    for (const worker of this.workers.values()) writeStatus(store, worker, this.schedule.nowMs);
    for (const { pod, rejection } of this.rejected.values()) writeRejection(store, pod, rejection);
    this.reported = this.situation();
  }
}
