// Makes a cluster from nothing: what it needs on this machine, a share of it, certificates, disks, and
// the first boot. On any failure everything that was made is gone again.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import type { ApiEndpoint } from './api-availability.ts';
import { type Certificates, createCertificates } from './certificates.ts';
import { type Claim, claimShare } from './claim.ts';
import { bootstrapDirectory, bootstrapManifest, Cluster } from './cluster.ts';
import { CommandFailed } from './command.ts';
import { controlPlaneMaterial, type Material, selfHostedObjects, staticPod } from './control-plane.ts';
import { type ClusterImages, clusterImages } from './images.ts';
import { embeddedKubeconfig } from './kubeconfig.ts';
import { importCommand, Master } from './master.ts';
import { createBridge, type NodeAddress, nodeAddress } from './network.ts';
import { manifestDirectory, type NodeSetup, writeNodeFiles } from './node-files.ts';
import { installPackages, nodePackages } from './packages.ts';
import type { Component, ControlPlaneOptions } from './pod-template.ts';
import { askedVersions, buildPrograms, type Programs } from './products.ts';
import { missingLinkType, missingRequirement } from './requirements.ts';

export interface ClusterOptions {
  /** How many; default 1. */
  readonly masters?: number;
  /** apiserver, controller-manager and scheduler with --permit-port-sharing. */
  readonly permitPortSharing?: boolean;
  /** No self-hosting: the same four as plain static pods, for good. The floor that nothing can beat. */
  readonly plainStaticPods?: boolean;
  /** Default: stderr. */
  readonly log?: (line: string) => void;
}

interface Parts {
  readonly options: ClusterOptions;
  readonly claim: Claim;
  readonly nodes: readonly NodeAddress[];
  readonly programs: Programs;
  readonly images: ClusterImages;
  readonly certificates: Certificates;
  readonly material: Material;
}

/**
 * The control plane runs from static pods when this returns; its Secrets and DaemonSets are there, and
 * wait for `cluster.pivot()`. Throws one clear line when this machine cannot run a cluster.
 */
export async function createCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const log = options.log ?? ((line: string) => process.stderr.write(`cluster: ${line}\n`));
  const { programs, images } = await prepareMachine(log);
  const claim = await claimShare();
  try {
    const nodes = Array.from({ length: options.masters ?? 1 }, (_, index) => nodeAddress(claim, index + 1));
    const certificates = await createCertificates(join(claim.directory, 'pki'), nodes);
    const material = controlPlaneMaterial(certificates);
    const parts = { options, claim, nodes, programs, images, certificates, material };
    await createBridge(claim);
    const masters = await Promise.all(nodes.map((address) => createMaster(parts, address)));
    const server = masters[0]?.api.url ?? '';
    const admin = embeddedKubeconfig(server, certificates.ca.certificate, certificates.admin);
    const kubeconfig = await Cluster.writeKubeconfig(claim, admin);
    const cluster = new Cluster(claim, masters, kubeconfig, programs, log);
    try {
      await firstBoot(cluster, parts, log);
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  } catch (error) {
    await claim.release();
    throw error;
  }
}

/** Everything that is made once for this machine: packages, binaries, images. Slow only the first time. */
export async function prepareMachine(
  log: (line: string) => void,
): Promise<{ programs: Programs; images: ClusterImages }> {
  const versions = askedVersions();
  const missing = await missingRequirement();
  if (missing !== undefined) throw new Error(missing);
  await installPackages(nodePackages, log);
  const missingLink = await missingLinkType();
  if (missingLink !== undefined) throw new Error(missingLink);
  const programs = await buildPrograms(versions, log);
  return { programs, images: await clusterImages(programs) };
}

async function createMaster(parts: Parts, address: NodeAddress): Promise<Master> {
  const name = `n${address.number}`;
  const { claim, certificates, nodes, programs, images } = parts;
  const kubelet = certificates.kubelets.get(name);
  if (kubelet === undefined) throw new Error(`no kubelet certificate for ${name}`);
  const setup: NodeSetup = {
    name,
    address,
    pauseImage: images.pause.reference,
    cgroup: `${claim.cgroup}/${name}`,
    ca: certificates.ca.certificate,
    kubelet,
  };
  const api: ApiEndpoint = { url: `https://${address.ip}:6443`, ca: setup.ca, ...certificates.admin };
  const master = new Master({ claim, setup, nodes, path: programs.path, api });
  await writeNodeFiles(master.disk, setup);
  await writeStaticPodFiles(parts, master);
  return master;
}

function staticPodDirectory({ options }: Parts): string {
  return options.plainStaticPods === true ? '/etc/kubernetes/static-pods' : bootstrapDirectory;
}

async function writeStaticPodFiles(parts: Parts, master: Master): Promise<void> {
  for (const [source, files] of Object.entries(parts.material)) {
    for (const [key, text] of Object.entries(files)) {
      await write(master.path(`${staticPodDirectory(parts)}/${source}/${key}`), text);
    }
  }
}

async function writeManifest(parts: Parts, master: Master, component: Component): Promise<void> {
  const plain = parts.options.plainStaticPods === true;
  const name = plain ? component : `bootstrap-${component}`;
  const path = plain ? `${manifestDirectory}/${component}.json` : bootstrapManifest(component);
  const from = { hostDirectory: staticPodDirectory(parts) };
  const hidden = join(dirname(path), `.${component}`);
  await write(master.path(hidden), staticPod(component, name, from, controlPlaneOptions(parts)));
  await rename(master.path(hidden), master.path(path));
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text, { mode: 0o600 });
}

function controlPlaneOptions({ images, nodes, options }: Parts): ControlPlaneOptions {
  return { images, nodes, permitPortSharing: options.permitPortSharing ?? false };
}

async function allListen(cluster: Cluster, port: number): Promise<boolean> {
  const answers = cluster.masters.map(
    ({ ip }) =>
      new Promise<boolean>((resolve) => {
        const socket = createConnection({ host: ip, port, timeout: 1000 });
        const end = (listens: boolean) => () => {
          socket.destroy();
          resolve(listens);
        };
        socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
      }),
  );
  return (await Promise.all(answers)).every((listens) => listens);
}

async function firstBoot(cluster: Cluster, parts: Parts, log: (line: string) => void): Promise<void> {
  log(`starting ${cluster.masters.length} master(s) in ${parts.claim.directory}`);
  const beforeKubelet = Object.values(parts.images).map(importCommand);
  await Promise.all(
    cluster.masters.map(async (master) => {
      const report = await master.powerOn({ beforeKubelet });
      const failed = report.beforeKubelet.findIndex(({ code }) => code !== 0);
      const result = report.beforeKubelet[failed];
      if (result !== undefined) throw new CommandFailed(beforeKubelet[failed] ?? [], result);
    }),
  );
  // One after another, each when the one it needs is there. All at once they get up as well, but crash
  // first, and sit in back-offs: 10 s more.
  const place = (component: Component) =>
    Promise.all(cluster.masters.map((master) => writeManifest(parts, master, component)));
  await place('etcd');
  await cluster.waitUntil('etcd listens', 60_000, () => allListen(cluster, 2379));
  await place('kube-apiserver');
  await cluster.waitForReady();
  log('the API is ready');
  await place('kube-controller-manager');
  await place('kube-scheduler');
  await cluster.waitUntil('all nodes are registered', 60_000, async () => {
    const { stdout } = await cluster.kubectl('get', 'nodes', '-oname');
    return stdout.trim().split('\n').length === cluster.masters.length;
  });
  if (parts.options.plainStaticPods === true) return;
  const objects = JSON.stringify(selfHostedObjects(parts.material, controlPlaneOptions(parts)));
  // kube-system itself is made by the apiserver, a moment after it is ready.
  await cluster.waitUntil('the control plane can be applied', 30_000, async () => {
    const { code, stderr } = await cluster.kubectl(
      { input: objects, mayFail: true },
      'apply',
      '--validate=false',
      '-f',
      '-',
    );
    if (code !== 0) throw new Error(stderr);
    return true;
  });
}
