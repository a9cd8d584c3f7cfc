// A compiled manifest becomes the one that is activated: real paths of its material, a UID that is new with every
// activation (kubernetes#105543), and annotations that say whose checkpoint it is. Single-line JSON: a torn one never parses.

import type { V1Pod } from '@kubernetes/client-node';
import { MATERIAL_PLACEHOLDER, type RevisionId } from '../types/checkpoint.ts';
import {
  ANNOTATION_OF,
  ANNOTATION_PARENT_UID,
  ANNOTATION_REVISION,
  type WorkloadKey,
} from '../types/workload.ts';
import { asList, asObject, asString, canonical, type Json, type JsonObject, plain } from './plain-json.ts';

export interface Activation {
  /** Fresh for every activation. */
  readonly uid: string;
  /** Absolute directory that holds one folder a material volume. */
  readonly materialDir: string;
  readonly workload: WorkloadKey;
  readonly revision: RevisionId;
  readonly parentUid?: string;
}

export function renderManifest(manifest: V1Pod, activation: Activation): V1Pod {
  const pod = asObject(plain(manifest).value) ?? {};
  const metadata = asObject(pod.metadata) ?? {};
  const spec = asObject(pod.spec) ?? {};
  const rendered: JsonObject = {
    ...pod,
    metadata: {
      ...metadata,
      uid: activation.uid,
      annotations: {
        ...asObject(metadata.annotations),
        [ANNOTATION_OF]: activation.workload,
        [ANNOTATION_REVISION]: activation.revision,
        ...(activation.parentUid === undefined ? {} : { [ANNOTATION_PARENT_UID]: activation.parentUid }),
      },
    },
    spec: {
      ...spec,
      ...(spec.volumes === undefined
        ? {}
        : { volumes: asList(spec.volumes).map((volume) => realPath(volume, activation.materialDir)) }),
    },
  };
  return rendered as unknown as V1Pod;
}

function realPath(volume: Json, materialDir: string): Json {
  const object = asObject(volume);
  const hostPath = asObject(object?.hostPath);
  const path = asString(hostPath?.path);
  if (object === undefined || hostPath === undefined || !path?.startsWith(`${MATERIAL_PLACEHOLDER}/`)) {
    return volume;
  }
  const base = materialDir.replace(/\/+$/, '');
  return { ...object, hostPath: { ...hostPath, path: base + path.slice(MATERIAL_PLACEHOLDER.length) } };
}

/** One line, sorted keys, no newline at the end. */
export function serialize(manifest: V1Pod): string {
  return canonical(plain(manifest).value ?? {});
}
