// A container runtime small enough to read, on a real unix socket: the same messages as the CRI, written out on their
// own (with all the fields the agent leaves out), so that a wrong field number in the client shows.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export const CRI_PROTO = (version: string) => `
syntax = "proto3";
package runtime.${version};
service RuntimeService {
  rpc ListPodSandbox(ListPodSandboxRequest) returns (ListPodSandboxResponse) {}
  rpc ListContainers(ListContainersRequest) returns (ListContainersResponse) {}
  rpc StopPodSandbox(StopPodSandboxRequest) returns (StopPodSandboxResponse) {}
  rpc RemoveContainer(RemoveContainerRequest) returns (RemoveContainerResponse) {}
}
message StopPodSandboxRequest { string pod_sandbox_id = 1; }
message StopPodSandboxResponse {}
message RemoveContainerRequest { string container_id = 1; }
message RemoveContainerResponse {}
service ImageService { rpc ListImages(ListImagesRequest) returns (ListImagesResponse) {} }
message PodSandboxMetadata { string name = 1; string uid = 2; string namespace = 3; uint32 attempt = 4; }
enum PodSandboxState { SANDBOX_READY = 0; SANDBOX_NOTREADY = 1; }
message PodSandbox { string id = 1; PodSandboxMetadata metadata = 2; PodSandboxState state = 3; int64 created_at = 4;
  map<string, string> labels = 5; map<string, string> annotations = 6; string runtime_handler = 7; }
message PodSandboxStateValue { PodSandboxState state = 1; }
message PodSandboxFilter { string id = 1; PodSandboxStateValue state = 2; map<string, string> label_selector = 3; }
message ListPodSandboxRequest { PodSandboxFilter filter = 1; }
message ListPodSandboxResponse { repeated PodSandbox items = 1; }
message ContainerMetadata { string name = 1; uint32 attempt = 2; }
message ImageSpec { string image = 1; }
enum ContainerState { CONTAINER_CREATED = 0; CONTAINER_RUNNING = 1; CONTAINER_EXITED = 2; CONTAINER_UNKNOWN = 3; }
message Container { string id = 1; string pod_sandbox_id = 2; ContainerMetadata metadata = 3; ImageSpec image = 4; string image_ref = 5;
  ContainerState state = 6; int64 created_at = 7; map<string, string> labels = 8; map<string, string> annotations = 9; }
message ContainerStateValue { ContainerState state = 1; }
message ContainerFilter { string id = 1; ContainerStateValue state = 2; string pod_sandbox_id = 3; map<string, string> label_selector = 4; }
message ListContainersRequest { ContainerFilter filter = 1; }
message ListContainersResponse { repeated Container containers = 1; }
message ListImagesRequest {}
message Image { string id = 1; repeated string repo_tags = 2; repeated string repo_digests = 3; uint64 size = 4; }
message ListImagesResponse { repeated Image images = 1; }
`;

interface Filter {
  readonly state: { readonly state: number } | null;
  readonly label_selector: Readonly<Record<string, string>>;
}

interface Request {
  readonly filter?: Filter | null;
  readonly pod_sandbox_id?: string;
  readonly container_id?: string;
}

export class CriServer {
  readonly dir = mkdtempSync(join(tmpdir(), 'observe-cri-'));
  readonly socket = join(this.dir, 'cri.sock');
  readonly calls: string[] = [];
  sandboxes: object[] = [];
  containers: { state?: number; labels?: Record<string, string> }[] = [];
  images: object[] = [];
  /** Methods that never answer. */
  silent = new Set<string>();
  #server: Server | undefined;

  async start(version = 'v1'): Promise<void> {
    const file = join(this.dir, `${version}.proto`);
    writeFileSync(file, CRI_PROTO(version));
    const loaded = loadPackageDefinition(
      loadSync(file, { keepCase: true, longs: String, enums: Number, defaults: true }),
    );
    const services = (loaded.runtime as unknown as Record<string, Record<string, ServiceClientConstructor>>)[
      version
    ];
    this.#server = new Server({ 'grpc.max_send_message_length': -1 });
    const answers = {
      ListPodSandbox: () => ({ items: this.sandboxes }),
      ListContainers: ({ filter }: Request) => ({
        containers: this.containers.filter((one) => passes(one, filter)),
      }),
      StopPodSandbox: ({ pod_sandbox_id }: Request) => {
        this.calls.push(`stop ${pod_sandbox_id}`);
        return {};
      },
      RemoveContainer: ({ container_id }: Request) => {
        this.calls.push(`remove ${container_id}`);
        return {};
      },
      ListImages: () => ({ images: this.images }),
    };
    const handlers = Object.fromEntries(
      Object.entries(answers).map(([name, answer]) => [
        name,
        ({ request }: { request: Request }, done: (error: null, value: object) => void) => {
          this.calls.push(name);
          if (!this.silent.has(name)) done(null, answer(request));
        },
      ]),
    );
    for (const name of ['RuntimeService', 'ImageService']) {
      const service = services?.[name]?.service;
      if (service === undefined) throw new Error(`no service ${name}`);
      this.#server.addService(service, handlers);
    }
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix://${this.socket}`, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  stop(): void {
    this.#server?.forceShutdown();
    rmSync(this.socket, { force: true });
  }
}

function passes(
  one: { state?: number; labels?: Record<string, string> },
  filter: Filter | null | undefined,
): boolean {
  if (filter?.state && filter.state.state !== one.state) return false;
  return Object.entries(filter?.label_selector ?? {}).every(([key, value]) => one.labels?.[key] === value);
}

export function sandbox(id: string, uid: string, fields: Record<string, unknown> = {}, attempt = 0): object {
  const metadata = { name: `pod-${uid}`, uid, namespace: 'kube-system', attempt };
  return {
    id,
    metadata,
    state: 0,
    created_at: '1700000000123456789',
    labels: {},
    annotations: {},
    ...fields,
  };
}

export function container(
  id: string,
  sandboxId: string,
  fields: Record<string, unknown> = {},
  attempt = 0,
): object {
  const base = {
    id,
    pod_sandbox_id: sandboxId,
    metadata: { name: 'main', attempt },
    state: 1,
    created_at: '1700000000999000000',
  };
  return {
    ...base,
    image: { image: 'sha256:1' },
    image_ref: 'sha256:1',
    labels: { a: 'b' },
    annotations: { c: 'd' },
    ...fields,
  };
}
