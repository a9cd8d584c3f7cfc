// What the apiserver of this node cannot serve without: another workload of the node on whose port it relies, as on etcd's.
// Where that is said to be still to come, the apiserver waits for it; what is unknown holds nobody up.

import type { V1Pod } from '@kubernetes/client-node';
import type { Memory, WorkloadMemory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { liveParent } from './facts.ts';
import { begunUids } from './run-state.ts';
import type { Situation } from './situation.ts';

/** What a workload is, by its newest revision on disk. */
export function manifestOf(key: WorkloadKey, { stored }: Observation): V1Pod | undefined {
  return stored.find((workload) => workload.key === key)?.revisions[0]?.manifest;
}

/** Whether this is what answers at the API's port of this node. */
export function answersAt(pod: V1Pod | undefined, apiPortHere: number | undefined): boolean {
  return apiPortHere !== undefined && probedPorts(pod).has(apiPortHere);
}

/** A port by its name is none of the host network, where probes have numbers. */
function probedPorts(pod: V1Pod | undefined): ReadonlySet<number> {
  const containers = pod?.spec?.containers ?? [];
  const probes = containers.flatMap((c) => [c.readinessProbe, c.livenessProbe, c.startupProbe]);
  return new Set(probes.map((probe) => Number(probe?.httpGet?.port ?? probe?.tcpSocket?.port)));
}

const PORT_OF_URL = /\bhttps?:\/\/[^\s,/]+:(\d+)/g;

/** Whether both are told URLs of one port, as by `--etcd-servers` and `--listen-client-urls`. Not the server's own. */
export function connectsTo(server: V1Pod | undefined, other: V1Pod | undefined): boolean {
  const own = probedPorts(server);
  const listens = portsOfUrls(other);
  return [...portsOfUrls(server)].some((port) => listens.has(port) && !own.has(port));
}

/** Of the command and, as etcd may be told, of the environment. */
function portsOfUrls(pod: V1Pod | undefined): ReadonlySet<number> {
  const words = (pod?.spec?.containers ?? []).flatMap(({ command = [], args = [], env = [] }) => [
    ...command,
    ...args,
    ...env.map(({ value = '' }) => value),
  ]);
  return new Set(words.flatMap((word) => [...word.matchAll(PORT_OF_URL)].map(([, port]) => Number(port))));
}

/** After the API came back. A parent that takes longer waits for more than its volumes, such as an image. */
const COMES_WITHIN_MS = 10_000;

/** Workloads whose checkpoint does the work, and whose parent, by the API's word, is still to be begun. */
export function parentsToCome(
  { workloads }: Memory,
  { parents, runtime }: Observation,
  apiServingMs: number,
): readonly WorkloadKey[] {
  if (apiServingMs >= COMES_WITHIN_MS || !parents.known || !runtime.known) return [];
  const begun = begunUids(runtime.value.pods);
  const toCome: WorkloadKey[] = [];
  for (const [key, { phase, options }] of workloads) {
    if (phase.name !== 'active' || options.standbyLock !== undefined) continue;
    const parent = liveParent(parents.value, key);
    if (parent !== undefined && !begun.has(parent.uid)) toCome.push(key);
  }
  return toCome;
}

/**
 * The apiserver, at its first chance, while the parent of what it needs is still to come. The kubelet of 1.20 asked for the
 * objects of its volumes five a second: on a real node the apiserver's parent had its secret a second before etcd's had,
 * and took the API with it; etcd's waited for the next one, and the API was away for 12.7 s. Today's asks fifty a second,
 * after the first hundred, and waits a second for each object still, which it may get for one pod and not for the other.
 * Left alone the apiserver's parent dies on its ports, and is started anew together with the other.
 */
export function goesTooSoon({ failedHandovers }: WorkloadMemory, situation: Situation): boolean {
  const { facts, observation, parentsToCome } = situation;
  if (failedHandovers > 0 || parentsToCome.length === 0) return false;
  const manifest = manifestOf(facts.key, observation);
  if (!answersAt(manifest, observation.apiPortHere)) return false;
  return parentsToCome.some((other) => connectsTo(manifest, manifestOf(other, observation)));
}
