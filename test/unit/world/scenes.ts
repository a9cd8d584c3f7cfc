// Scenes for the tests of the world: a node after its pivot under a virtual clock, and static manifests to put on it.

import type { V1Pod, V1PodSpec } from '@kubernetes/client-node';
import { beginPivoted, type ControlPlaneOptions } from '../../world/control-plane.ts';
import { isReady } from '../../world/controllers-model.ts';
import type { KubeletHabits } from '../../world/kubelet-habits.ts';
import { MemoryFiles } from '../../world/static-pod-files.ts';
import { World } from '../../world/world.ts';

export const START_MS = Date.UTC(2026, 0, 1);

export interface SceneOptions {
  readonly seed?: number;
  readonly kubelet?: KubeletHabits;
  readonly controlPlane?: ControlPlaneOptions;
  readonly missingPaths?: readonly string[];
}

export class Scene {
  readonly world: World;
  readonly files = new MemoryFiles();

  /** `pivoted: false` gives an empty node that is powered on and has no API. */
  constructor(options: SceneOptions & { pivoted?: boolean } = {}) {
    this.world = new World({
      seed: options.seed ?? 7,
      nowMs: START_MS,
      files: () => this.files,
      paths: { kind: (path) => (options.missingPaths?.includes(path) ? 'absent' : 'directory') },
      ...(options.kubelet === undefined ? {} : { kubelet: options.kubelet }),
    });
    this.node.runtime.images.add('image:v1').add('image:v2');
    if (options.pivoted === false) this.node.powerOn();
    else beginPivoted(this.world, options.controlPlane);
    if (options.pivoted !== false) this.seconds(5);
  }

  /** A power loss of some seconds; `meanwhile` is what an agent had written before it. */
  powerCycle(meanwhile: () => void = () => undefined): void {
    this.node.powerOff();
    meanwhile();
    this.seconds(5);
    this.node.powerOn();
  }

  get node() {
    return this.world.node('n1');
  }

  seconds(count: number): void {
    this.world.advance(this.world.nowMs + count * 1000);
  }

  /** Seconds until `holds`, looking every 50 ms; fails with the story. */
  secondsUntil(holds: () => boolean, bound: number): number {
    const startMs = this.world.nowMs;
    while (!holds()) {
      if (this.world.nowMs - startMs > bound * 1000) {
        throw new Error(`not within ${bound} s\n${this.world.story}`);
      }
      this.world.advance(this.world.nowMs + 50);
    }
    return (this.world.nowMs - startMs) / 1000;
  }

  /** Pods of the API that are no mirrors, by the name of their DaemonSet. */
  parent(workload: string): V1Pod | undefined {
    return this.world.store
      .list('pods')
      .find(
        (pod) => pod.metadata?.ownerReferences?.[0]?.name === workload && pod.metadata?.name !== workload,
      );
  }

  allParentsReady(): boolean {
    return this.world.store.list('daemonsets').every(({ metadata }) => {
      const parent = this.parent(metadata?.name ?? '');
      return parent !== undefined && isReady(parent);
    });
  }

  /** Whether a container of this pod's name runs. */
  runs(podName: string): boolean {
    return [...this.node.runtime.containers.values()].some(
      ({ state, labels }) => state === 'running' && labels['io.kubernetes.pod.name'] === podName,
    );
  }

  /** What an agent would write for each workload: the parent without API objects, ports and selector, under a new UID. */
  activateAll(round = 1): void {
    for (const { metadata, spec } of this.world.store.list('daemonsets')) {
      const template = spec?.template.spec;
      const name = metadata?.name ?? '';
      if (template === undefined) continue;
      const { nodeSelector: _selector, volumes: _volumes, ...rest } = template;
      const containers = template.containers.map(({ ports: _ports, volumeMounts: _mounts, ...one }) => one);
      this.files.write(`${name}.json`, manifest(name, { ...rest, containers }, `uid-${name}-${round}`));
    }
  }
}

/** One static pod manifest, as its file's content. */
export function manifest(name: string, spec: Partial<V1PodSpec> = {}, uid?: string): string {
  const container = { name: 'main', image: 'image:v1' };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system', ...(uid === undefined ? {} : { uid }) },
    spec: { containers: [container], ...spec },
  });
}
