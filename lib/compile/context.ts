// What every part of one compilation may look at. Nothing here changes while compiling.

import type { ResolvedObjects } from '../types/checkpoint.ts';
import type { WorkloadOptions } from '../types/workload.ts';
import type { FieldSource } from './field-value.ts';
import type { ObjectReader } from './object-data.ts';
import { asInteger, asList, asObject, asString, type JsonObject } from './plain-json.ts';

/** What is known of the node the checkpoint is for; all of it may be unknown in an offline compile. */
export interface CompileNode {
  readonly name?: string;
  /**
   * The `kubernetes` Service as the parent's environment has it. The kubelet gives these variables to API pods only
   * once it has listed Services, so offline the checkpoint would not get them.
   */
  readonly kubernetesService?: { readonly host: string; readonly port: number };
}

export interface CompileContext {
  readonly pod: JsonObject;
  readonly spec: JsonObject;
  readonly namespace: string;
  readonly options: WorkloadOptions;
  readonly hostNetwork: boolean;
  readonly node: CompileNode;
  readonly fields: FieldSource;
  readonly reader: ObjectReader;
  readonly objects: ResolvedObjects;
}

export interface SourceContainer {
  readonly path: string;
  readonly container: JsonObject;
  readonly list: 'initContainers' | 'containers';
}

/** Init containers, then containers, each with its path; what is no object is left to the table's shape check. */
export function containersOf(spec: JsonObject): SourceContainer[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    asList(spec[list]).flatMap((value, index) => {
      const container = asObject(value);
      return container === undefined ? [] : [{ path: `spec.${list}[${index}]`, container, list }];
    }),
  );
}

/** Pod-wide fsGroup, which the kubelet applies to the files of material volumes. */
export function fsGroupOf(spec: JsonObject): number | undefined {
  return ownerId(asObject(spec.securityContext)?.fsGroup);
}

/** The user all containers run as, when it is one: the kubelet gives token files to it (FsUserFrom, kubernetes#89193). */
export function commonUserOf(spec: JsonObject): number | undefined {
  const podUser = asObject(spec.securityContext)?.runAsUser;
  const users = containersOf(spec).map(({ container }) =>
    ownerId(asObject(container.securityContext)?.runAsUser ?? podUser),
  );
  return users.every((user) => user === users[0]) ? users[0] : undefined;
}

const ID_MAX = 2 ** 31 - 1;

function ownerId(value: unknown): number | undefined {
  const id = asInteger(value);
  return id !== undefined && id >= 0 && id <= ID_MAX ? id : undefined;
}

export function serviceAccountOf(spec: JsonObject): string {
  return asString(spec.serviceAccountName) || asString(spec.serviceAccount) || 'default';
}
