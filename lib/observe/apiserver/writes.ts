// The two things the agent asks the API to do: issue a token bound to a pod, and post an Event. Each answers a value or
// unknown; none is repeated here.

import type { IssuedToken, TokenRef } from '../../types/checkpoint.ts';
import { known, type Observed, unknown } from '../../types/observed.ts';
import type { ApiClient } from './http.ts';

export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface AgentEvent {
  /** Absent: it is about the Node. */
  readonly pod?: PodIdentity;
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, such as `CheckpointActivated`. */
  readonly reason: string;
  readonly message: string;
  /** When it happened, in milliseconds since the epoch; absent: now. */
  readonly atMs?: number;
}

/** A kubelet may only ask for tokens bound to a pod of its own node; they die with that pod. */
export async function requestToken(
  client: ApiClient,
  pod: PodIdentity,
  ref: TokenRef,
): Promise<Observed<IssuedToken>> {
  const path = `/api/v1/namespaces/${ref.namespace}/serviceaccounts/${ref.serviceAccount}/token`;
  const answer = await client.request('POST', path, {
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: ref.audience === undefined ? [] : [ref.audience],
        expirationSeconds: ref.expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid },
      },
    },
  });
  if (!answer.ok) return unknown(answer.reason);
  const status = (answer.body as { status?: { token?: unknown; expirationTimestamp?: unknown } }).status;
  const expiresAtMs = Date.parse(String(status?.expirationTimestamp));
  if (typeof status?.token !== 'string' || status.token === '' || Number.isNaN(expiresAtMs)) {
    return unknown(`POST ${path}: the answer holds no token`);
  }
  return known({ token: status.token, expiresAtMs });
}

/** Best effort: an Event that cannot be written is no reason to stop anything. */
export async function postEvent(
  client: ApiClient,
  nodeName: string,
  event: AgentEvent,
): Promise<Observed<true>> {
  // The Node's Events stand in `default`, under its name in place of its UID, as the kubelet writes them.
  const { namespace, ...about } =
    event.pod === undefined
      ? { namespace: 'default', kind: 'Node', name: nodeName, uid: nodeName }
      : { ...event.pod, kind: 'Pod' };
  const at = new Date(event.atMs ?? Date.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const unique = `${Date.now().toString(16)}${Math.floor(Math.random() * 0xffff)
    .toString(16)
    .padStart(4, '0')}`;
  const answer = await client.request('POST', `/api/v1/namespaces/${namespace}/events`, {
    body: {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${about.name.slice(0, 220)}.${unique}` },
      involvedObject: {
        apiVersion: 'v1',
        ...about,
        ...(event.pod === undefined ? {} : { namespace }),
      },
      type: event.type,
      reason: event.reason,
      message: event.message.slice(0, 1024),
      source: { component: 'checkpoint-agent', host: nodeName },
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    },
    timeoutMs: 5_000,
  });
  return answer.ok ? known(true) : unknown(answer.reason);
}
