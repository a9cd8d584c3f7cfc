// Model: etcd's data and the watch cache above it. Standing objects by kind with one growing resourceVersion, and a
// log that watches read. Objects are never changed in place, so a reference once read stays what it was.

import type {
  V1ConfigMap,
  V1DaemonSet,
  V1Deployment,
  V1Node,
  V1ObjectMeta,
  V1Pod,
  V1ReplicaSet,
  V1Secret,
  V1StatefulSet,
} from '@kubernetes/client-node';

export interface Kinds {
  pods: V1Pod;
  secrets: V1Secret;
  configmaps: V1ConfigMap;
  nodes: V1Node;
  daemonsets: V1DaemonSet;
  deployments: V1Deployment;
  replicasets: V1ReplicaSet;
  statefulsets: V1StatefulSet;
}
export type Resource = keyof Kinds;

export interface WatchEvent<R extends Resource = Resource> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: R;
  readonly object: Kinds[R];
  readonly resourceVersion: number;
}

interface Snapshot {
  readonly version: number;
  readonly objects: ReadonlyMap<Resource, ReadonlyMap<string, Kinds[Resource]>>;
}

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;

export class ObjectStore {
  private objects = new Map<Resource, Map<string, Kinds[Resource]>>();
  private log: WatchEvent[] = [];
  private version = 100;
  private compactedTo = 100;
  private readonly listeners = new Set<(event: WatchEvent | undefined) => void>();

  get resourceVersion(): number {
    return this.version;
  }

  list<R extends Resource>(resource: R): readonly Kinds[R][] {
    return [...this.kind(resource).values()];
  }

  get<R extends Resource>(resource: R, namespace: string | undefined, name: string): Kinds[R] | undefined {
    return this.kind(resource).get(keyOf(namespace, name));
  }

  /** Creates or replaces; returns what was stored, with its resourceVersion. */
  put<R extends Resource>(resource: R, object: Kinds[R]): Kinds[R] {
    const metadata: V1ObjectMeta = object.metadata ?? {};
    const kind = this.kind(resource);
    const key = keyOf(metadata.namespace, metadata.name ?? '');
    const type = kind.has(key) ? 'MODIFIED' : 'ADDED';
    this.version += 1;
    const stored = { ...object, metadata: { ...metadata, resourceVersion: String(this.version) } };
    kind.set(key, stored);
    this.append({ type, resource, object: stored, resourceVersion: this.version });
    return stored;
  }

  remove(resource: Resource, namespace: string | undefined, name: string): void {
    const kind = this.kind(resource);
    const object = kind.get(keyOf(namespace, name));
    if (object === undefined) return;
    kind.delete(keyOf(namespace, name));
    this.version += 1;
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.version) } };
    this.append({ type: 'DELETED', resource, object: last, resourceVersion: this.version });
  }

  /** What a watch from this version would see; undefined stands for 410 Gone. */
  eventsSince(resourceVersion: number): readonly WatchEvent[] | undefined {
    if (resourceVersion < this.compactedTo) return undefined;
    let first = this.log.length;
    while (first > 0 && (this.log[first - 1]?.resourceVersion ?? 0) > resourceVersion) first -= 1;
    return this.log.slice(first);
  }

  /** etcd compaction: watches from before end with 410. */
  compact(): void {
    this.log = [];
    this.compactedTo = this.version;
  }

  snapshot(): Snapshot {
    return { version: this.version, objects: copied(this.objects) };
  }

  /** etcd restored from a backup: versions go back ("too large resource version"); an empty one is another cluster. */
  restore(snapshot: Snapshot = { version: 1, objects: new Map() }): void {
    this.objects = copied(snapshot.objects);
    this.version = snapshot.version;
    this.log = [];
    this.compactedTo = snapshot.version;
    for (const listener of this.listeners) listener(undefined);
  }

  /** Called with each change; with undefined after a restore. */
  onChange(listener: (event: WatchEvent | undefined) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private kind<R extends Resource>(resource: R): Map<string, Kinds[R]> {
    let kind = this.objects.get(resource);
    if (kind === undefined) {
      kind = new Map();
      this.objects.set(resource, kind);
    }
    return kind as Map<string, Kinds[R]>;
  }

  private append(event: WatchEvent): void {
    this.log.push(event);
    // The real watch cache forgets as well: a client that was away for long gets 410.
    if (this.log.length > 2_000) {
      this.compactedTo = this.log[999]?.resourceVersion ?? this.version;
      this.log = this.log.slice(1_000);
    }
    for (const listener of this.listeners) listener(event);
  }
}

function copied(objects: Snapshot['objects']): Map<Resource, Map<string, Kinds[Resource]>> {
  return new Map([...objects].map(([resource, kind]) => [resource, new Map(kind)]));
}
