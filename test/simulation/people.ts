// What people do with kubectl: update, delete, and mend what they broke. They need an API that serves, and wait for it.

import type { V1DaemonSet } from '@kubernetes/client-node';
import { ownLabels } from '../world/admission.ts';
import { deletePod } from '../world/api-objects.ts';
import { SECRET_MARKER } from '../world/control-plane.ts';
import type { World } from '../world/world.ts';
import type { Content } from './faults.ts';

const NAMESPACE = 'kube-system';
const TRY_AGAIN_MS = 1_000;
const LEAKY_MS = 8_000;

export class People {
  private readonly world: World;
  private readonly original = new Map<string, V1DaemonSet>();
  /** Of the node, with its role. */
  private readonly labels: Readonly<Record<string, string>>;
  private version = 0;
  private readonly queue: { readonly what: string; readonly deed: () => void }[] = [];
  /** Manifests to be applied again later. */
  private later = 0;

  constructor(world: World) {
    this.world = world;
    for (const daemonSet of world.store.list('daemonsets')) {
      this.original.set(daemonSet.metadata?.name ?? '', daemonSet);
    }
    this.labels = world.store.list('nodes')[0]?.metadata?.labels ?? {};
  }

  get busy(): boolean {
    return this.queue.length + this.later > 0;
  }

  update(workload: string, content: Content): void {
    this.do(`update ${workload} (${content})`, () => {
      const daemonSet = this.world.store.get('daemonsets', NAMESPACE, workload);
      if (daemonSet !== undefined) this.write(daemonSet, workload, content);
    });
  }

  /** Every workload that is still wanted gets content that works. */
  mendAll(): void {
    this.do('mend what is broken', () => {
      for (const daemonSet of this.world.store.list('daemonsets')) {
        const args = daemonSet.spec?.template.spec?.containers[0]?.args ?? [];
        const image = daemonSet.spec?.template.spec?.containers[0]?.image ?? '';
        if ([...args, image].some((word) => /^--no-such-flag|^--crash-after-ms|:missing$/.test(word))) {
          this.write(daemonSet, daemonSet.metadata?.name ?? '', 'good');
        }
      }
    });
  }

  changeSecret(workload: string): void {
    const name =
      workload.startsWith('kube-c') || workload.startsWith('kube-s') ? workload : `${workload}-certs`;
    this.do(`change secret ${name}`, () => {
      const secret = this.world.store.get('secrets', NAMESPACE, name);
      if (secret === undefined) return;
      this.version += 1;
      const text = `${SECRET_MARKER} ${name}/tls.crt, version ${this.version}`;
      this.world.store.put('secrets', {
        ...secret,
        data: { ...secret.data, 'tls.crt': Buffer.from(text).toString('base64') },
      });
    });
  }

  deletePods(workload: string): void {
    this.do(`delete the pods of ${workload}`, () => {
      const { store, nowMs } = this.world;
      for (const { metadata } of store.list('pods')) {
        if (metadata?.ownerReferences?.[0]?.name !== workload) continue;
        deletePod(store, NAMESPACE, metadata.name ?? '', nowMs);
      }
    });
  }

  deleteDaemonSet(workload: string, againMs: number | undefined): void {
    this.do(`delete DaemonSet ${workload}`, () => {
      this.world.store.remove('daemonsets', NAMESPACE, workload);
      if (againMs === undefined) return;
      this.later += 1;
      this.world.schedule.after(againMs, () => {
        this.later -= 1;
        this.apply(workload);
      });
    });
  }

  removeRole(node: string, forMs: number): void {
    this.do(`take the role from ${node}`, () => {
      const before = this.world.store.get('nodes', undefined, node);
      if (before?.metadata === undefined) return;
      this.world.store.put('nodes', { ...before, metadata: { ...before.metadata, labels: ownLabels(node) } });
      this.later += 1;
      this.world.schedule.after(forMs, () => {
        this.later -= 1;
        this.do(`give ${node} its role again`, () => {
          const now = this.world.store.get('nodes', undefined, node);
          const { labels } = this;
          if (now?.metadata !== undefined)
            this.world.store.put('nodes', { ...now, metadata: { ...now.metadata, labels } });
        });
      });
    });
  }

  /** Applies the original manifest again, as its deployment tool does. */
  private apply(workload: string): void {
    this.do(`apply DaemonSet ${workload}`, () => {
      const original = this.original.get(workload);
      const { store, random } = this.world;
      if (original === undefined || store.get('daemonsets', NAMESPACE, workload) !== undefined) return;
      const metadata = { ...original.metadata, uid: random.uuid() };
      store.put('daemonsets', { ...original, metadata });
    });
  }

  private write(daemonSet: V1DaemonSet, workload: string, content: Content): void {
    const { spec } = this.original.get(workload) ?? daemonSet;
    const [container] = spec?.template.spec?.containers ?? [];
    if (spec?.template.spec === undefined || container === undefined) return;
    this.version += 1;
    const flag = {
      good: `--v=${this.version}`,
      bad: '--no-such-flag',
      leaky: `--crash-after-ms=${LEAKY_MS}`,
      missing: '--v=0',
    }[content];
    const image = content === 'missing' ? `${container.image?.split(':')[0]}:missing` : container.image;
    const changed = {
      ...container,
      ...(image === undefined ? {} : { image }),
      args: [...(container.args ?? []), flag],
    };
    const template = { ...spec.template, spec: { ...spec.template.spec, containers: [changed] } };
    this.world.store.put('daemonsets', { ...daemonSet, spec: { ...spec, template } });
  }

  private do(what: string, deed: () => void): void {
    this.queue.push({ what, deed });
    if (this.queue.length === 1) this.work();
  }

  /** One after another, as they were meant. */
  private work(): void {
    const { availability, schedule, story } = this.world;
    for (;;) {
      const [next] = this.queue;
      if (next === undefined) return;
      if (!availability.apiServing || availability.faults.frozen) break;
      this.queue.shift();
      story.tell('people', next.what);
      next.deed();
    }
    schedule.after(TRY_AGAIN_MS, () => this.work());
  }
}
