// The command lines of the control plane, as kubeadm writes them, and where each finds its files. What
// differs from node to node comes from the environment, since one DaemonSet serves all nodes.
import { serviceNetwork } from './certificates.ts';
import type { NodeAddress } from './network.ts';

export const etcdFiles = '/etc/kubernetes/etcd';
export const apiserverFiles = '/etc/kubernetes/apiserver';
export const controllerManagerFiles = '/etc/kubernetes/controller-manager';
export const schedulerFiles = '/etc/kubernetes/scheduler';
export const clusterCaFiles = '/etc/kubernetes/cluster-ca';

export function etcdCommand(nodes: readonly NodeAddress[]): string[] {
  const members = nodes.map(({ number, ip }) => `n${number}=https://${ip}:2380`).join(',');
  return [
    'etcd',
    '--name=$(NODE_NAME)',
    '--data-dir=/var/lib/etcd',
    '--listen-client-urls=https://127.0.0.1:2379,https://$(HOST_IP):2379',
    '--advertise-client-urls=https://$(HOST_IP):2379',
    '--listen-peer-urls=https://$(HOST_IP):2380',
    '--initial-advertise-peer-urls=https://$(HOST_IP):2380',
    `--initial-cluster=${members}`,
    '--listen-metrics-urls=http://127.0.0.1:2381',
    '--client-cert-auth=true',
    `--cert-file=${etcdFiles}/server.crt`,
    `--key-file=${etcdFiles}/server.key`,
    `--trusted-ca-file=${etcdFiles}/ca.crt`,
    '--peer-client-cert-auth=true',
    `--peer-cert-file=${etcdFiles}/server.crt`,
    `--peer-key-file=${etcdFiles}/server.key`,
    `--peer-trusted-ca-file=${etcdFiles}/ca.crt`,
  ];
}

export function apiserverCommand(nodes: readonly NodeAddress[]): string[] {
  return [
    'kube-apiserver',
    '--advertise-address=$(HOST_IP)',
    '--allow-privileged=true',
    '--authorization-mode=Node,RBAC',
    `--client-ca-file=${apiserverFiles}/ca.crt`,
    '--enable-admission-plugins=NodeRestriction',
    `--etcd-cafile=${apiserverFiles}/ca.crt`,
    `--etcd-certfile=${apiserverFiles}/etcd-client.crt`,
    `--etcd-keyfile=${apiserverFiles}/etcd-client.key`,
    `--etcd-servers=${nodes.map(({ ip }) => `https://${ip}:2379`).join(',')}`,
    `--kubelet-client-certificate=${apiserverFiles}/kubelet-client.crt`,
    `--kubelet-client-key=${apiserverFiles}/kubelet-client.key`,
    '--kubelet-preferred-address-types=InternalIP,Hostname',
    `--requestheader-client-ca-file=${apiserverFiles}/ca.crt`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    '--secure-port=6443',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${apiserverFiles}/sa.pub`,
    `--service-account-signing-key-file=${apiserverFiles}/sa.key`,
    `--service-cluster-ip-range=${serviceNetwork.cidr}`,
    `--tls-cert-file=${apiserverFiles}/server.crt`,
    `--tls-private-key-file=${apiserverFiles}/server.key`,
  ];
}

// Without kube-proxy the service address answers nobody: what asks the API on its own behalf gets a
// kubeconfig for that, too, or it would crash-loop on its mounted service account.
function delegation(kubeconfig: string): string[] {
  return [`--authentication-kubeconfig=${kubeconfig}`, `--authorization-kubeconfig=${kubeconfig}`];
}

export function controllerManagerCommand(): string[] {
  const kubeconfig = `${controllerManagerFiles}/kubeconfig`;
  return [
    'kube-controller-manager',
    ...delegation(kubeconfig),
    '--bind-address=127.0.0.1',
    `--client-ca-file=${clusterCaFiles}/ca.crt`,
    `--cluster-signing-cert-file=${controllerManagerFiles}/ca.crt`,
    `--cluster-signing-key-file=${controllerManagerFiles}/ca.key`,
    '--controllers=*,bootstrapsigner,tokencleaner',
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=true',
    `--root-ca-file=${clusterCaFiles}/ca.crt`,
    `--service-account-private-key-file=${controllerManagerFiles}/sa.key`,
    '--use-service-account-credentials=true',
  ];
}

export function schedulerCommand(): string[] {
  const kubeconfig = `${schedulerFiles}/kubeconfig`;
  return [
    'kube-scheduler',
    ...delegation(kubeconfig),
    '--bind-address=127.0.0.1',
    `--kubeconfig=${kubeconfig}`,
    '--leader-elect=true',
  ];
}
