// The Node object, read when asked: its UID tells one cluster from another, its labels and taints whether a DaemonSet
// wants a pod on it.

import type { V1Node, V1Taint } from '@kubernetes/client-node';
import type { NodeFacts } from '../../types/observation.ts';
import { known, type Observed, unknown } from '../../types/observed.ts';
import { BackOff, pause } from './back-off.ts';
import type { Health } from './health.ts';
import type { ApiClient } from './http.ts';
import type { ApiTiming } from './timing.ts';

/** What decides where pods may run, beside what the state machine looks at. */
export interface NodeForPods extends NodeFacts {
  readonly taints: readonly V1Taint[];
}

export async function readNode(
  client: ApiClient,
  nodeName: string,
  signal?: AbortSignal,
): Promise<Observed<NodeForPods>> {
  const path = `/api/v1/nodes/${nodeName}`;
  const answer = await client.get(path, signal === undefined ? {} : { signal });
  if (!answer.ok) return unknown(answer.reason);
  const { metadata, spec } = answer.body as V1Node;
  if (metadata?.uid === undefined) return unknown(`GET ${path}: the answer is not a Node`);
  return known({
    name: nodeName,
    uid: metadata.uid,
    labels: metadata.labels ?? {},
    taints: spec?.taints ?? [],
  });
}

export interface NodeReaderOptions {
  readonly client: ApiClient;
  readonly health: Health;
  readonly timing: ApiTiming;
  readonly nodeName: string;
  readonly onChange: () => void;
  readonly closing: AbortSignal;
}

/** Keeps the last answer; a read that failed is repeated until one succeeds. */
export class NodeReader {
  readonly #options: NodeReaderOptions;
  #value: Observed<NodeFacts> = unknown('not read yet');
  #repeating = false;

  constructor(options: NodeReaderOptions) {
    this.#options = options;
  }

  value(): Observed<NodeFacts> {
    return this.#value;
  }

  async read(signal: AbortSignal): Promise<void> {
    this.#value = await readNode(this.#options.client, this.#options.nodeName, signal);
    if (!this.#value.known) void this.#repeat();
  }

  /** Right after a fresh install the kubelet has not registered its Node when the first list of pods is answered. */
  async #repeat(): Promise<void> {
    if (this.#repeating) return;
    this.#repeating = true;
    const { client, health, timing, nodeName, onChange, closing } = this.#options;
    const backOff = new BackOff(timing.backOffMsMin, timing.backOffMsMax);
    for (;;) {
      await pause(backOff.next(), closing);
      await health.untilServing(closing);
      if (this.#value.known || closing.aborted) break;
      const value = await readNode(client, nodeName, closing);
      if (!value.known) continue;
      this.#value = value;
      onChange();
      break;
    }
    this.#repeating = false;
  }
}
