// Model: the kubelet's source of pods from the API. It begins once the Node is known, which it looks at every second
// (pkg/kubelet/config/apiserver.go), so that a pod is never judged without the Node's labels. It follows changes while the
// API serves, and keeps the last list while it is away. `listedOnce` never goes back: "sources ready".

import type { V1Pod } from '@kubernetes/client-node';
import { ownLabels } from './admission.ts';
import { apiTime } from './api-objects.ts';
import type { KubeletSurroundings } from './kubelet-surroundings.ts';
import { isMirror } from './pod-status.ts';
import { Reflector } from './reflector.ts';
import type { Life } from './schedule.ts';

export class ApiPodSource {
  pods: readonly V1Pod[] = [];
  /** Those of its static pods, as it knows them. */
  mirrors: readonly V1Pod[] = [];
  private readonly node: Reflector;
  private readonly list: Reflector;
  private pending = false;
  private told = false;
  private readonly around: KubeletSurroundings;
  private readonly life: Life;
  private readonly listed: (first: boolean) => void;

  constructor(around: KubeletSurroundings, life: Life, listed: (first: boolean) => void) {
    this.around = around;
    this.life = life;
    this.listed = listed;
    this.node = new Reflector(around, life, () => this.registerNode());
    this.list = new Reflector(around, life, () => this.read());
  }

  start(): void {
    this.node.start();
    this.awaitNode();
  }

  get listedOnce(): boolean {
    return this.list.listedOnce;
  }

  get knowsNode(): boolean {
    return this.node.listedOnce;
  }

  /** Whether what the kubelet writes now arrives. */
  get online(): boolean {
    return this.list.connected && this.answers();
  }

  /** Availability, or an object of the API, may have changed. */
  look(): void {
    this.node.look();
    this.list.look();
    if (this.pending || !this.online) return;
    this.pending = true;
    const follow = (): void => {
      this.pending = false;
      if (this.online) this.read();
    };
    this.around.schedule.after(this.around.delays.watchLatency, follow, this.life);
  }

  private awaitNode(): void {
    if (this.knowsNode) this.list.start();
    else this.around.schedule.after(this.around.delays.nodeLook, () => this.awaitNode(), this.life);
  }

  private answers(): boolean {
    return this.around.availability.answersFor(this.around.node);
  }

  private read(): void {
    const { node, store } = this.around;
    this.registerNode();
    const own = store.list('pods').filter(({ spec }) => spec?.nodeName === node);
    const first = !this.told;
    this.told = true;
    this.pods = own.filter((pod) => !isMirror(pod));
    this.mirrors = own.filter(isMirror);
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
