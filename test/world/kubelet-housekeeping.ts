// Model: the kubelet's housekeeping, every two seconds. It ends what nobody wants any more, and deletes the mirror pods of
// static pods that are gone; for such a call its whole loop waits (HandlePodCleanups).

import type { ApiPodSource } from './api-pod-source.ts';
import type { KubeletModel } from './kubelet-model.ts';
import type { KubeletSurroundings } from './kubelet-surroundings.ts';
import { orphansOf } from './pod-status.ts';
import { CALL_LOOK_MS } from './pod-worker.ts';

export class Housekeeping {
  /** The kubelet looks at nothing else meanwhile. */
  waits = false;
  private readonly kubelet: KubeletModel;
  private readonly around: KubeletSurroundings;
  private readonly api: ApiPodSource;
  private readonly free: () => void;

  constructor(kubelet: KubeletModel, around: KubeletSurroundings, api: ApiPodSource, free: () => void) {
    this.kubelet = kubelet;
    this.around = around;
    this.api = api;
    this.free = free;
  }

  run(): void {
    if (this.waits) return;
    this.killOrphans();
    this.deleteMirrors(this.around.schedule.nowMs);
  }

  /** Sandboxes of pods that nobody wants any more: left by an earlier kubelet, or by a boot. */
  private killOrphans(): void {
    const { runtime } = this.around;
    const { workers, sourcesReady } = this.kubelet;
    if (!sourcesReady || !runtime.up) return;
    for (const { uid } of [...runtime.sandboxes.values()]) {
      if (workers.has(uid)) continue;
      runtime.terminatePod(uid);
      const dead = runtime.containersOf(uid).every(({ state }) => state !== 'running');
      if (dead) runtime.removePod(uid);
    }
  }

  private deleteMirrors(sinceMs: number): void {
    const { availability, delays, node, schedule, store } = this.around;
    const left = orphansOf(this.api.mirrors, [...this.kubelet.workers.values()]).filter(
      ({ metadata }) =>
        store.get('pods', metadata?.namespace, metadata?.name ?? '')?.metadata?.uid === metadata?.uid,
    );
    const waited = this.waits;
    const inTime = schedule.nowMs - sinceMs < delays.mirrorDeletion;
    this.waits = left.length > 0 && inTime && this.kubelet.apiHangs();
    if (this.waits) {
      schedule.after(CALL_LOOK_MS, () => this.deleteMirrors(sinceMs), this.kubelet.life);
      return;
    }
    if (availability.answersFor(node)) {
      for (const { metadata } of left) store.remove('pods', metadata?.namespace, metadata?.name ?? '');
    }
    if (waited) this.free();
  }
}
