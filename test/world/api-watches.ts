// Front end: open watches. Level-triggered: at every look each stream is brought up to the store's version. A frozen
// or cut API writes nothing and closes nothing, which is what a peer that lost power looks like.

import type { ServerResponse } from 'node:http';
import { type ApiRequest, KIND_OF, selects } from './api-requests.ts';
import type { Kinds, Resource } from './object-store.ts';
import type { World } from './world.ts';

/** The real one sends a bookmark about once a minute. */
const BOOKMARK_MS = 1_000;

interface Stream {
  readonly response: ServerResponse;
  readonly request: ApiRequest;
  readonly resource: Resource;
  readonly endsAtMs: number;
  version: number;
  bookmarkAtMs: number;
  alive: boolean;
}

export class ApiWatches {
  private readonly world: World;
  private readonly streams = new Set<Stream>();

  constructor(world: World) {
    this.world = world;
  }

  get size(): number {
    return this.streams.size;
  }

  open(request: ApiRequest, resource: Resource, response: ServerResponse): void {
    const { store, schedule, nowMs } = this.world;
    const timeoutMs = Number(request.query.get('timeoutSeconds') ?? 1_800) * 1_000;
    const asked = request.query.get('resourceVersion') ?? '';
    const stream: Stream = {
      response,
      request,
      resource,
      endsAtMs: nowMs + timeoutMs,
      version: asked === '' || asked === '0' ? store.resourceVersion : Number(asked),
      bookmarkAtMs: nowMs + BOOKMARK_MS,
      alive: true,
    };
    response.on('close', () => this.forget(stream));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    this.streams.add(stream);
    // Without a version a watch begins with what there is, as synthetic ADDED events.
    if (asked === '' || asked === '0') {
      for (const object of store.list(resource)) this.write(stream, 'ADDED', object);
    }
    schedule.after(timeoutMs, () => undefined, stream);
    this.wakeForBookmark(stream);
    this.pumpOne(stream);
  }

  pump(): void {
    for (const stream of this.streams) this.pumpOne(stream);
  }

  private pumpOne(stream: Stream): void {
    const { store, nowMs } = this.world;
    const events = store.eventsSince(stream.version);
    if (events === undefined || stream.version > store.resourceVersion) {
      const status = {
        kind: 'Status',
        status: 'Failure',
        reason: 'Expired',
        code: 410,
        message: 'too old resource version',
      };
      stream.response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      this.forget(stream);
      return;
    }
    for (const event of events) {
      if (event.resource === stream.resource) this.write(stream, event.type, event.object);
      stream.version = event.resourceVersion;
    }
    if (nowMs >= stream.bookmarkAtMs && stream.request.query.get('allowWatchBookmarks') === 'true') {
      this.bookmark(stream);
    }
    if (nowMs >= stream.endsAtMs) {
      stream.response.end();
      this.forget(stream);
    }
  }

  private write(stream: Stream, type: string, object: Kinds[Resource]): void {
    if (!selects(stream.request, object)) return;
    stream.response.write(`${JSON.stringify({ type, object })}\n`);
  }

  private bookmark(stream: Stream): void {
    stream.bookmarkAtMs = this.world.nowMs + BOOKMARK_MS;
    const metadata = { resourceVersion: String(stream.version), creationTimestamp: null };
    const object = { kind: KIND_OF[stream.resource], apiVersion: 'v1', metadata };
    stream.response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
    this.wakeForBookmark(stream);
  }

  private wakeForBookmark(stream: Stream): void {
    this.world.schedule.after(BOOKMARK_MS, () => undefined, stream);
  }

  private forget(stream: Stream): void {
    stream.alive = false;
    this.streams.delete(stream);
  }
}
