// An apiserver small enough to read: lists, gets and watches over plain objects, and every way to misbehave that the
// tests need. It keeps a log of its requests, since what is not asked matters as much as what is.

import { mkdtempSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiSource, createApiSource } from '../../../lib/observe/apiserver/source.ts';
import type { ApiTiming } from '../../../lib/observe/apiserver/timing.ts';
import { type Identity, loadIdentity } from '../../../lib/observe/kubeconfig.ts';

export interface SmallObject {
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
  readonly atMs: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly clientSerial?: string | undefined;
  readonly clientPort: number | undefined;
}

type Answer = { status: number; body: unknown };

const PLURALS: Record<string, string> = {
  pods: 'Pod',
  secrets: 'Secret',
  configmaps: 'ConfigMap',
  clustertrustbundles: 'ClusterTrustBundle',
  nodes: 'Node',
  daemonsets: 'DaemonSet',
  deployments: 'Deployment',
  replicasets: 'ReplicaSet',
  statefulsets: 'StatefulSet',
};

export class SmallApi {
  readonly requests: SeenRequest[] = [];
  objects: SmallObject[] = [
    { kind: 'Node', metadata: { name: 'n1', uid: 'node-uid', labels: { role: 'master' } } },
  ];
  revision = 100;
  /** Set to answer a request in another way; undefined leaves it to the server. 'silent' never answers. */
  override: (request: SeenRequest) => Answer | 'silent' | undefined = () => undefined;
  /** Called with each watch once its headers are out. */
  onWatch: (response: http.ServerResponse, request: SeenRequest) => void = () => {};
  watches: { request: SeenRequest; response: http.ServerResponse }[] = [];
  #server: http.Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #tls: https.ServerOptions | undefined;
  port = 0;

  constructor(tls?: https.ServerOptions) {
    this.#tls = tls;
  }

  get url(): string {
    return `${this.#tls ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const handler = (request: http.IncomingMessage, response: http.ServerResponse) =>
      this.#handle(request, response);
    const server = this.#tls ? https.createServer(this.#tls, handler) : http.createServer(handler);
    this.#server = server;
    for (const event of ['connection', 'secureConnection']) {
      server.on(event, (socket: Socket) => {
        this.#sockets.add(socket);
        socket.on('close', () => this.#sockets.delete(socket));
      });
    }
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
    this.port = (server.address() as AddressInfo).port;
  }

  /** As when the process is killed: every connection is cut. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    this.watches = [];
    await closed;
  }

  /** As when it is told to end: its port is closed, and the watches that are open go on. */
  closePort(): void {
    this.#server?.close();
  }

  put(object: SmallObject): void {
    object.metadata.resourceVersion = String(++this.revision);
    const old = this.objects.findIndex((other) => same(other, object));
    if (old !== -1) this.objects.splice(old, 1);
    this.objects.push(object);
    this.emit(old === -1 ? 'ADDED' : 'MODIFIED', object);
  }

  remove(kind: string, name: string): void {
    const index = this.objects.findIndex((object) => object.kind === kind && object.metadata.name === name);
    const [object] = this.objects.splice(index, 1);
    if (object === undefined) throw new Error(`no ${kind} ${name}`);
    object.metadata.resourceVersion = String(++this.revision);
    this.emit('DELETED', object);
  }

  emit(type: string, object: unknown): void {
    for (const { request, response } of this.watches) {
      if (type === 'ERROR' || type === 'BOOKMARK' || matches(request, object as SmallObject)) {
        response.write(`${JSON.stringify({ type, object })}\n`);
      }
    }
  }

  endWatches(): void {
    for (const { response } of this.watches.splice(0)) response.end();
  }

  lists(path: string): SeenRequest[] {
    return this.requests.filter(
      (r) => r.path === path && r.method === 'GET' && !r.query.has('watch') && !r.query.has('limit'),
    );
  }

  watchRequests(path: string): SeenRequest[] {
    return this.requests.filter((request) => request.path === path && request.query.has('watch'));
  }

  probes(): SeenRequest[] {
    return this.requests.filter((request) => request.query.has('limit'));
  }

  async #handle(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://x');
    let body = '';
    for await (const chunk of incoming) body += chunk;
    const socket = incoming.socket as Socket & { getPeerCertificate?: () => { serialNumber?: string } };
    const request: SeenRequest = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      body,
      atMs: performance.now(),
      headers: incoming.headers,
      clientPort: socket.remotePort,
      clientSerial: socket.getPeerCertificate?.().serialNumber,
    };
    this.requests.push(request);
    const answer = this.override(request) ?? this.#answer(request);
    if (answer === 'silent') return;
    if (answer === 'watch') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      const watch = { request, response };
      this.watches.push(watch);
      response.on('close', () => {
        this.watches = this.watches.filter((other) => other !== watch);
      });
      this.onWatch(response, request);
      return;
    }
    response
      .writeHead(answer.status, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer.body));
  }

  #answer(request: SeenRequest): Answer | 'watch' {
    if (request.query.has('watch')) return 'watch';
    const segments = request.path.split('/').filter((segment) => segment !== '');
    const kind = PLURALS[segments.at(-1) ?? ''];
    if (request.method === 'GET' && kind !== undefined) {
      const items = this.objects.filter((object) => matches(request, object));
      return {
        status: 200,
        body: { kind: `${kind}List`, metadata: { resourceVersion: String(this.revision) }, items },
      };
    }
    const object = this.objects.find(
      (candidate) =>
        candidate.kind === PLURALS[segments.at(-2) ?? ''] && candidate.metadata.name === segments.at(-1),
    );
    if (request.method === 'GET' && object !== undefined) return { status: 200, body: object };
    return { status: 404, body: { kind: 'Status', code: 404, message: `${request.path} not found` } };
  }
}

function same(a: SmallObject, b: SmallObject): boolean {
  return (
    a.kind === b.kind && a.metadata.name === b.metadata.name && a.metadata.namespace === b.metadata.namespace
  );
}

/** Kind and namespace by the path, name and labels by the selectors; every pod is taken to run on the asked node. */
function matches(request: SeenRequest, object: SmallObject): boolean {
  const segments = request.path.split('/');
  const namespace = segments.includes('namespaces')
    ? segments[segments.indexOf('namespaces') + 1]
    : undefined;
  const name = /metadata\.name=([^,]+)/.exec(request.query.get('fieldSelector') ?? '')?.[1];
  const asked = (request.query.get('labelSelector') ?? '').split(',').filter((pair) => pair !== '');
  const labels = (object.metadata.labels ?? {}) as Record<string, string>;
  return (
    asked.every((pair) => labels[pair.split('=')[0] ?? ''] === pair.split('=')[1]) &&
    PLURALS[segments.at(-1) ?? ''] === object.kind &&
    (namespace === undefined || namespace === object.metadata.namespace) &&
    (name === undefined || name === object.metadata.name)
  );
}

export function pod(name: string, fields: Record<string, unknown> = {}): SmallObject {
  return {
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system', uid: `uid-${name}`, ...fields },
    spec: { nodeName: 'n1' },
  };
}

export async function identityFor(server: string): Promise<Identity> {
  const file = join(mkdtempSync(join(tmpdir(), 'observe-')), 'kubeconfig');
  const config = {
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'kubelet-token' } }],
  };
  writeFileSync(file, JSON.stringify(config));
  return loadIdentity(file);
}

/** A started source against the server; both end with the test. */
export async function sourceFor(
  api: SmallApi,
  t: { after(fn: () => Promise<void>): void },
  timing: Partial<ApiTiming> = {},
  serviceAccount?: Identity,
): Promise<ApiSource> {
  await api.start();
  const source = createApiSource({
    identity: await identityFor(api.url),
    nodeName: 'n1',
    timing,
    serviceAccount,
  });
  source.start();
  t.after(async () => {
    await source.close();
    await api.stop();
  });
  return source;
}

/** The names of the pods, or `unknown`. */
export function podNames(source: ApiSource): string {
  const pods = source.pods();
  return pods.known
    ? pods.value
        .map((item) => item.metadata?.name)
        .sort()
        .join()
    : 'unknown';
}
