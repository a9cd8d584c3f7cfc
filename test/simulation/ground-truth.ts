// What is true in the models, to hold the agent's deeds against: which parents serve and for how long, which workloads
// the API wants on this node, what every secret and configMap ever held.

import type { V1ConfigMap, V1DaemonSet, V1Secret } from '@kubernetes/client-node';
import { type WorkloadKey, workloadKey } from '../../lib/types/workload.ts';
import { TOKEN_MARKER } from '../world/tokens.ts';
import type { Machine } from './machine.ts';

interface Running {
  readonly workload: WorkloadKey;
  readonly name: string;
  servingSinceMs: number | undefined;
}

export class GroundTruth {
  /** The API is another cluster's, or an emptied one's. */
  clusterReplaced = false;
  /** And it has answered: what was done before that was not done on its word. */
  replacementSpoke = false;
  private readonly machine: Machine;
  /** Parents by UID. */
  private readonly running = new Map<string, Running>();
  private readonly lastSeen = new Map<WorkloadKey, number>();
  private readonly everWanted = new Set<WorkloadKey>();
  private readonly unwantedSince = new Map<WorkloadKey, number>();
  private readonly texts = new Set<string>(['kube-system']);
  private seen = -1;
  private etcdSinceMs: number | undefined;

  constructor(machine: Machine) {
    this.machine = machine;
    const { store } = machine.world;
    store.onChange((event) => {
      if (event === undefined) {
        this.clusterReplaced = true;
        return;
      }
      if (event.resource === 'secrets' || event.resource === 'configmaps') {
        this.remember(event.object as V1Secret | V1ConfigMap, event.resource === 'secrets');
      }
      if (event.resource === 'daemonsets' || event.resource === 'nodes') this.judgeWanted();
    });
  }

  look(): void {
    const { node, world } = this.machine;
    // Both only grow, so that the sum is another after each change.
    const seen = node.runtime.revision + world.availability.revision;
    if (seen === this.seen) return;
    this.seen = seen;
    if (this.clusterReplaced && world.availability.answerTo(node.name) === 'serving')
      this.replacementSpoke = true;
    this.etcdSinceMs = world.availability.etcdServing ? (this.etcdSinceMs ?? world.nowMs) : undefined;
    const live = new Set<string>();
    for (const sandbox of node.runtime.sandboxes.values()) {
      if (!sandbox.ready || sandbox.annotations['kubernetes.io/config.source'] !== 'api') continue;
      live.add(sandbox.uid);
      const known = this.running.get(sandbox.uid) ?? {
        workload: workloadKey(sandbox.namespace, sandbox.name.replace(/-[a-z0-9]{5}$/, '')),
        name: sandbox.name,
        servingSinceMs: undefined,
      };
      this.running.set(sandbox.uid, known);
      const containers = node.runtime.containersOf(sandbox.uid);
      const serving = containers.some(({ process }) => process?.serving === true);
      known.servingSinceMs = serving ? (known.servingSinceMs ?? world.nowMs) : undefined;
    }
    for (const [uid, { workload }] of this.running) {
      if (live.has(uid)) continue;
      this.running.delete(uid);
      this.lastSeen.set(workload, world.nowMs);
    }
  }

  /** How long this parent has been serving without a break. */
  servedMs(uid: string): number {
    this.look();
    const since = this.running.get(uid)?.servingSinceMs;
    return since === undefined ? 0 : this.machine.world.nowMs - since;
  }

  /** How long etcd has been serving without a break. */
  etcdServedMs(): number {
    this.look();
    return this.etcdSinceMs === undefined ? 0 : this.machine.world.nowMs - this.etcdSinceMs;
  }

  servingParent(workload: WorkloadKey, forMs: number): string | undefined {
    this.look();
    for (const [uid, parent] of this.running) {
      if (parent.workload === workload && this.servedMs(uid) >= forMs) return parent.name;
    }
    return undefined;
  }

  hadLiveParent(workload: WorkloadKey, withinMs: number): boolean {
    this.look();
    if ([...this.running.values()].some((parent) => parent.workload === workload)) return true;
    const goneMs = this.lastSeen.get(workload) ?? Number.NEGATIVE_INFINITY;
    return this.machine.world.nowMs - goneMs <= withinMs;
  }

  /** For how long no controller has wanted it on this node; undefined when one does. */
  unwantedMs(workload: WorkloadKey): number | undefined {
    const since = this.unwantedSince.get(workload);
    return since === undefined ? undefined : this.machine.world.nowMs - since;
  }

  /** Whether some secret, configMap or token ever was this. */
  wasEver(text: string): boolean {
    return this.texts.has(text) || text.startsWith(TOKEN_MARKER);
  }

  private remember({ data }: V1Secret | V1ConfigMap, encoded: boolean): void {
    for (const value of Object.values(data ?? {})) {
      this.texts.add(encoded ? Buffer.from(value, 'base64').toString('latin1') : value);
    }
  }

  private judgeWanted(): void {
    const { store, nowMs } = this.machine.world;
    const [node] = store.list('nodes');
    const wanted = new Set<WorkloadKey>();
    for (const daemonSet of store.list('daemonsets')) {
      if (selects(daemonSet, node?.metadata?.labels ?? {})) wanted.add(keyOf(daemonSet));
    }
    for (const key of wanted) this.unwantedSince.delete(key);
    for (const key of this.known(wanted)) {
      if (!wanted.has(key) && !this.unwantedSince.has(key)) this.unwantedSince.set(key, nowMs);
    }
  }

  private known(wanted: ReadonlySet<WorkloadKey>): ReadonlySet<WorkloadKey> {
    for (const key of wanted) this.everWanted.add(key);
    return this.everWanted;
  }
}

function keyOf({ metadata }: V1DaemonSet): WorkloadKey {
  return workloadKey(metadata?.namespace ?? '', metadata?.name ?? '');
}

function selects(daemonSet: V1DaemonSet, labels: Readonly<Record<string, string>>): boolean {
  const selector = daemonSet.spec?.template.spec?.nodeSelector ?? {};
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
