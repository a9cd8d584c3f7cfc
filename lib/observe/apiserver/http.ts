// HTTP to one server as one identity, on undici. Credentials are read before each request; when they changed, new
// connections are made, while running watches end by themselves. An answer is data: nothing here throws on a status.

import { createSecureContext } from 'node:tls';
import { Agent, type Dispatcher } from 'undici';
import type { AwayCause, DeniedCause } from '../../types/observation.ts';
import type { Identity, TlsOptions } from '../identity.ts';
import { portHere } from './endpoint.ts';
import { causeOf, causeOfStatus, describe, StrangerError } from './failure.ts';
import type { ApiTiming } from './timing.ts';

export type ApiAnswer = { readonly ok: true; readonly status: number; readonly body: unknown } | ApiFailure;

/** `status` is absent when no answer came at all. `reason` is one line, fit for people. */
export interface ApiFailure {
  readonly ok: false;
  readonly status?: number;
  readonly cause: AwayCause | DeniedCause;
  readonly reason: string;
}

export type ApiStream = { readonly ok: true; readonly chunks: AsyncIterable<Buffer> } | ApiFailure;

export type Query = Readonly<Record<string, string | number | boolean>>;

export interface RequestOptions {
  /** The answer is plain text, such as a health check's. */
  readonly text?: true;
  readonly query?: Query;
  readonly body?: unknown;
  readonly timeoutMs?: number;
  /** Ends the wait early. */
  readonly signal?: AbortSignal;
}

export class ApiClient {
  readonly #identity: Identity;
  readonly #timing: ApiTiming;
  #agent: { readonly fingerprint: string; readonly agent: Agent } | undefined;
  /** By the server that the present connections go to. */
  #answered = false;
  #portHere: number | undefined;
  #closed = false;

  constructor(identity: Identity, timing: ApiTiming) {
    this.#identity = identity;
    this.#timing = timing;
  }

  get(path: string, options: RequestOptions = {}): Promise<ApiAnswer> {
    return this.request('GET', path, options);
  }

  async request(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    options: RequestOptions = {},
  ): Promise<ApiAnswer> {
    const what = `${method} ${path}`;
    const timeout = AbortSignal.timeout(options.timeoutMs ?? this.#timing.requestTimeoutMs);
    const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
    try {
      const sent = this.#send(method, path, options.query, options.body, signal);
      const response = await Promise.race([sent, aborted(signal, sent)]);
      this.#answered = true;
      const text = await response.body.text();
      if (response.statusCode >= 200 && response.statusCode < 300) {
        return { ok: true, status: response.statusCode, body: options.text ? text : parse(text) };
      }
      return this.#refused(what, response.statusCode, text);
    } catch (error) {
      if (timeout.aborted) return { ok: false, cause: 'timed-out', reason: `${what}: timed out` };
      const cause = causeOf(error);
      if (cause === 'refused') this.#forgetServer();
      return { ok: false, cause, reason: `${what}: ${describe(error)}` };
    }
  }

  /** Opens a watch. Its chunks must be read to the end or `signal` aborted. */
  async stream(path: string, query: Query, signal: AbortSignal): Promise<ApiStream> {
    try {
      const response = await this.#send('GET', path, query, undefined, signal);
      if (response.statusCode === 200) return { ok: true, chunks: response.body };
      return this.#refused(`watch ${path}`, response.statusCode, await response.body.text());
    } catch (error) {
      return { ok: false, cause: causeOf(error), reason: `watch ${path}: ${describe(error)}` };
    }
  }

  /** See `portHere`; undefined before the first request. */
  portHere(): number | undefined {
    return this.#portHere;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#agent?.agent.destroy();
    this.#agent = undefined;
  }

  async #send(
    method: Dispatcher.HttpMethod,
    path: string,
    query: Query | undefined,
    body: unknown,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { server, tls, headers, fingerprint } = await this.#identity.credentials();
    if (this.#closed) throw new Error('closed');
    if (this.#agent?.fingerprint !== fingerprint) {
      this.#portHere = portHere(server);
      this.#forgetConnections();
      this.#agent = { fingerprint, agent: newAgent(tls, this.#timing) };
    }
    const url = new URL(server);
    return this.#agent.agent.request({
      origin: url.origin,
      path: url.pathname.replace(/\/$/, '') + path,
      method,
      signal,
      headers: {
        accept: 'application/json',
        'user-agent': 'checkpoint-agent',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  #refused(what: string, status: number, text: string): ApiFailure {
    // The server judges a connection by the certificate it was opened with: an expired one is 401 for ever.
    if (status === 401) this.#forgetConnections();
    const message = statusMessage(text);
    const reason = `${what}: ${status}${message === '' ? '' : `: ${message}`}`;
    return { ok: false, status, cause: causeOfStatus(status), reason };
  }

  /**
   * Nobody listens any more: what is kept of its connections goes to a server that is about to end, once its pre-shutdown
   * hooks are done, and lives on for its watches. One that had lost its etcd took three probes over them and answered none:
   * a real node (1.20) was without an API for 3 s more. Once, as long as none answers: while there is no API it is refused
   * several times a second.
   */
  #forgetServer(): void {
    if (this.#answered) this.#forgetConnections();
  }

  #forgetConnections(): void {
    this.#answered = false;
    const old = this.#agent?.agent;
    this.#agent = undefined;
    old?.close().catch(() => {});
  }
}

/**
 * Rejects when the signal fires. undici (7.30) heeds a signal only once it is connected: a port that accepts and answers
 * no handshake, as an apiserver's does while it waits for etcd, held a probe of 1 s for the 5 s of a connection.
 */
function aborted(signal: AbortSignal, sent: Promise<Dispatcher.ResponseData>): Promise<never> {
  sent.catch(() => {});
  return new Promise((_, reject) => {
    const fire = (): void => reject(signal.reason);
    if (signal.aborted) fire();
    else signal.addEventListener('abort', fire, { once: true });
    // The listener is not to outlive the request on a signal that does.
    void sent.catch(() => {}).finally(() => signal.removeEventListener('abort', fire));
  });
}

function newAgent(tls: TlsOptions, timing: ApiTiming): Agent {
  // Once, not for each connection: while no API answers there are several a second.
  const secureContext = createSecureContext(tls);
  return new Agent({
    allowH2: false,
    headersTimeout: timing.headersTimeoutMs,
    bodyTimeout: timing.bodyTimeoutMs,
    // The kernel asks a silent peer after 3 s, then ten times a second apart (libuv's numbers): one that lost power was
    // found after 15 s between two network namespaces, 26 s with a delay of 15 s. It costs no request.
    connect: {
      ...tls,
      secureContext,
      timeout: timing.connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelay: 3_000,
    },
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new StrangerError('the answer is not JSON');
  }
}

/** The message of a v1 Status, cut to one short line; other bodies are not repeated. */
function statusMessage(text: string): string {
  try {
    const message = (JSON.parse(text) as { message?: unknown }).message;
    return typeof message === 'string' ? message.replace(/\s+/g, ' ').slice(0, 200) : '';
  } catch {
    return '';
  }
}
