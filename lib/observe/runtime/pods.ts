// Puts the runtime's flat lists together as pods. The newest sandbox of a pod's UID decides, and of each container
// its newest attempt: older ones are what crashed before. Pure.

import type { ContainerState, RuntimeContainer, RuntimePod } from '../../types/observation.ts';
import type { CriContainer, CriImage, CriSandbox } from './cri-messages.ts';

const CONTAINER_STATES: readonly ContainerState[] = ['created', 'running', 'exited', 'unknown'];
const SANDBOX_READY = 0;

/** CONTAINER_EXITED of the CRI. */
export const CONTAINER_EXITED = CONTAINER_STATES.indexOf('exited');

export function toPods(sandboxes: readonly CriSandbox[], containers: readonly CriContainer[]): RuntimePod[] {
  const newest = new Map<string, CriSandbox>();
  for (const sandbox of sandboxes) {
    const uid = uidOf(sandbox);
    const other = newest.get(uid);
    if (other === undefined || isNewer(sandbox, other)) newest.set(uid, sandbox);
  }
  const bySandbox = new Map<string, CriContainer[]>();
  for (const container of containers) {
    const siblings = bySandbox.get(container.pod_sandbox_id);
    if (siblings === undefined) bySandbox.set(container.pod_sandbox_id, [container]);
    else siblings.push(container);
  }
  const endedBefore = new Set<string>();
  for (const sandbox of sandboxes) {
    const uid = uidOf(sandbox);
    const ended = bySandbox.get(sandbox.id)?.some(({ state }) => state === CONTAINER_EXITED);
    if (newest.get(uid) !== sandbox && ended === true) endedBefore.add(uid);
  }
  return [...newest].map(([uid, sandbox]) => {
    const pod = toPod(sandbox, bySandbox.get(sandbox.id) ?? []);
    return endedBefore.has(uid) ? { ...pod, endedBefore: true } : pod;
  });
}

/** Every name an image answers to: tags, digests and its id. */
export function imageNames(images: readonly CriImage[]): Set<string> {
  return new Set(images.flatMap((image) => [image.id, ...image.repo_tags, ...image.repo_digests]));
}

function toPod(sandbox: CriSandbox, containers: readonly CriContainer[]): RuntimePod {
  const newest = new Map<string, CriContainer>();
  for (const container of containers) {
    const name = container.metadata?.name ?? '';
    const other = newest.get(name);
    if (other === undefined || isNewer(container, other)) newest.set(name, container);
  }
  return {
    namespace: sandbox.metadata?.namespace ?? sandbox.labels['io.kubernetes.pod.namespace'] ?? '',
    name: sandbox.metadata?.name ?? sandbox.labels['io.kubernetes.pod.name'] ?? '',
    uid: uidOf(sandbox),
    sandboxId: sandbox.id,
    sandboxReady: sandbox.state === SANDBOX_READY,
    createdAtMs: toMs(sandbox.created_at),
    labels: sandbox.labels,
    annotations: sandbox.annotations,
    containers: [...newest].map(([name, container]) => toContainer(name, container)),
  };
}

function toContainer(name: string, container: CriContainer): RuntimeContainer {
  return {
    id: container.id,
    name,
    state: CONTAINER_STATES[container.state] ?? 'unknown',
    attempt: container.metadata?.attempt ?? 0,
    createdAtMs: toMs(container.created_at),
  };
}

/** By attempt, which the kubelet counts up; by time where a runtime restart or clock jump left equal ones. */
function isNewer(a: CriSandbox | CriContainer, b: CriSandbox | CriContainer): boolean {
  const attempts = (a.metadata?.attempt ?? 0) - (b.metadata?.attempt ?? 0);
  return attempts > 0 || (attempts === 0 && a.created_at > b.created_at);
}

function uidOf(sandbox: CriSandbox): string {
  return sandbox.metadata?.uid ?? sandbox.labels['io.kubernetes.pod.uid'] ?? sandbox.id;
}

function toMs(nanoseconds: number): number {
  return Math.floor(nanoseconds / 1e6);
}
