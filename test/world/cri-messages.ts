// Front end: the runtime model's records as CRI messages. Times are nanoseconds, images have an id, a tag and a digest.

import { createHash } from 'node:crypto';
import type { ContainerRecord, RuntimeModel, Sandbox } from './runtime-model.ts';

export interface CriFilter {
  readonly id?: string;
  readonly pod_sandbox_id?: string;
  readonly state?: { readonly state: string } | null;
  readonly label_selector?: Readonly<Record<string, string>>;
}

const nanoseconds = (ms: number): string => String(BigInt(Math.round(ms)) * 1_000_000n);
const imageId = (image: string): string => `sha256:${createHash('sha256').update(image).digest('hex')}`;

export function sandboxMessage(sandbox: Sandbox) {
  const { id, name, uid, namespace, attempt, labels, annotations } = sandbox;
  return {
    id,
    metadata: { name, uid, namespace, attempt },
    state: sandbox.ready ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY',
    created_at: nanoseconds(sandbox.createdAtMs),
    labels,
    annotations,
    runtime_handler: '',
  };
}

export function containerMessage(container: ContainerRecord) {
  const { id, name, attempt, sandboxId, labels, annotations, image, state } = container;
  return {
    id,
    pod_sandbox_id: sandboxId,
    metadata: { name, attempt },
    image: { image },
    image_ref: imageId(image),
    state: `CONTAINER_${state.toUpperCase()}`,
    created_at: nanoseconds(container.createdAtMs),
    labels,
    annotations,
  };
}

export function containerStatusMessage(container: ContainerRecord) {
  return {
    ...containerMessage(container),
    started_at: nanoseconds(container.startedAtMs),
    finished_at: nanoseconds(container.finishedAtMs),
    exit_code: container.exitCode,
    reason: container.reason,
    message: '',
    log_path: '',
  };
}

export function imageMessage(image: string) {
  const digest = `${image.replace(/:[^:/]*$/, '')}@${imageId(image)}`;
  return { id: imageId(image), repo_tags: [image], repo_digests: [digest], size: '1000000', pinned: false };
}

export function imageMessages(runtime: RuntimeModel) {
  return [...runtime.images].map(imageMessage);
}

/** CRI's filters: every given term must match. */
export function passes(
  filter: CriFilter | null | undefined,
  message: { id: string; state: string; labels: Readonly<Record<string, string>>; pod_sandbox_id?: string },
): boolean {
  if (filter === null || filter === undefined) return true;
  if (filter.id && filter.id !== message.id) return false;
  if (filter.pod_sandbox_id && filter.pod_sandbox_id !== message.pod_sandbox_id) return false;
  if (filter.state && filter.state.state !== message.state) return false;
  return Object.entries(filter.label_selector ?? {}).every(([key, value]) => message.labels[key] === value);
}
