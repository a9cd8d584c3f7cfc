// The part of the CRI that the agent uses, as data: the program is one bundled file, so there is no .proto beside it.
// Fields left out are skipped. test/e2e/kubernetes-sources.test.ts holds it against the api.proto of k8s.io/cri-api.

type Fields = Record<string, { type: string; id: number; rule?: 'repeated'; keyType?: string }>;

/** `name: [type, number]`; a type may end with `[]`, or be `map`, which is string to string in all of the CRI. */
type Shape = Record<string, readonly [type: string, id: number]>;

const MESSAGES: Readonly<Record<string, Shape>> = {
  PodSandboxMetadata: {
    name: ['string', 1],
    uid: ['string', 2],
    namespace: ['string', 3],
    attempt: ['uint32', 4],
  },
  // READY = 0, NOTREADY = 1; enums travel as int32, and a number needs no name here.
  PodSandbox: {
    id: ['string', 1],
    metadata: ['PodSandboxMetadata', 2],
    state: ['int32', 3],
    created_at: ['int64', 4],
    labels: ['map', 5],
    annotations: ['map', 6],
  },
  ListPodSandboxRequest: {},
  ListPodSandboxResponse: { items: ['PodSandbox[]', 1] },
  ContainerMetadata: { name: ['string', 1], attempt: ['uint32', 2] },
  // CREATED = 0, RUNNING = 1, EXITED = 2, UNKNOWN = 3. Labels and annotations are not needed, and are most of the bytes.
  Container: {
    id: ['string', 1],
    pod_sandbox_id: ['string', 2],
    metadata: ['ContainerMetadata', 3],
    state: ['int32', 6],
    created_at: ['int64', 7],
  },
  ContainerStateValue: { state: ['int32', 1] },
  ContainerFilter: { state: ['ContainerStateValue', 2], label_selector: ['map', 4] },
  ListContainersRequest: { filter: ['ContainerFilter', 1] },
  ListContainersResponse: { containers: ['Container[]', 1] },
  Image: { id: ['string', 1], repo_tags: ['string[]', 2], repo_digests: ['string[]', 3] },
  ListImagesRequest: {},
  ListImagesResponse: { images: ['Image[]', 1] },
  StopPodSandboxRequest: { pod_sandbox_id: ['string', 1] },
  StopPodSandboxResponse: {},
  RemoveContainerRequest: { container_id: ['string', 1] },
  RemoveContainerResponse: {},
};

const SERVICES: Readonly<Record<string, readonly string[]>> = {
  RuntimeService: ['ListPodSandbox', 'ListContainers', 'StopPodSandbox', 'RemoveContainer'],
  ImageService: ['ListImages'],
};

/** The descriptor in protobufjs' JSON form, for proto-loader's fromJSON. */
export function criDescriptor() {
  const types = Object.entries(MESSAGES).map(([name, shape]) => [name, { fields: fieldsOf(shape) }]);
  const services = Object.entries(SERVICES).map(([name, methods]) => [
    name,
    {
      methods: Object.fromEntries(
        methods.map((method) => [
          method,
          { requestType: `${method}Request`, responseType: `${method}Response` },
        ]),
      ),
    },
  ]);
  const contents = Object.fromEntries([...types, ...services]);
  return { nested: { runtime: { nested: { v1: { nested: contents } } } } };
}

function fieldsOf(shape: Shape): Fields {
  const fields: Fields = {};
  for (const [name, [type, id]] of Object.entries(shape)) {
    if (type === 'map') fields[name] = { keyType: 'string', type: 'string', id };
    else if (type.endsWith('[]')) fields[name] = { rule: 'repeated', type: type.slice(0, -2), id };
    else fields[name] = { type, id };
  }
  return fields;
}

/** As decoded with defaults; a message that was not sent is null, an int64 a number (nanoseconds, rounded). */
export interface CriSandbox {
  readonly id: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly namespace: string;
    readonly attempt: number;
  } | null;
  readonly state: number;
  readonly created_at: number;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}

export interface CriContainer {
  readonly id: string;
  readonly pod_sandbox_id: string;
  readonly metadata: { readonly name: string; readonly attempt: number } | null;
  readonly state: number;
  readonly created_at: number;
}

export interface CriImage {
  readonly id: string;
  readonly repo_tags: readonly string[];
  readonly repo_digests: readonly string[];
}
