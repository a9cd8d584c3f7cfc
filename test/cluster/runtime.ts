// What runs on a node, asked of its containerd. Two short calls on an open connection, so a test can
// sample it many times a second. This shows the pods that kubectl cannot: with the API away, rejected
// mirrors, and what a pod that was deleted left behind.
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface NodePod {
  readonly sandboxId: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly attempt: number;
  /** `file` for static pods, `api` for the others. */
  readonly source: string;
  readonly ready: boolean;
  readonly createdAtMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly containers: readonly NodeContainer[];
}

export interface NodeContainer {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: 'created' | 'running' | 'exited' | 'unknown';
  readonly image: string;
  readonly createdAtMs: number;
}

interface SandboxMessage {
  readonly id: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly namespace: string;
    readonly attempt: number;
  };
  readonly state: string;
  readonly created_at: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

interface ContainerMessage {
  readonly id: string;
  readonly pod_sandbox_id: string;
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly image: { readonly image: string } | null;
  readonly state: string;
  readonly created_at: string;
}

const states: Readonly<Record<string, NodeContainer['state']>> = {
  CONTAINER_CREATED: 'created',
  CONTAINER_RUNNING: 'running',
  CONTAINER_EXITED: 'exited',
};

const service = '/runtime.v1.RuntimeService';
const definition = loadSync(fileURLToPath(new URL('./cri.proto', import.meta.url)), {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
});

export class RuntimeConnection {
  private readonly client: grpc.Client;

  /** `socket` is a path on the host. */
  constructor(socket: string) {
    this.client = new grpc.Client(`unix://${socket}`, grpc.credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
      // After a restart of containerd the next question is answered, not the one after a back-off.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
      'grpc.max_receive_message_length': 16 * 1024 * 1024,
    });
  }

  async pods(): Promise<NodePod[]> {
    const [sandboxes, containers] = await Promise.all([
      this.call<{ items: SandboxMessage[] }>('ListPodSandbox'),
      this.call<{ containers: ContainerMessage[] }>('ListContainers'),
    ]);
    return sandboxes.items.map((sandbox) => ({
      sandboxId: sandbox.id,
      ...sandbox.metadata,
      source: sandbox.annotations['kubernetes.io/config.source'] ?? '',
      ready: sandbox.state === 'SANDBOX_READY',
      createdAtMs: Number(BigInt(sandbox.created_at) / 1_000_000n),
      labels: sandbox.labels,
      annotations: sandbox.annotations,
      containers: containers.containers
        .filter((container) => container.pod_sandbox_id === sandbox.id)
        .map((container) => ({
          id: container.id,
          ...container.metadata,
          state: states[container.state] ?? 'unknown',
          image: container.image?.image ?? '',
          createdAtMs: Number(BigInt(container.created_at) / 1_000_000n),
        })),
    }));
  }

  close(): void {
    this.client.close();
  }

  private call<T>(method: string): Promise<T> {
    const types = definition['runtime.v1.RuntimeService'];
    const method_ = types === undefined || !('ListPodSandbox' in types) ? undefined : types[method];
    if (method_ === undefined) throw new Error(`cri.proto has no ${method}`);
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        `${service}/${method}`,
        method_.requestSerialize,
        (bytes) => method_.responseDeserialize(bytes) as T,
        {},
        { deadline: Date.now() + 5000 },
        (error, answer) => (error === null && answer !== undefined ? resolve(answer) : reject(error)),
      );
    });
  }
}
