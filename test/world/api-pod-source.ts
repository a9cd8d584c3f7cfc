// Model: the kubelet's source of pods from the API (its reflector). It lists a moment after the API is back, follows
// changes while it serves, and keeps the last list while it is away. `listedOnce` never goes back: "sources ready".

import type { V1Pod } from '@kubernetes/client-node';
import { ownLabels } from './admission.ts';
import { apiTime } from './api-objects.ts';
import type { KubeletSurroundings } from './kubelet-surroundings.ts';
import { isMirror } from './pod-status.ts';
import type { Life } from './schedule.ts';

export class ApiPodSource {
  pods: readonly V1Pod[] = [];
  /** Those of its static pods, as it knows them. */
  mirrors: readonly V1Pod[] = [];
  listedOnce = false;
  private connected = false;
  private pending = false;
  private readonly around: KubeletSurroundings;
  private readonly life: Life;
  private readonly listed: (first: boolean) => void;

  constructor(around: KubeletSurroundings, life: Life, listed: (first: boolean) => void) {
    this.around = around;
    this.life = life;
    this.listed = listed;
  }

  /** Whether what the kubelet writes now arrives. */
  get online(): boolean {
    return this.connected && this.serves();
  }

  /** Availability, or an object of the API, may have changed. */
  look(): void {
    if (!this.serves()) {
      this.connected = false;
      return;
    }
    if (this.pending) return;
    this.pending = true;
    const { delays, schedule } = this.around;
    schedule.after(
      this.connected ? delays.watchLatency : delays.kubeletRelist,
      () => {
        this.pending = false;
        if (this.serves()) this.list();
      },
      this.life,
    );
  }

  private serves(): boolean {
    return this.around.availability.answerTo(this.around.node) === 'serving';
  }

  private list(): void {
    const { node, store } = this.around;
    this.connected = true;
    this.registerNode();
    const own = store.list('pods').filter(({ spec }) => spec?.nodeName === node);
    this.pods = own.filter((pod) => !isMirror(pod));
    this.mirrors = own.filter(isMirror);
    const first = !this.listedOnce;
    this.listedOnce = true;
    this.listed(first);
  }

  /** A Node that an emptied etcd lost is registered again: another UID, and no label that a person gave it. */
  private registerNode(): void {
    const { node, store, random, schedule } = this.around;
    if (store.get('nodes', undefined, node) !== undefined) return;
    const creationTimestamp = apiTime(schedule.nowMs);
    const metadata = { name: node, uid: random.uuid(), labels: ownLabels(node), creationTimestamp };
    store.put('nodes', { apiVersion: 'v1', kind: 'Node', metadata });
  }
}
