// The world as the agent's loop needs it: the smallest interfaces, so that models can stand in for real sources.

import type { V1Pod } from '@kubernetes/client-node';
import type { Found, IssuedToken, ObjectRef, ReadObject, TokenRef } from '../types/checkpoint.ts';
import type { ParentIdentity } from '../types/memory.ts';
import type { ApiState, NodeFacts, RuntimeView, StaticPodDirectory, Wanted } from '../types/observation.ts';
import type { Observed } from '../types/observed.ts';

export interface PodRef {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The apiserver, asked as this node's kubelet. */
export interface Api {
  start(): void;
  close(): Promise<void>;
  state(): ApiState;
  /** The port it is asked at, where that is an address of this node. */
  portHere(): number | undefined;
  probe(timeoutMs: number): Promise<ApiState>;
  node(): Observed<NodeFacts>;
  pods(): Observed<readonly V1Pod[]>;
  /** The pods by its last word, also while it cannot be asked; none before the first. */
  lastPods(): readonly V1Pod[];
  object(ref: ObjectRef): Observed<Found<ReadObject>>;
  retain(refs: readonly ObjectRef[]): void;
  token(pod: PodRef, ref: TokenRef): Promise<Observed<IssuedToken>>;
  wanted(parent: ParentIdentity): Promise<Observed<Wanted>>;
  onChange(callback: () => void): void;
}

export interface Sources {
  readonly api: Api;
  readonly runtime: {
    observe(): Promise<Observed<RuntimeView>>;
    stopSandbox(id: string): Promise<Observed<true>>;
    removeContainers(ids: readonly string[]): Promise<Observed<true>>;
    endBackOff(podUid: string, sandboxId?: string): Promise<Observed<true>>;
  };
  readStaticPods(): Promise<Observed<StaticPodDirectory>>;
  readBootId(): Promise<Observed<string>>;
  /** The pod's own HTTP or TCP probe, asked on this node; undefined when it has none that can be asked. */
  probePod(pod: V1Pod): Promise<Observed<boolean> | undefined>;
  monotonicMs(): number;
  wallClockMs(): number;
}
