// Front end: the runtime model over CRI (gRPC on a unix socket). While the
// runtime is down there is no socket at all; open connections break, as when containerd is killed.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
  type ServiceDefinition,
  status,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import {
  type CriFilter,
  containerMessage,
  containerStatusMessage,
  imageMessage,
  imageMessages,
  passes,
  sandboxMessage,
} from './cri-messages.ts';
import { criProto } from './cri-proto.ts';
import type { RealClock } from './real-clock.ts';
import type { RuntimeModel } from './runtime-model.ts';

interface CriRequest {
  readonly filter?: CriFilter | null;
  readonly pod_sandbox_id?: string;
  readonly container_id?: string;
  readonly image?: { readonly image: string } | null;
}
interface LoadedCri {
  readonly runtime: Record<string, Record<string, ServiceClientConstructor>>;
}
type Answer = (request: CriRequest) => object | undefined;

export class CriServer {
  readonly socketPath: string;
  private readonly runtime: RuntimeModel;
  private readonly clock: RealClock;
  private server: Server | undefined;

  constructor(runtime: RuntimeModel, socketPath: string, clock: RealClock) {
    this.runtime = runtime;
    this.socketPath = socketPath;
    this.clock = clock;
  }

  reconcile(): void {
    if (this.runtime.up && this.server === undefined) this.open();
    if (!this.runtime.up && this.server !== undefined) this.close();
  }

  close(): void {
    this.server?.forceShutdown();
    this.server = undefined;
    rmSync(this.socketPath, { force: true });
  }

  private open(): void {
    rmSync(this.socketPath, { force: true });
    const server = new Server({ 'grpc.max_receive_message_length': 16 * 1024 * 1024 });
    this.server = server;
    server.addService(service('RuntimeService'), this.handlers(this.runtimeAnswers()));
    server.addService(service('ImageService'), this.handlers(this.imageAnswers()));
    server.bindAsync(`unix://${this.socketPath}`, ServerCredentials.createInsecure(), (error) => {
      // Closed before it was bound: power went off again.
      if (error !== null && this.server === server) this.server = undefined;
    });
  }

  private handlers(answers: Readonly<Record<string, Answer>>): Record<string, UntypedHandleCall> {
    const handlers: Record<string, UntypedHandleCall> = {};
    for (const [name, answer] of Object.entries(answers)) {
      const handler: UntypedHandleCall = (
        call: { request: CriRequest },
        done: (error: object | null, value?: object) => void,
      ) => {
        const value = this.clock.run(() => answer(call.request));
        if (value === undefined) done({ code: status.NOT_FOUND, details: 'not found' });
        else done(null, value);
      };
      handlers[name] = handler;
    }
    return handlers;
  }

  private runtimeAnswers(): Record<string, Answer> {
    const { sandboxes, containers } = this.runtime;
    return {
      Version: () => ({
        version: '0.1.0',
        runtime_name: 'containerd',
        runtime_version: 'v2.2.9-model',
        runtime_api_version: 'v1',
      }),
      ListPodSandbox: ({ filter }) => ({
        items: [...sandboxes.values()].map(sandboxMessage).filter((message) => passes(filter, message)),
      }),
      PodSandboxStatus: ({ pod_sandbox_id = '' }) => {
        const sandbox = sandboxes.get(pod_sandbox_id);
        return sandbox && { status: sandboxMessage(sandbox) };
      },
      ListContainers: ({ filter }) => ({
        containers: [...containers.values()]
          .map(containerMessage)
          .filter((message) => passes(filter, message)),
      }),
      StopPodSandbox: ({ pod_sandbox_id = '' }) => {
        this.runtime.stopSandbox(pod_sandbox_id);
        return {};
      },
      RemoveContainer: ({ container_id = '' }) => {
        this.runtime.removeContainer(container_id);
        return {};
      },
      ContainerStatus: ({ container_id = '' }) => {
        const container = containers.get(container_id);
        return container && { status: containerStatusMessage(container) };
      },
    };
  }

  private imageAnswers(): Record<string, Answer> {
    return {
      ListImages: () => ({ images: imageMessages(this.runtime) }),
      ImageStatus: ({ image }) => {
        const found = [...this.runtime.images].find((name) => name === image?.image);
        return found === undefined ? {} : { image: imageMessage(found) };
      },
    };
  }
}

function service(name: 'RuntimeService' | 'ImageService'): ServiceDefinition {
  const directory = mkdtempSync(join(tmpdir(), 'world-cri-'));
  try {
    const file = join(directory, 'cri.proto');
    writeFileSync(file, criProto);
    const definition = loadSync(file, { keepCase: true, longs: String, enums: String, defaults: true });
    const loaded = loadPackageDefinition(definition) as unknown as LoadedCri;
    const found = loaded.runtime.v1?.[name];
    if (found === undefined) throw new Error(`no service ${name} in the CRI of this world`);
    return found.service;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
