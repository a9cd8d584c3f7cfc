// Model: what the kubelet writes to the API about its pods: status of API pods, and mirror pods of static ones.
// Called only when the API serves this node; nothing here keeps state, so a lost write is made good at the next look.

import type { V1Pod, V1PodStatus } from '@kubernetes/client-node';
import { namedApiObject, type Rejection } from './admission.ts';
import { apiTime } from './api-objects.ts';
import type { ObjectStore } from './object-store.ts';
import type { PodWorker } from './pod-worker.ts';

const MIRROR = 'kubernetes.io/config.mirror';

export function writeStatus(store: ObjectStore, worker: PodWorker, nowMs: number): void {
  const { namespace, name, uid } = worker.pod.metadata ?? {};
  const current = store.get('pods', namespace, name ?? '');
  if (current === undefined || (current.metadata?.uid !== uid && worker.source === 'api')) return;
  // Nothing new on either side: most looks end here, and a simulation takes millions of them.
  if (worker.reported?.object === current && worker.reported.as === worker.appearance) return;
  put(store, current, statusOf(worker, current, nowMs));
  const object = store.get('pods', namespace, name ?? '');
  worker.reported = { object, as: worker.appearance };
}

export function writeRejection(store: ObjectStore, pod: V1Pod, { reason, message }: Rejection): void {
  const current = store.get('pods', pod.metadata?.namespace, pod.metadata?.name ?? '');
  if (current === undefined || current.metadata?.uid !== pod.metadata?.uid) return;
  put(store, current, {
    ...current.status,
    phase: 'Failed',
    reason,
    message,
    conditions: [],
    containerStatuses: [],
  });
}

function put(store: ObjectStore, current: V1Pod, status: V1PodStatus): void {
  if (textOf(current.status) !== textOf(status)) store.put('pods', { ...current, status });
}

const texts = new WeakMap<V1PodStatus, string>();

/** Written once of each, since what is new now is what the next is compared with. */
function textOf(status: V1PodStatus | undefined): string {
  if (status === undefined) return '';
  let text = texts.get(status);
  if (text === undefined) {
    text = JSON.stringify(status);
    texts.set(status, text);
  }
  return text;
}

function statusOf(worker: PodWorker, current: V1Pod, nowMs: number): V1PodStatus {
  const containerStatuses = worker.containers().map((spec) => {
    const container = worker.newest(spec.name);
    const running = container?.state === 'running';
    const state = running
      ? { running: { startedAt: apiTime(container.startedAtMs) } }
      : { waiting: { reason: worker.waiting.split(':')[0] || 'ContainerCreating' } };
    return {
      name: spec.name,
      image: spec.image ?? '',
      imageID: spec.image ?? '',
      containerID: container === undefined ? '' : `containerd://${container.id}`,
      ready: running && container.process?.serving === true,
      restartCount: container?.attempt ?? 0,
      started: running,
      state,
    };
  });
  const started = containerStatuses.some(({ containerID }) => containerID !== '');
  const status = worker.isReady ? 'True' : 'False';
  const before = current.status?.conditions?.find(({ type }) => type === 'Ready');
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : apiTime(nowMs);
  const condition = (type: string) => ({ type, status, ...(lastTransitionTime && { lastTransitionTime }) });
  return {
    ...current.status,
    phase: started ? 'Running' : 'Pending',
    startTime: current.status?.startTime ?? apiTime(nowMs),
    hostIP: '127.0.0.1',
    podIP: '127.0.0.1',
    conditions: [condition('Ready'), condition('ContainersReady')],
    containerStatuses,
  };
}

export function isMirror({ metadata }: V1Pod): boolean {
  return metadata?.annotations?.[MIRROR] !== undefined;
}

/** Those whose static pods are gone. */
export function orphansOf(mirrors: readonly V1Pod[], workers: readonly PodWorker[]): V1Pod[] {
  const wanted = staticWorkers(workers);
  return mirrors.filter((mirror) => !wanted.has(nameOf(mirror)));
}

function staticWorkers(workers: readonly PodWorker[]): Map<string, PodWorker> {
  const wanted = workers.filter(({ source, isTerminating }) => source === 'file' && !isTerminating);
  return new Map(wanted.map((worker) => [nameOf(worker.pod), worker]));
}

function nameOf({ metadata }: V1Pod): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}

/** Creates missing mirrors, in the place of those that an earlier static pod of their name left. A refused mirror stops nothing. */
export function createMirrors(
  store: ObjectStore,
  node: string,
  workers: readonly PodWorker[],
  nowMs: number,
): void {
  const wanted = staticWorkers(workers);
  for (const worker of wanted.values()) {
    const { namespace, name, annotations } = worker.pod.metadata ?? {};
    if (namedApiObject(worker.pod) !== undefined) continue;
    const before = store.get('pods', namespace, name ?? '');
    if (before !== undefined && isMirror(before) && before.metadata?.annotations?.[MIRROR] !== worker.uid) {
      store.remove('pods', namespace, name ?? '');
    }
    if (store.get('pods', namespace, name ?? '') === undefined) {
      const owner = store.get('nodes', undefined, node);
      const mirror: V1Pod = {
        ...worker.pod,
        metadata: {
          ...worker.pod.metadata,
          // The API gives a mirror its own UID; the static one is told by the annotation (here: the UID itself).
          uid: `mirror-${worker.uid}`,
          creationTimestamp: apiTime(nowMs),
          annotations: { ...annotations, [MIRROR]: worker.uid, 'kubernetes.io/config.hash': worker.uid },
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Node', name: node, uid: owner?.metadata?.uid ?? '', controller: true },
          ],
        },
        status: { phase: 'Pending' },
      };
      store.put('pods', mirror);
    }
    writeStatus(store, worker, nowMs);
  }
}
