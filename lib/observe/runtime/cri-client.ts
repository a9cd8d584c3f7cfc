// Calls over the runtime's unix socket. Every call has a deadline: a peer that accepts and then says nothing hangs
// grpc-js for good (grpc-node#2785). After any failure the channel is made anew.

import { Client, type ClientOptions, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { fromJSON, type MethodDefinition } from '@grpc/proto-loader';
import { known, type Observed, unknown } from '../../types/observed.ts';
import { criDescriptor } from './cri-messages.ts';

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
  readonly #services = fromJSON(criDescriptor(), {
    keepCase: true,
    longs: Number,
    defaults: true,
  }) as unknown as Services;
  #client: Client | undefined;
  #closed = false;

  constructor(socket: string, deadlineMs: number) {
    this.#socket = socket;
    this.#deadlineMs = deadlineMs;
  }

  call<T>(
    service: 'RuntimeService' | 'ImageService',
    method: string,
    request: object = {},
  ): Promise<Observed<T>> {
    if (this.#closed) return Promise.resolve(unknown(`runtime ${this.#socket}: closed`));
    const definition = this.#services[`runtime.v1.${service}`]?.[method];
    if (definition === undefined) throw new Error(`no CRI method ${service}.${method}`);
    this.#client ??= new Client(`unix://${this.#socket}`, credentials.createInsecure(), CHANNEL);
    const client = this.#client;
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, value?: object) => {
        if (error === null) return resolve(known(value as T));
        this.#drop(client);
        resolve(unknown(`runtime ${this.#socket}: ${method}: ${reasonOf(error, this.#deadlineMs)}`));
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

  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = undefined;
  }

  #drop(client: Client): void {
    if (this.#client === client) this.#client = undefined;
    client.close();
  }
}

function reasonOf(error: ServiceError, deadlineMs: number): string {
  if (error.code === status.DEADLINE_EXCEEDED) return `no answer within ${deadlineMs} ms`;
  const said = (error.details || status[error.code] || 'failed').replace(/\s+/g, ' ').slice(0, 300);
  return error.code === status.UNIMPLEMENTED
    ? `it does not speak CRI v1 (containerd 1.7 and later do): ${said}`
    : said;
}
