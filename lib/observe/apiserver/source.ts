// Everything the agent learns from, and asks of, the apiserver. At rest there are no requests but the watches: one of
// this node's pods and one for each object they name. Nothing here turns an error into an empty answer.

import type { V1ConfigMap, V1Pod, V1Secret } from '@kubernetes/client-node';
import {
  type ClusterTrustBundle,
  type Found,
  type IssuedToken,
  type ObjectRef,
  type ReadObject,
  refName,
  type TokenRef,
} from '../../types/checkpoint.ts';
import type { ParentIdentity } from '../../types/memory.ts';
import type { ApiState, NodeFacts, Wanted } from '../../types/observation.ts';
import { known, type Observed, unknown } from '../../types/observed.ts';
import type { Identity } from '../identity.ts';
import type { ApiSource } from './api-source.ts';
import { Health } from './health.ts';
import { type ApiAnswer, ApiClient } from './http.ts';
import { NodeReader, readNode } from './node-facts.ts';
import { Readiness } from './readiness.ts';
import { Reflector } from './reflector.ts';
import { API_TIMING, type ApiTiming } from './timing.ts';
import { isWanted } from './wanted.ts';
import { type AgentEvent, type PodIdentity, postEvent, requestToken } from './writes.ts';

export type { ApiSource } from './api-source.ts';

export interface ApiSourceOptions {
  readonly identity: Identity;
  readonly nodeName: string;
  /** For what a node may not read. */
  readonly serviceAccount?: Identity | undefined;
  readonly timing?: Partial<ApiTiming>;
}

export function createApiSource(options: ApiSourceOptions): ApiSource {
  return new KubeletApiSource(options);
}

class KubeletApiSource implements ApiSource {
  readonly #client: ApiClient;
  readonly #serviceAccount: ApiClient | undefined;
  readonly #nodeName: string;
  readonly #timing: ApiTiming;
  readonly #health: Health;
  readonly #readiness: Readiness;
  readonly #pods: Reflector<V1Pod>;
  readonly #objects = new Map<string, Reflector<V1Secret | V1ConfigMap | ClusterTrustBundle>>();
  readonly #closing = new AbortController();
  readonly #node: NodeReader;
  #callbacks: (() => void)[] = [];
  #changed = false;

  constructor({ identity, nodeName, serviceAccount, timing }: ApiSourceOptions) {
    this.#timing = { ...API_TIMING, ...timing };
    this.#client = new ApiClient(identity, this.#timing);
    this.#serviceAccount = serviceAccount && new ApiClient(serviceAccount, this.#timing);
    this.#nodeName = nodeName;
    this.#health = new Health((timeoutMs) => this.#ask(timeoutMs), this.#timing, {
      change: () => this.#change(),
      recovery: () => this.#listAnew(),
      serving: () => this.#readiness.serving(),
    });
    this.#readiness = new Readiness(
      () => this.#client.get('/readyz', { text: true, timeoutMs: this.#timing.probeTimeoutMs }),
      () => this.#health.serving(),
      () => this.#change(),
      this.#closing.signal,
    );
    this.#node = new NodeReader({ ...this.#watching(), nodeName, closing: this.#closing.signal });
    this.#pods = new Reflector({
      ...this.#watching(),
      path: '/api/v1/pods',
      fieldSelector: `spec.nodeName=${nodeName}`,
      // In this order a list of another cluster is never seen beside the Node of the one before it (rule 8).
      beforeList: (signal) => this.#node.read(signal),
    });
  }

  start(): void {
    this.#pods.start();
    this.#health.suspect();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#callbacks = [];
    this.#health.close();
    this.#pods.close();
    this.retain([]);
    await Promise.all([this.#client.close(), this.#serviceAccount?.close()]);
  }

  state(): ApiState {
    const state = this.#health.state();
    return state.name === 'serving' && this.#readiness.starting()
      ? { name: 'serving', starting: true }
      : state;
  }

  portHere(): number | undefined {
    return this.#client.portHere();
  }

  probe(timeoutMs: number): Promise<ApiState> {
    return this.#health.probe(timeoutMs);
  }

  suspect(): void {
    this.#health.suspect();
  }

  node(): Observed<NodeFacts> {
    const pods = this.#pods.snapshot();
    return pods.known || this.#pods.listing ? this.#node.value() : pods;
  }

  pods(): Observed<readonly V1Pod[]> {
    return this.#pods.snapshot();
  }

  lastPods(): readonly V1Pod[] {
    return this.#pods.lastWord();
  }

  object(ref: ObjectRef): Observed<Found<ReadObject>> {
    if (this.#closing.signal.aborted) return unknown('closed');
    const key = keyOf(ref);
    let reflector = this.#objects.get(key);
    if (reflector === undefined) {
      reflector = new Reflector({ ...this.#watching(), ...whereIs(ref) });
      this.#objects.set(key, reflector);
      reflector.start();
    }
    const snapshot = reflector.snapshot();
    if (!snapshot.known) return unknown(`${refName(ref)}: ${snapshot.reason}`);
    if (ref.kind === 'ClusterTrustBundleList') {
      return known({ found: true, object: { items: snapshot.value as readonly ClusterTrustBundle[] } });
    }
    const objects = snapshot.value as readonly (V1Secret | V1ConfigMap)[];
    const object = objects.find((item) => item.metadata?.name === ref.name);
    return known(object === undefined ? { found: false } : { found: true, object });
  }

  retain(refs: readonly ObjectRef[]): void {
    const wanted = new Set(refs.map(keyOf));
    for (const [key, reflector] of this.#objects) {
      if (wanted.has(key)) continue;
      reflector.close();
      this.#objects.delete(key);
    }
  }

  token(pod: PodIdentity, ref: TokenRef): Promise<Observed<IssuedToken>> {
    return requestToken(this.#client, pod, ref);
  }

  wanted(parent: ParentIdentity): Promise<Observed<Wanted>> {
    return isWanted(parent, {
      kubelet: this.#client,
      serviceAccount: this.#serviceAccount,
      nodeName: this.#nodeName,
      node: () => readNode(this.#client, this.#nodeName),
    });
  }

  event(event: AgentEvent): Promise<Observed<true>> {
    return postEvent(this.#client, this.#nodeName, event);
  }

  onChange(callback: () => void): void {
    this.#callbacks.push(callback);
  }

  #watching() {
    return {
      client: this.#client,
      health: this.#health,
      timing: this.#timing,
      onChange: () => this.#change(),
    };
  }

  /** A quorum read of what the kubelet itself needs; an apiserver that lost its etcd answers /readyz sooner than this. */
  async #ask(timeoutMs: number): Promise<ApiAnswer> {
    const query = { fieldSelector: `spec.nodeName=${this.#nodeName}`, limit: 1 };
    const answer = await this.#client.get('/api/v1/pods', { query, timeoutMs });
    if (!answer.ok || (answer.body as { kind?: string } | null)?.kind === 'PodList') return answer;
    const reason = 'GET /api/v1/pods: somebody answers, but not with a list of pods';
    return { ok: false, cause: 'stranger', reason };
  }

  #listAnew(): void {
    this.#pods.restart();
    for (const reflector of this.#objects.values()) reflector.restart();
  }

  /** One call for all that changed in one turn of the event loop. */
  #change(): void {
    if (this.#changed) return;
    this.#changed = true;
    setImmediate(() => {
      this.#changed = false;
      for (const callback of this.#callbacks) callback();
    });
  }
}

/**
 * The node authorizer takes a list or watch of one name for a get of that object. Trust bundles a node may list and watch
 * in all of the cluster (kubernetes 1.37, NodeRules), and one watch serves what is asked for by name and by signer, as the
 * kubelet's own does.
 */
function whereIs({ kind, namespace, name }: ObjectRef): { path: string; fieldSelector?: string } {
  if (kind === 'ClusterTrustBundleList') return { path: '/apis/certificates.k8s.io/v1/clustertrustbundles' };
  const resource = kind === 'Secret' ? 'secrets' : 'configmaps';
  return { path: `/api/v1/namespaces/${namespace}/${resource}`, fieldSelector: `metadata.name=${name}` };
}

function keyOf(ref: ObjectRef): string {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}
