// Builds parents and the objects they name, for the compiler's tests: plain objects, only what a test is about.

import assert from 'node:assert/strict';
import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node';
import { compile } from '../../../lib/compile/compile.ts';
import type { CompileNode } from '../../../lib/compile/context.ts';
import type {
  CompiledCheckpoint,
  Found,
  IssuedToken,
  MaterialFile,
  Refusal,
  ResolvedObjects,
} from '../../../lib/types/checkpoint.ts';

export type Fields = Record<string, unknown>;

/** A pod of DaemonSet kube-system/web on node m1, on the host network, with one container `main`. */
export function aPod(spec: Fields = {}, container: Fields = {}, metadata: Fields = {}): V1Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-x7f2k',
      namespace: 'kube-system',
      uid: '11111111-2222-3333-4444-555555555555',
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'web', uid: 'ds-uid', controller: true },
      ],
      ...metadata,
    },
    spec: {
      nodeName: 'm1',
      hostNetwork: true,
      ...spec,
      containers: spec.containers ?? [{ name: 'main', image: 'example.org/web:1', ...container }],
    },
  } as unknown as V1Pod;
}

/** A pod whose container mounts one volume called `v` at /v. */
export function aPodWithVolume(source: Fields, spec: Fields = {}): V1Pod {
  return aPod(
    { volumes: [{ name: 'v', ...source }], ...spec },
    { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
  );
}

export interface Given {
  readonly secrets?: Record<string, Record<string, string> | null>;
  readonly configMaps?: Record<string, { data?: Fields; binaryData?: Fields } | null>;
  readonly tokens?: Record<string, IssuedToken>;
}

/** Objects of kube-system by name; null is the API's 404. Values of secrets are given as text. */
export function given({ secrets = {}, configMaps = {}, tokens = {} }: Given = {}): ResolvedObjects {
  const found = <T>(object: unknown): Found<T> =>
    object === null ? { found: false } : { found: true, object: object as T };
  return {
    secrets: new Map(
      Object.entries(secrets).map(([name, data]) => [
        `kube-system/${name}`,
        found<V1Secret>(
          data && {
            data: Object.fromEntries(
              Object.entries(data).map(([k, v]) => [k, Buffer.from(v).toString('base64')]),
            ),
          },
        ),
      ]),
    ),
    configMaps: new Map(
      Object.entries(configMaps).map(([name, map]) => [`kube-system/${name}`, found<V1ConfigMap>(map)]),
    ),
    tokens: new Map(Object.entries(tokens)),
  };
}

export function compiled(
  pod: V1Pod,
  objects: ResolvedObjects = given(),
  node: CompileNode = {},
): CompiledCheckpoint {
  const outcome = compile(pod, objects, node);
  assert.ok(outcome.ok, `refused: ${JSON.stringify(outcome.ok ? '' : outcome.refusals, null, 2)}`);
  return outcome.checkpoint;
}

export function refused(pod: V1Pod, objects: ResolvedObjects = given()): readonly Refusal[] {
  const outcome = compile(pod, objects);
  assert.ok(!outcome.ok, 'compiled, but a refusal was expected');
  return outcome.refusals;
}

/** None when it compiles. */
export function refusalsOf(pod: V1Pod, objects: ResolvedObjects = given()): readonly Refusal[] {
  const outcome = compile(pod, objects);
  return outcome.ok ? [] : outcome.refusals;
}

export function specOf(checkpoint: CompiledCheckpoint): Fields {
  return checkpoint.manifest.spec as unknown as Fields;
}

export function mainOf(checkpoint: CompiledCheckpoint): Fields {
  return (specOf(checkpoint).containers as Fields[])[0] ?? {};
}

/** The environment as the list of `NAME=value`. */
export function envOf(checkpoint: CompiledCheckpoint): string[] {
  return ((mainOf(checkpoint).env ?? []) as Fields[]).map((variable) =>
    variable.valueFrom === undefined
      ? `${variable.name}=${variable.value ?? ''}`
      : `${variable.name} by reference`,
  );
}

/** The files of volume `v` as `path mode uid:gid content`. */
export function filesOf(checkpoint: CompiledCheckpoint, volume = 'v'): string[] {
  const files = checkpoint.volumes.find((candidate) => candidate.name === volume)?.files ?? [];
  return files.map(describeFile);
}

function describeFile({ path, mode, uid, gid, content }: MaterialFile): string {
  return `${path} 0${mode.toString(8)} ${uid}:${gid} ${Buffer.from(content).toString('utf8')}`;
}

export function notedFields(checkpoint: CompiledCheckpoint): string[] {
  return checkpoint.notes.map((note) => `${note.treatment} ${note.field}`);
}
