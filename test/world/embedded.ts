// The embedded world: one model node on the machine's clock, with real files, real HTTP ports and a real CRI socket,
// for integration tests and the demo. The agent under test sees nothing but these. close() leaves nothing behind.

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { ApiServer, NODE_TOKEN } from './api-server.ts';
import { beginPivoted, type ControlPlaneOptions, type ControlPlanePorts } from './control-plane.ts';
import { CriServer } from './cri-server.ts';
import { REAL_DELAYS, scaledDelays } from './delays.ts';
import { DirectoryFiles, realPaths } from './directory-files.ts';
import type { KubeletHabits } from './kubelet-habits.ts';
import type { NodeModel } from './node-model.ts';
import { PortServers } from './port-servers.ts';
import { RealClock } from './real-clock.ts';
import type { StoryLine } from './story.ts';
import { World } from './world.ts';

export interface EmbeddedOptions {
  /** An empty or absent directory that becomes the node's disk; it stays with its caller. */
  readonly dir: string;
  /** 0.2: the model's start times and back-offs are a fifth of life. The agent is never scaled. */
  readonly timeFactor?: number;
  readonly seed?: number;
  readonly kubelet?: KubeletHabits;
  readonly controlPlane?: Omit<ControlPlaneOptions, 'ports'>;
}

export interface EmbeddedPaths {
  readonly staticPodDir: string;
  readonly stateDir: string;
  /** Emptied by a power loss, as /run is. */
  readonly runDir: string;
  readonly kubeconfig: string;
  readonly bootIdFile: string;
  /** A kubelet's own configuration that names the static pod directory and the socket. */
  readonly kubeletConfig: string;
  readonly criSocket: string;
}

export interface Embedded {
  readonly nodeName: string;
  readonly paths: EmbeddedPaths;
  readonly ports: ControlPlanePorts;
  /** `http://127.0.0.1:<port>`: refuses while no apiserver runs. */
  readonly apiUrl: string;
  readonly world: World;
  readonly node: NodeModel;
  readonly api: ApiServer;
  /** What happened so far, oldest first. */
  readonly timeline: readonly StoryLine[];
  /** Every touch of the model goes through here, so that it is at the present and its sockets follow. */
  run<T>(look: () => T): T;
  /** Kill your agent process first: the model does not know it. */
  powerOff(): void;
  powerOn(): void;
  killKubelet(): void;
  startKubelet(): void;
  cutNetwork(cut: boolean): void;
  close(): Promise<void>;
}

export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const nodeName = 'n1';
  const paths = makeDisk(options.dir);
  const ports = await freePorts();
  const files = new DirectoryFiles(paths.staticPodDir);
  const world = new World({
    seed: options.seed ?? 1,
    nowMs: RealClock.nowMs(),
    delays: scaledDelays(REAL_DELAYS, options.timeFactor ?? 1),
    files: () => files,
    paths: realPaths,
    ...(options.kubelet === undefined ? {} : { kubelet: options.kubelet }),
  });
  const node = world.node(nodeName);
  const clock = new RealClock(world);
  const api = new ApiServer(world, nodeName, clock);
  const cri = new CriServer(node.runtime, paths.criSocket, clock);
  const servers = new PortServers(node, (role) =>
    role === 'kube-apiserver' ? api.listener : healthOf(node),
  );
  const apiUrl = `http://127.0.0.1:${ports.apiserver}`;

  writeFileSync(paths.kubeconfig, kubeconfig(apiUrl, nodeName));
  writeFileSync(paths.kubeletConfig, kubeletConfig(paths));
  writeFileSync(paths.bootIdFile, `${node.bootId}\n`);
  files.onChange(() => clock.run(() => undefined));
  world.onAdvance(() => {
    servers.reconcile();
    cri.reconcile();
    api.reconcile();
  });
  clock.run(() => beginPivoted(world, { ...options.controlPlane, ports }));

  return {
    nodeName,
    paths,
    ports,
    apiUrl,
    world,
    node,
    api,
    timeline: world.story.lines,
    run: (look) => clock.run(look),
    powerOff() {
      clock.run(() => node.powerOff());
      for (const name of readdirSync(paths.runDir))
        rmSync(join(paths.runDir, name), { recursive: true, force: true });
    },
    powerOn() {
      clock.run(() => node.powerOn());
      writeFileSync(paths.bootIdFile, `${node.bootId}\n`);
    },
    killKubelet: () => clock.run(() => node.killKubelet()),
    startKubelet: () => clock.run(() => node.startKubelet()),
    cutNetwork: (cut) => clock.run(() => node.cutNetwork(cut)),
    async close() {
      clock.close();
      files.close();
      cri.close();
      await servers.close();
    },
  };
}

function makeDisk(dir: string): EmbeddedPaths {
  const paths: EmbeddedPaths = {
    staticPodDir: join(dir, 'etc/kubernetes/manifests'),
    stateDir: join(dir, 'var/lib/checkpoint-agent'),
    runDir: join(dir, 'run/checkpoint-agent'),
    kubeconfig: join(dir, 'etc/kubernetes/kubelet.conf'),
    bootIdFile: join(dir, 'boot_id'),
    kubeletConfig: join(dir, 'var/lib/kubelet/config.yaml'),
    criSocket: join(dir, 'run/cri.sock'),
  };
  const { staticPodDir, stateDir, runDir } = paths;
  for (const directory of [staticPodDir, stateDir, runDir, dirname(paths.kubeletConfig)]) {
    mkdirSync(directory, { recursive: true });
  }
  return paths;
}

function kubeconfig(server: string, node: string): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'default',
    clusters: [{ name: 'embedded', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: `system:node:${node}`, user: { token: NODE_TOKEN } }],
    contexts: [{ name: 'default', context: { cluster: 'embedded', user: `system:node:${node}` } }],
  });
}

function kubeletConfig({ staticPodDir, criSocket }: EmbeddedPaths): string {
  return stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    staticPodPath: staticPodDir,
    containerRuntimeEndpoint: `unix://${criSocket}`,
  });
}

/** The health endpoints of the other components, for whoever asks a pod's own probe while the API is away. */
function healthOf(node: NodeModel): RequestListener {
  return (request, response) => {
    const port = request.socket.localPort ?? 0;
    const serving = node.processes.holder(port)?.serving === true;
    response.writeHead(serving ? 200 : 500).end(serving ? 'ok' : 'not ok');
  };
}

/** Ports nobody holds now; taken together, so that no two are the same. */
async function freePorts(): Promise<ControlPlanePorts> {
  const probes = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const [apiserver = 0, etcdClient = 0, etcdMetrics = 0, controllerManager = 0, scheduler = 0] = probes.map(
    (server) => (server.address() as AddressInfo).port,
  );
  await Promise.all(probes.map((server) => new Promise((resolve) => server.close(resolve))));
  return { apiserver, etcdClient, etcdMetrics, controllerManager, scheduler };
}
