// Front end: the model's API over HTTP, for one node. It answers from the model and holds no state of its own but open
// requests: what a client sees (200, 500, 401, silence) is Availability's word at that instant.

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { apiTime, deletePod } from './api-objects.ts';
import {
  type ApiRequest,
  comesFromCache,
  KIND_OF,
  nodeMayNot,
  parseRequest,
  selects,
} from './api-requests.ts';
import { ApiWatches } from './api-watches.ts';
import type { Resource } from './object-store.ts';
import type { RealClock } from './real-clock.ts';
import { issueToken } from './tokens.ts';
import type { World } from './world.ts';

/** Bearer tokens: the kubelet's identity, and a service account that may read workloads. */
export const NODE_TOKEN = 'node-identity';
export const SERVICE_ACCOUNT_TOKEN = 'service-account-identity';

export interface RecordedRequest {
  readonly atMs: number;
  readonly method: string;
  readonly url: string;
}

export class ApiServer {
  /** Every request answered, so that a test can count what the agent asks. */
  readonly requests: RecordedRequest[] = [];
  readonly events: unknown[] = [];
  readonly watches: ApiWatches;
  private readonly world: World;
  private readonly node: string;
  private readonly clock: RealClock;
  private readonly held: (() => void)[] = [];

  constructor(world: World, node: string, clock: RealClock) {
    this.world = world;
    this.node = node;
    this.clock = clock;
    this.watches = new ApiWatches(world);
  }

  readonly listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      this.clock.run(() => this.answer(request, body, response));
    });
  };

  /** After each step of the model: held requests go on, watches are brought up to date. */
  reconcile(): void {
    const answer = this.world.availability.answerTo(this.node);
    if (answer === 'silent') return;
    for (const resume of this.held.splice(0)) resume();
    if (answer === 'serving') this.watches.pump();
  }

  private answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    const answer = this.world.availability.answerTo(this.node);
    if (answer === 'silent' || answer === 'refused') {
      this.held.push(() => this.answer(request, body, response));
      return;
    }
    const reply = this.reply(request, body, response);
    if (reply === undefined) return;
    const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
    response.writeHead(reply.code, { 'content-type': 'application/json', ...reply.headers }).end(text);
  }

  /** Undefined when the response is a stream that stays open. */
  private reply(request: IncomingMessage, body: string, response: ServerResponse): Reply | undefined {
    const { availability, store, nowMs } = this.world;
    const method = request.method ?? 'GET';
    this.requests.push({ atMs: nowMs, method, url: request.url ?? '' });
    const status = availability.faults.deniedStatus;
    if (status !== undefined) return failure(status, status === 401 ? 'Unauthorized' : 'Forbidden');
    const url = new URL(request.url ?? '/', 'http://api');
    const isReadiness = url.pathname.startsWith('/readyz');
    if (isReadiness && !availability.apiReady) return { code: 500, body: 'readyz check failed' };
    if (!availability.answersFor(this.node)) return failure(500, 'InternalError', 'etcd is not there');
    if (isReadiness || /^\/(livez|healthz)/.test(url.pathname)) return { code: 200, body: 'ok' };
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    if (token !== NODE_TOKEN && token !== SERVICE_ACCOUNT_TOKEN) return failure(401, 'Unauthorized');
    const wanted = parseRequest(url);
    if (wanted === undefined) return failure(404, 'NotFound', `no such path ${url.pathname}`);
    const refusal = token === NODE_TOKEN ? nodeMayNot(method, wanted, this.node, store) : undefined;
    if (refusal !== undefined) return failure(403, 'Forbidden', refusal);
    return this.serve(method, wanted, parsed(body), response);
  }

  private serve(
    method: string,
    request: ApiRequest,
    body: Body,
    response: ServerResponse,
  ): Reply | undefined {
    const { resource, namespace, name = '' } = request;
    if (resource === 'events') {
      if (method === 'POST') this.events.push(body);
      return method === 'POST' ? { code: 201, body } : { code: 200, body: { items: this.events } };
    }
    if (resource === 'token') return this.issueToken(request, body);
    if (method === 'GET' && !this.world.availability.apiServing && comesFromCache(request)) return STARTING;
    if (method === 'GET' && ['1', 'true'].includes(request.query.get('watch') ?? '')) {
      this.watches.open(request, resource, response);
      return undefined;
    }
    if (method === 'GET' && request.name === undefined) return this.list(request, resource);
    const object = this.world.store.get(resource, namespace, name);
    if (object === undefined) return failure(404, 'NotFound', `${resource} "${name}" not found`);
    if (method === 'GET') return { code: 200, body: object };
    if (method !== 'DELETE' || resource !== 'pods') return failure(405, 'MethodNotAllowed');
    const uid = body.preconditions?.uid;
    if (uid !== undefined && uid !== object.metadata?.uid) {
      return failure(409, 'Conflict', `the UID in the precondition (${uid}) does not match`);
    }
    deletePod(this.world.store, namespace ?? '', name, this.world.nowMs);
    return { code: 200, body: this.world.store.get('pods', namespace, name) ?? object };
  }

  private list(request: ApiRequest, resource: Resource): Reply {
    const { store } = this.world;
    const version = Number(request.query.get('resourceVersion') ?? '0');
    // etcd was restored from a backup; the real one waits 3 s and says this.
    if (version > store.resourceVersion) {
      return failure(
        504,
        'Timeout',
        `Too large resource version: ${version}, current: ${store.resourceVersion}`,
      );
    }
    const body = {
      kind: `${KIND_OF[resource]}List`,
      apiVersion: 'v1',
      metadata: { resourceVersion: String(store.resourceVersion) },
      items: store.list(resource).filter((object) => selects(request, object)),
    };
    return { code: 200, body };
  }

  /** A node may only ask for tokens bound to pods of its own. */
  private issueToken(request: ApiRequest, body: Body): Reply {
    const spec = body.spec ?? {};
    const bound = this.world.store
      .list('pods')
      .find(({ metadata }) => metadata?.uid === spec.boundObjectRef?.uid);
    if (bound?.metadata?.namespace !== request.namespace || bound?.spec?.nodeName !== this.node) {
      return failure(403, 'Forbidden', 'not bound to a pod of this node');
    }
    const seconds = spec.expirationSeconds ?? 3_600;
    if (seconds < 600) return failure(422, 'Invalid', 'may not specify a duration less than 10 minutes');
    const { token, expiresAtMs } = issueToken(
      this.world,
      bound,
      request.name ?? '',
      seconds,
      this.world.nowMs,
    );
    const status = { token, expirationTimestamp: apiTime(expiresAtMs).toISOString() };
    return {
      code: 201,
      body: { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', spec, status },
    };
  }
}

interface Reply {
  readonly code: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

function failure(code: number, reason: string, message = reason): Reply {
  return { code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message } };
}

/** KEP 4568. */
const STARTING: Reply = {
  ...failure(429, 'TooManyRequests', 'storage is (re)initializing'),
  headers: { 'retry-after': '1' },
};

/** The fields of request bodies that this API reads. */
interface Body {
  readonly preconditions?: { readonly uid?: string };
  readonly spec?: {
    readonly expirationSeconds?: number;
    readonly boundObjectRef?: { readonly uid?: string };
  };
}

function parsed(body: string): Body {
  return body === '' ? {} : JSON.parse(body);
}
