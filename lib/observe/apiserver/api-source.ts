// What the agent may ask of the apiserver. Every answer is a value, or unknown with the reason.

import type { V1Pod } from '@kubernetes/client-node';
import type { Found, IssuedToken, ObjectRef, ReadObject, TokenRef } from '../../types/checkpoint.ts';
import type { ParentIdentity } from '../../types/memory.ts';
import type { ApiState, NodeFacts, Wanted } from '../../types/observation.ts';
import type { Observed } from '../../types/observed.ts';
import type { AgentEvent, PodIdentity } from './writes.ts';

export interface ApiSource {
  start(): void;
  close(): Promise<void>;
  state(): ApiState;
  /** The port it is asked at, where that is an address of this node; a name is not looked up. */
  portHere(): number | undefined;
  /** One probe now, which also updates the state. */
  probe(timeoutMs: number): Promise<ApiState>;
  /** Somebody has a doubt (the peer may be half dead): probes soon, drops nothing. */
  suspect(): void;
  /** Read anew before each list of the pods, and known from then on; unknown whenever that list would say nothing. */
  node(): Observed<NodeFacts>;
  /** Dates in the pods are strings, as the API sends them, whatever the client's types say. */
  pods(): Observed<readonly V1Pod[]>;
  /**
   * The pods by its last word, also while it cannot be asked; none before the first. An apiserver that was told to end
   * closes its port, and its open watches go on.
   */
  lastPods(): readonly V1Pod[];
  /** The watch of the object starts with the first call. */
  object(ref: ObjectRef): Observed<Found<ReadObject>>;
  /** Stops the watches of all other objects. */
  retain(refs: readonly ObjectRef[]): void;
  token(pod: PodIdentity, ref: TokenRef): Promise<Observed<IssuedToken>>;
  wanted(parent: ParentIdentity): Promise<Observed<Wanted>>;
  event(event: AgentEvent): Promise<Observed<true>>;
  /** Something changed: look now. */
  onChange(callback: () => void): void;
}
