// Model: the kubelet, with its traps. Two sources of pods, files and API; one worker a pod.
// What it holds in memory dies with it; containers, files and the API's objects do not.

import type { V1Pod } from '@kubernetes/client-node';
import { admit, mountProblem, ownLabels, type Rejection } from './admission.ts';
import { ApiPodSource } from './api-pod-source.ts';
import { CrashBackoff } from './crash-backoff.ts';
import { CsiNode } from './csi-node.ts';
import type { Delays } from './delays.ts';
import { Housekeeping } from './kubelet-housekeeping.ts';
import type { KubeletSurroundings } from './kubelet-surroundings.ts';
import { createMirrors, writeRejection, writeStatus } from './pod-status.ts';
import { PodWorker, type WorkerHost } from './pod-worker.ts';
import { Reflector } from './reflector.ts';
import type { RuntimeModel } from './runtime-model.ts';
import type { Schedule } from './schedule.ts';
import { StaticPodConfig } from './static-pod-config.ts';

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
  private readonly services: Reflector;
  private readonly housekeeping: Housekeeping;
  private synced = '';
  private reported = '';

  /** `gaveUp` hears that it has ended itself. */
  constructor(around: KubeletSurroundings, gaveUp: () => void) {
    this.around = around;
    this.schedule = around.schedule;
    this.delays = around.delays;
    this.runtime = around.runtime;
    this.backoff = new CrashBackoff(around.delays);
    this.api = new ApiPodSource(around, this.life, (first) => this.apiListed(first));
    this.services = new Reflector(around, this.life, () => undefined);
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
    this.api.start();
    this.services.start();
    new CsiNode(around, this.life, gaveUp).start();
  }

  /** Before it has listed the services once, it makes no container of a pod of the API (getServiceEnvVarMap). */
  get knowsServices(): boolean {
    return this.services.listedOnce;
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
    this.services.look();
  }

  mountProblem(worker: PodWorker): string | undefined {
    const { availability, node, store, paths } = this.around;
    const namespace = worker.pod.metadata?.namespace;
    const objectExists = (resource: 'secrets' | 'configmaps', name: string): boolean =>
      store.get(resource, namespace, name) !== undefined;
    const online = availability.answerTo(node) === 'serving';
    return mountProblem(worker.pod, online ? objectExists : undefined, paths);
  }

  retryMs(): number {
    return this.jittered(this.delays.syncRetry);
  }

  backOffLookMs(waitMs: number): number {
    const { looksWhenBackOffEnds } = this.around.habits;
    return looksWhenBackOffEnds ? this.jittered(Math.min(waitMs, this.delays.podResync)) : this.retryMs();
  }

  /** So that pods that failed together are not looked at together (workerBackOffPeriodJitterFactor). */
  private jittered(ms: number): number {
    return this.around.random.between(ms, ms * 1.5);
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

  private apiListed(first: boolean): void {
    if (first) this.note('listed its pods from the API for the first time');
    this.sync();
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
    const { node, store } = this.around;
    const existing = this.workers.get(uid);
    if (existing !== undefined) {
      if (!existing.isTerminating && existing.pod !== pod) existing.update(pod);
      return;
    }
    if (this.rejected.has(uid)) return;
    if (source === 'file' && this.mustWait(uid, pod)) return;
    const admitted = [...this.workers.values()].map((worker) => worker.pod);
    // Before it knows its Node it has none but the labels that it gives itself (initialNode).
    const known = this.api.knowsNode ? store.get('nodes', undefined, node)?.metadata?.labels : undefined;
    const rejection = admit(pod, source, admitted, known ?? ownLabels(node));
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

  /**
   * One under a new UID waits for the old one of its name to be gone. The model takes the worst of one that is removed and
   * added with the same UID: it never starts (#105543).
   */
  private mustWait(uid: string, pod: V1Pod): boolean {
    if (this.terminatedStaticUids.has(uid)) return true;
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
