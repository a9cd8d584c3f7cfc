// Keeps a copy of what one list would say, by list and watch. Its value is known only while the watch lives, or is
// being renewed after an ordinary end, and the API serves; after anything else it is unknown until listed anew.
// Lists carry no resourceVersion: they are quorum reads, and cure 410 and a restored etcd alike.

import { known, type Observed, unknown } from '../../types/observed.ts';
import { BackOff, pause } from './back-off.ts';
import type { Health } from './health.ts';
import type { ApiClient } from './http.ts';
import type { ApiTiming } from './timing.ts';
import { watchEvents } from './watch-stream.ts';

export interface ApiObject {
  readonly kind?: string | undefined;
  readonly metadata?:
    | {
        name?: string | undefined;
        namespace?: string | undefined;
        resourceVersion?: string | undefined;
        managedFields?: unknown;
      }
    | undefined;
}

export interface ReflectorOptions {
  readonly client: ApiClient;
  readonly health: Health;
  readonly timing: ApiTiming;
  readonly path: string;
  /** Absent: all objects at the path. */
  readonly fieldSelector?: string;
  readonly onChange: () => void;
  /** Done before each list, such as reading what must be at least as new as the list. */
  readonly beforeList?: (signal: AbortSignal) => Promise<void>;
}

/** How a watch ended: `closed` is the ordinary end, from which the next one goes on. */
type Ending =
  | { readonly closed: true; readonly resourceVersion: string }
  | { readonly closed: false; readonly reason: string };

export class Reflector<T extends ApiObject> {
  readonly #options: ReflectorOptions;
  readonly #backOff: BackOff;
  readonly #closing = new AbortController();
  #items = new Map<string, T>();
  #stale: string | undefined = 'not listed yet';
  #listing = false;
  /** Aborted to end the present list, watch or pause and start again with a list. */
  #round = new AbortController();

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#backOff = new BackOff(options.timing.backOffMsMin, options.timing.backOffMsMax);
  }

  snapshot(): Observed<readonly T[]> {
    const state = this.#options.health.state();
    if (state.name === 'unasked') return unknown('the API has not answered yet');
    if (state.name !== 'serving') return unknown(`the API is ${state.name}: ${state.detail}`);
    return this.#stale === undefined ? known([...this.#items.values()]) : unknown(this.#stale);
  }

  /** What was said last, and each event since then that still came. Nobody vouches for it. */
  lastWord(): readonly T[] {
    return [...this.#items.values()];
  }

  /** What is done before each list is done, and the list itself has not been answered yet. */
  get listing(): boolean {
    return this.#listing && this.#options.health.serving();
  }

  start(): void {
    void this.#run();
  }

  /** Lists anew at once, without the back-off: the API came back. */
  restart(): void {
    this.#stale ??= 'listing anew';
    this.#listing = false;
    this.#backOff.reset();
    this.#round.abort();
  }

  close(): void {
    this.#closing.abort();
    this.#round.abort();
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#round = new AbortController();
      const { signal } = this.#round;
      await this.#options.health.untilServing(signal);
      if (signal.aborted) continue;
      const reason = await this.#listAndWatch(signal);
      if (this.#closing.signal.aborted) return;
      this.#stale = reason;
      this.#options.onChange();
      if (signal.aborted) continue;
      this.#options.health.suspect();
      await pause(this.#backOff.next(), signal);
    }
  }

  /** Resolves with the reason why the copy cannot be trusted any more. */
  async #listAndWatch(signal: AbortSignal): Promise<string> {
    const { client, health, path, fieldSelector } = this.#options;
    await this.#options.beforeList?.(signal);
    if (signal.aborted) return 'listing anew';
    this.#listing = true;
    if (this.#options.beforeList !== undefined) this.#options.onChange();
    const answer = await client.get(path, { query: { ...selecting(fieldSelector) }, signal });
    if (signal.aborted) return 'listing anew';
    this.#listing = false;
    if (!answer.ok) return answer.reason;
    const list = answer.body as {
      kind?: string;
      items?: T[] | null;
      metadata?: { resourceVersion?: string };
    };
    let resourceVersion = list.metadata?.resourceVersion;
    // An answer that is not a list (a proxy's, say) must not read as an empty one.
    if (!list.kind?.endsWith('List') || resourceVersion === undefined)
      return `${path}: the answer is not a list`;
    this.#items = new Map((list.items ?? []).map((item) => [keyOf(item), slim(item)]));
    this.#stale = undefined;
    health.heard();
    this.#options.onChange();
    for (;;) {
      const ending = await this.#watch(resourceVersion, signal);
      if (signal.aborted) return 'listing anew';
      if (!ending.closed) return ending.reason;
      resourceVersion = ending.resourceVersion;
      // A server that shuts down closes its watches in good order as well.
      health.suspect();
      await pause(this.#backOff.next(), signal);
      if (signal.aborted) return 'listing anew';
      if (!health.serving()) return 'the watch ended and the API does not serve';
    }
  }

  async #watch(from: string, signal: AbortSignal): Promise<Ending> {
    const { client, timing, path, fieldSelector } = this.#options;
    const timeoutSeconds = Math.round(
      timing.watchSecondsMin + Math.random() * (timing.watchSecondsMax - timing.watchSecondsMin),
    );
    const query = {
      ...selecting(fieldSelector),
      watch: 1,
      resourceVersion: from,
      allowWatchBookmarks: true,
      timeoutSeconds,
    };
    const stream = await client.stream(path, query, signal);
    if (!stream.ok) return { closed: false, reason: stream.reason };
    // Not counted as hearing from the API: a watch is answered from the apiserver's cache, also when etcd is dead.
    const openedAtMs = performance.now();
    let resourceVersion = from;
    try {
      for await (const event of watchEvents(stream.chunks)) {
        if (event.type === 'ERROR')
          return { closed: false, reason: `watch ${path}: ${errorOf(event.object)}` };
        const object = event.object as T;
        resourceVersion = object.metadata?.resourceVersion ?? resourceVersion;
        if (this.#apply(event.type, object)) this.#options.onChange();
      }
      return { closed: true, resourceVersion };
    } catch (error) {
      return { closed: false, reason: `watch ${path}: ${error instanceof Error ? error.message : 'failed'}` };
    } finally {
      if (performance.now() - openedAtMs >= timing.goodStreamMs) this.#backOff.reset();
    }
  }

  #apply(type: string, object: T): boolean {
    if (type === 'ADDED' || type === 'MODIFIED') {
      this.#items.set(keyOf(object), slim(object));
      return true;
    }
    return type === 'DELETED' && this.#items.delete(keyOf(object));
  }
}

function selecting(fieldSelector: string | undefined): { readonly fieldSelector?: string } {
  return fieldSelector === undefined ? {} : { fieldSelector };
}

function keyOf(object: ApiObject): string {
  return `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
}

/** managedFields are often half of an object, and nobody here reads them. */
function slim<T extends ApiObject>(object: T): T {
  if (object.metadata !== undefined) delete object.metadata.managedFields;
  return object;
}

function errorOf(object: unknown): string {
  const status = object as { code?: number; message?: string } | null;
  return `${status?.code ?? 'ERROR'}: ${(status?.message ?? 'no message').replace(/\s+/g, ' ').slice(0, 200)}`;
}
