// Puts the agent together on a real node: finds the kubelet's identity, its static pod directory and its runtime, and
// wires the sources to the loop. What is missing is said before anything is done.

import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Hands } from '../act/carry-out.ts';
import type { CompileNode } from '../compile/context.ts';
import type { ApiSource } from '../observe/apiserver/source.ts';
import { createApiSource } from '../observe/apiserver/source.ts';
import { monotonicMs, readBootId } from '../observe/host.ts';
import { type Identity, loadIdentity } from '../observe/kubeconfig.ts';
import { readKubelet } from '../observe/kubelet.ts';
import { probePod } from '../observe/probe.ts';
import { createRuntimeSource, type RuntimeSource } from '../observe/runtime/source.ts';
import { serviceAccountIdentity } from '../observe/service-account.ts';
import { readStaticPods } from '../observe/static-pods.ts';
import { SourceLog } from '../status/source-log.ts';
import type { StoreWriter } from '../types/store.ts';
import { Captures } from './captures.ts';
import { Looker } from './look.ts';
import { Loop, type LoopDependencies } from './loop.ts';
import { type NodeOptions, UsageError } from './options.ts';
import { resolveRuntimeSocket, resolveStaticPodDir } from './places.ts';
import type { Sources } from './sources.ts';
import { Tokens } from './tokens.ts';

/** Where things are on this node, found and checked. */
export interface NodePlaces {
  readonly identity: Identity;
  readonly nodeName: string;
  readonly staticPodDir: string;
  readonly runtimeSocket: string;
}

/** Finds everything. Errors: UsageError or IdentityError, one line that names the file or flag. */
export async function findPlaces(options: NodeOptions): Promise<NodePlaces> {
  const identity = await loadIdentity(options.kubeconfig);
  const kubelet = await readKubelet(options.kubeletConfig);
  const nodeName = options.nodeName ?? (await identity.nodeName());
  if (nodeName === undefined) {
    throw new UsageError(
      `--node-name: not given, and ${identity.file} holds no certificate for system:node:NAME; give the node's name (this host is ${hostname()})`,
    );
  }
  return {
    identity,
    nodeName,
    staticPodDir: resolveStaticPodDir(options.staticPodDir, kubelet),
    runtimeSocket: resolveRuntimeSocket(options.containerRuntimeEndpoint, kubelet),
  };
}

export interface NodeSources {
  readonly sources: Sources;
  readonly api: ApiSource;
  readonly runtime: RuntimeSource;
  close(): Promise<void>;
}

/** Opens the sources of a real node; nothing is asked before `api.start()`. */
export function openSources(options: NodeOptions, places: NodePlaces): NodeSources {
  const { identity, nodeName, staticPodDir, runtimeSocket } = places;
  const api = createApiSource({ identity, nodeName, serviceAccount: serviceAccountIdentity(identity) });
  const runtime = createRuntimeSource(runtimeSocket);
  const sources: Sources = {
    api,
    runtime,
    readStaticPods: () => readStaticPods(staticPodDir),
    readBootId: () => readBootId(options.bootIdFile),
    probePod: (pod) => probePod(pod, pod.status?.podIP),
    monotonicMs,
    wallClockMs: Date.now,
  };
  return {
    sources,
    api,
    runtime,
    async close() {
      runtime.close();
      await api.close();
    },
  };
}

export interface LoopParts {
  readonly options: NodeOptions;
  readonly places: NodePlaces;
  readonly sources: Sources;
  readonly store: StoreWriter;
  readonly log: Logger;
  readonly onChange?: NonNullable<LoopDependencies['onChange']>;
  readonly onLook?: NonNullable<LoopDependencies['onLook']>;
}

export function createLoop({ options, places, sources, store, log, onChange, onLook }: LoopParts): Loop {
  let loop: Loop | undefined;
  const heard = (): void => loop?.heard();
  const tokens = new Tokens(sources.api, sources.wallClockMs, heard);
  const captures = new Captures(sources.api, tokens, compileNode(places.nodeName));
  const hands: Hands = {
    store,
    staticPodDir: places.staticPodDir,
    newUid: randomUUID,
    wallClockMs: sources.wallClockMs,
    stopSandbox: (id) => sources.runtime.stopSandbox(id),
    removeContainers: (ids) => sources.runtime.removeContainers(ids),
    endBackOff: (podUid, sandboxId) => sources.runtime.endBackOff(podUid, sandboxId),
  };
  const looker = new Looker(sources, captures, places.nodeName, heard);
  const sourceLog = new SourceLog(log, sources.monotonicMs);
  loop = new Loop({
    looker,
    tokens,
    hands,
    settings: options.settings,
    log,
    ...(onChange === undefined ? {} : { onChange }),
    onLook: (observation) => {
      sourceLog.look(observation);
      onLook?.(observation);
    },
  });
  return loop;
}

/** The kubelet gives its pods the API's service address; a static pod gets none, so its checkpoint carries it. */
function compileNode(name: string): CompileNode {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  return {
    name,
    ...(host === undefined || port === undefined ? {} : { kubernetesService: { host, port: Number(port) } }),
  };
}
