// Model: the DaemonSet controller, the garbage collector and the scheduler. Each acts only while a process of its
// role leads and the API serves, so the deadlocks of a self-hosted control plane come out by themselves.

import type { V1DaemonSet, V1Node, V1Pod } from '@kubernetes/client-node';
import { daemonPod, deletePod, templateHash } from './api-objects.ts';
import type { Availability } from './availability.ts';
import type { Delays } from './delays.ts';
import type { ObjectStore } from './object-store.ts';
import type { Random } from './random.ts';
import type { Schedule } from './schedule.ts';
import type { Story } from './story.ts';

export class ControllersModel {
  private readonly store: ObjectStore;
  private readonly availability: Availability;
  private readonly schedule: Schedule;
  private readonly random: Random;
  private readonly delays: Delays;
  private readonly story: Story;
  private pending = false;
  /** Over Failed pods, by DaemonSet and node: 1 s doubling to 15 minutes. */
  private readonly failures = new Map<string, { count: number; notBeforeMs: number }>();

  constructor(world: {
    store: ObjectStore;
    availability: Availability;
    schedule: Schedule;
    random: Random;
    delays: Delays;
    story: Story;
  }) {
    this.store = world.store;
    this.availability = world.availability;
    this.schedule = world.schedule;
    this.random = world.random;
    this.delays = world.delays;
    this.story = world.story;
    this.store.onChange(() => this.poke());
  }

  /** Something may be to do: look soon. Asked for at every change; many asks make one look. */
  poke(): void {
    if (this.pending) return;
    this.pending = true;
    this.schedule.after(this.delays.controllerSync, () => {
      this.pending = false;
      this.sync();
    });
  }

  private sync(): void {
    if (this.availability.leads('kube-controller-manager')) {
      this.collectOrphans();
      for (const daemonSet of this.store.list('daemonsets')) this.syncDaemonSet(daemonSet);
    }
    if (this.availability.leads('kube-scheduler')) this.schedulePods();
  }

  private collectOrphans(): void {
    const owners = new Set(this.store.list('daemonsets').map(({ metadata }) => metadata?.uid));
    for (const pod of this.store.list('pods')) {
      const owner = pod.metadata?.ownerReferences?.[0];
      if (owner?.kind === 'DaemonSet' && !owners.has(owner.uid)) this.delete(pod, 'its DaemonSet is gone');
    }
  }

  private syncDaemonSet(daemonSet: V1DaemonSet): void {
    const owned = this.store
      .list('pods')
      .filter((pod) => pod.metadata?.ownerReferences?.[0]?.uid === daemonSet.metadata?.uid);
    let unavailable = 0;
    const outdated: V1Pod[] = [];
    for (const node of this.store.list('nodes')) {
      const here = owned.filter((pod) => targetNode(pod) === node.metadata?.name);
      if (!wants(daemonSet, node)) {
        for (const pod of here) this.delete(pod, 'its node is not selected any more');
        continue;
      }
      // A pod that terminates still counts as there: no second one before it is gone.
      if (here.length === 0) this.create(daemonSet, node);
      const live = here.filter((pod) => pod.metadata?.deletionTimestamp === undefined);
      for (const pod of live.filter(isFailed)) this.replaceFailed(daemonSet, node, pod);
      const running = live.filter((pod) => !isFailed(pod));
      if (!running.some(isReady)) unavailable += 1;
      outdated.push(...running.filter((pod) => !isUpToDate(pod, daemonSet)));
    }
    // RollingUpdate with maxUnavailable 1: the old pod is deleted before a new one is made, one node at a time.
    for (const pod of outdated) {
      if (isReady(pod) && unavailable > 0) continue;
      if (isReady(pod)) unavailable += 1;
      this.delete(pod, 'rolling update');
    }
  }

  private create(daemonSet: V1DaemonSet, node: V1Node): void {
    const pod = daemonPod(daemonSet, node.metadata?.name ?? '', this.random, this.schedule.nowMs);
    this.store.put('pods', pod);
    this.story.tell('controller-manager', `created ${pod.metadata?.name} for ${node.metadata?.name}`);
  }

  private delete(pod: V1Pod, reason: string): void {
    const { namespace = '', name = '', deletionTimestamp } = pod.metadata ?? {};
    if (deletionTimestamp !== undefined) return;
    deletePod(this.store, namespace, name, this.schedule.nowMs);
    this.story.tell('controller-manager', `deleted ${name}: ${reason}`);
  }

  private replaceFailed(daemonSet: V1DaemonSet, node: V1Node, pod: V1Pod): void {
    const key = `${daemonSet.metadata?.uid}/${node.metadata?.name}`;
    const failure = this.failures.get(key) ?? { count: 0, notBeforeMs: 0 };
    const waitMs = failure.notBeforeMs - this.schedule.nowMs;
    if (waitMs > 0) {
      this.schedule.after(waitMs, () => this.poke());
      return;
    }
    const backoffMs = Math.min(
      this.delays.failedPodBackoff * 2 ** failure.count,
      this.delays.failedPodBackoff * 900,
    );
    this.failures.set(key, { count: failure.count + 1, notBeforeMs: this.schedule.nowMs + backoffMs });
    this.delete(pod, `Failed (${pod.status?.reason ?? 'unknown'})`);
  }

  /** A DaemonSet's pods go through the scheduler as all others do: without one they stay Pending. */
  private schedulePods(): void {
    for (const pod of this.store.list('pods')) {
      if (pod.spec === undefined || pod.spec.nodeName !== undefined) continue;
      const nodeName = targetNode(pod) ?? this.store.list('nodes')[0]?.metadata?.name;
      if (nodeName === undefined) continue;
      this.store.put('pods', { ...pod, spec: { ...pod.spec, nodeName } });
      this.story.tell('scheduler', `bound ${pod.metadata?.name} to ${nodeName}`);
    }
  }
}

export function isReady(pod: V1Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

function isFailed(pod: V1Pod): boolean {
  return pod.status?.phase === 'Failed';
}

/** Made from the template as it is now. */
export function isUpToDate(pod: V1Pod, daemonSet: V1DaemonSet): boolean {
  return pod.metadata?.labels?.['controller-revision-hash'] === templateHash(daemonSet);
}

function wants(daemonSet: V1DaemonSet, node: V1Node): boolean {
  const selector = daemonSet.spec?.template.spec?.nodeSelector ?? {};
  return Object.entries(selector).every(([key, value]) => node.metadata?.labels?.[key] === value);
}

function targetNode(pod: V1Pod): string | undefined {
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return pod.spec?.nodeName ?? required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0];
}
