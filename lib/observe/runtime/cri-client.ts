// Calls over the runtime's unix socket. Every call has a deadline: a peer that accepts and then says nothing hangs
// grpc-js for good (grpc-node#2785). After any failure the channel is made anew.

import { Client, type ClientOptions, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { fromJSON, type MethodDefinition } from '@grpc/proto-loader';
import { known, type Observed, unknown } from '../../types/observed.ts';
import { type CriVersion, criDescriptor } from './cri-messages.ts';

const CHANNEL: ClientOptions = {
  // Without it the authority is the socket's path, which Go servers refuse.
  'grpc.default_authority': 'localhost',
  // The kubelet's own limit; grpc's default of 4 MiB is passed by busy nodes.
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  // Channels share their connections otherwise, and with them the state a new channel is meant to leave behind.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
};

type Services = Readonly<Record<string, Readonly<Record<string, MethodDefinition<object, object>>>>>;

export class CriClient {
  readonly #socket: string;
  readonly #deadlineMs: number;
  readonly #services = new Map<CriVersion, Services>();
  #version: CriVersion = 'v1';
  #client: Client | undefined;
  #closed = false;

  constructor(socket: string, deadlineMs: number) {
    this.#socket = socket;
    this.#deadlineMs = deadlineMs;
  }

  /** The version that answered last. */
  version(): CriVersion {
    return this.#version;
  }

  /** Asks in the version that worked last, and in the other one when the runtime does not know it. */
  async call<T>(
    service: 'RuntimeService' | 'ImageService',
    method: string,
    request: object = {},
  ): Promise<Observed<T>> {
    if (this.#closed) return unknown(`runtime ${this.#socket}: closed`);
    const asked = this.#version;
    let answer = await this.#callIn<T>(asked, service, method, request);
    if (!answer.ok && answer.code === status.UNIMPLEMENTED) {
      const other: CriVersion = asked === 'v1' ? 'v1alpha2' : 'v1';
      answer = await this.#callIn<T>(other, service, method, request);
      if (answer.ok) this.#version = other;
    }
    if (answer.ok) return known(answer.value);
    return unknown(`runtime ${this.#socket}: ${method}: ${answer.reason}`);
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = undefined;
  }

  #callIn<T>(
    version: CriVersion,
    service: string,
    method: string,
    request: object,
  ): Promise<{ ok: true; value: T } | { ok: false; code: status; reason: string }> {
    const definition = this.#definitions(version)[`runtime.${version}.${service}`]?.[method];
    if (definition === undefined) throw new Error(`no CRI method ${service}.${method}`);
    this.#client ??= new Client(`unix://${this.#socket}`, credentials.createInsecure(), CHANNEL);
    const client = this.#client;
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, value?: object) => {
        if (error === null) return resolve({ ok: true, value: value as T });
        if (error.code !== status.UNIMPLEMENTED) this.#drop(client);
        resolve({ ok: false, code: error.code, reason: reasonOf(error, this.#deadlineMs) });
      };
      const { path, requestSerialize, responseDeserialize } = definition;
      const deadline = Date.now() + this.#deadlineMs;
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        { deadline },
        done,
      );
    });
  }

  #drop(client: Client): void {
    if (this.#client === client) this.#client = undefined;
    client.close();
  }

  /** Built on first use: most runtimes only ever need one of the two. */
  #definitions(version: CriVersion): Services {
    let services = this.#services.get(version);
    if (services === undefined) {
      services = fromJSON(criDescriptor(version), {
        keepCase: true,
        longs: Number,
        defaults: true,
      }) as unknown as Services;
      this.#services.set(version, services);
    }
    return services;
  }
}

function reasonOf(error: ServiceError, deadlineMs: number): string {
  if (error.code === status.DEADLINE_EXCEEDED) return `no answer within ${deadlineMs} ms`;
  return (error.details || status[error.code] || 'failed').replace(/\s+/g, ' ').slice(0, 300);
}
