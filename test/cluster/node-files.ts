// What stands on a master's disk before its first boot: configurations of containerd, CNI and kubelet,
// and the kubelet's identity, at the places where kubeadm puts them.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KeyPair } from './certificates.ts';
import { fileKubeconfig } from './kubeconfig.ts';
import type { NodeAddress } from './network.ts';

export const manifestDirectory = '/etc/kubernetes/manifests';
export const kubeletClientPem = '/var/lib/kubelet/pki/kubelet-client-current.pem';
export const containerdSocket = '/run/containerd/containerd.sock';
const caFile = '/etc/kubernetes/pki/ca.crt';

export interface NodeSetup {
  readonly name: string;
  readonly address: NodeAddress;
  readonly pauseImage: string;
  readonly cgroup: string;
  readonly ca: string;
  readonly kubelet: KeyPair;
}

/** Writes below `disk`, the host's directory that holds the node's persistent paths. */
export async function writeNodeFiles(disk: string, setup: NodeSetup): Promise<void> {
  const files: Readonly<Record<string, string>> = {
    '/etc/containerd/config.toml': containerdConfiguration(setup.pauseImage),
    '/etc/cni/net.d/10-pods.conflist': podNetwork(setup.address),
    '/etc/kubernetes/resolv.conf': `nameserver ${setup.address.ip}\n`,
    '/etc/kubernetes/kubelet.conf': fileKubeconfig(
      `https://${setup.address.ip}:6443`,
      caFile,
      kubeletClientPem,
    ),
    [caFile]: setup.ca,
    [kubeletClientPem]: setup.kubelet.certificate + setup.kubelet.key,
    '/var/lib/kubelet/config.yaml': kubeletConfiguration(setup),
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(disk, path)), { recursive: true });
    await writeFile(join(disk, path), text, { mode: path.endsWith('.pem') ? 0o600 : 0o644 });
  }
  await mkdir(join(disk, manifestDirectory), { recursive: true });
}

export function kubeletCommand(setup: NodeSetup): string[] {
  return [
    'kubelet',
    '--config=/var/lib/kubelet/config.yaml',
    '--kubeconfig=/etc/kubernetes/kubelet.conf',
    `--container-runtime-endpoint=unix://${containerdSocket}`,
    `--hostname-override=${setup.name}`,
    `--node-ip=${setup.address.ip}`,
    '--v=2',
  ];
}

function containerdConfiguration(pauseImage: string): string {
  const images = "plugins.'io.containerd.cri.v1.images'";
  const runtime = "plugins.'io.containerd.cri.v1.runtime'";
  // Version 3 is containerd 2.0's; 2.3 and later have 4, and migrate this one.
  return `version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "${containerdSocket}"
[${images}]
  snapshotter = "overlayfs"
[${images}.pinned_images]
  sandbox = "${pauseImage}"
[${runtime}]
  restrict_oom_score_adj = true
  disable_apparmor = true
[${runtime}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[${runtime}.containerd.runtimes.runc.options]
  SystemdCgroup = false
[${runtime}.cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "/etc/cni/net.d"
`;
}

function podNetwork({ podSubnet }: NodeAddress): string {
  const bridge = {
    type: 'bridge',
    bridge: 'pods',
    isGateway: true,
    // Addresses are handed out in /run: after a power loss all of them are free again.
    ipam: {
      type: 'host-local',
      dataDir: '/run/cni/networks',
      ranges: [[{ subnet: `${podSubnet}.0/24` }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  };
  return JSON.stringify({ cniVersion: '0.3.1', name: 'pods', plugins: [bridge] });
}

function kubeletConfiguration({ cgroup }: NodeSetup): string {
  return JSON.stringify(
    {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      staticPodPath: manifestDirectory,
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: caFile },
      },
      authorization: { mode: 'Webhook' },
      readOnlyPort: 0,
      cgroupDriver: 'cgroupfs',
      cgroupRoot: `/${cgroup}`,
      enforceNodeAllocatable: [],
      failSwapOn: false,
      // On a machine whose cgroups are v1 a kubelet refuses to start since 1.35, unless it is told (KEP-5573).
      failCgroupV1: false,
      clusterDomain: 'cluster.local',
      resolvConf: '/etc/kubernetes/resolv.conf',
      // The default is a directory outside the node's own disk.
      volumePluginDir: '/var/lib/kubelet/volume-plugins',
      // The node's disk is the test machine's: how full that is must not evict the control plane.
      evictionHard: { 'memory.available': '50Mi' },
      imageGCHighThresholdPercent: 100,
      makeIPTablesUtilChains: false,
    },
    undefined,
    2,
  );
}
