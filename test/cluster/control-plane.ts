// The control plane as files: the material (what its Secrets and ConfigMap hold), static pods on it for
// the bootstrap and for the floor measurement, and the API objects of the self-hosted one.
import type { Certificates } from './certificates.ts';
import { embeddedKubeconfig } from './kubeconfig.ts';
import {
  type Component,
  type ControlPlaneOptions,
  components,
  type FilesFrom,
  fileSources,
  podSpec,
} from './pod-template.ts';

export const masterLabel = 'node-role.kubernetes.io/control-plane';
const checkpointAnnotation = 'checkpointer.alpha.coreos.com/checkpoint';

/** By Secret or ConfigMap name, then by key. */
export type Material = Readonly<Record<string, Readonly<Record<string, string>>>>;

export function controlPlaneMaterial(certificates: Certificates): Material {
  const { ca, serviceAccount } = certificates;
  // Each master's own apiserver, as kubeadm has it for these two.
  const server = 'https://127.0.0.1:6443';
  return {
    etcd: {
      'ca.crt': ca.certificate,
      'server.crt': certificates.etcd.certificate,
      'server.key': certificates.etcd.key,
    },
    'kube-apiserver': {
      'ca.crt': ca.certificate,
      'server.crt': certificates.apiserver.certificate,
      'server.key': certificates.apiserver.key,
      'etcd-client.crt': certificates.apiserverEtcdClient.certificate,
      'etcd-client.key': certificates.apiserverEtcdClient.key,
      'kubelet-client.crt': certificates.apiserverKubeletClient.certificate,
      'kubelet-client.key': certificates.apiserverKubeletClient.key,
      'sa.pub': serviceAccount.publicKey,
      'sa.key': serviceAccount.key,
    },
    'kube-controller-manager': {
      'ca.crt': ca.certificate,
      'ca.key': ca.key,
      'sa.key': serviceAccount.key,
      kubeconfig: embeddedKubeconfig(server, ca.certificate, certificates.controllerManager),
    },
    'kube-scheduler': { kubeconfig: embeddedKubeconfig(server, ca.certificate, certificates.scheduler) },
    'cluster-ca': { 'ca.crt': ca.certificate },
  };
}

/** A static pod's manifest: one line of JSON, which cannot be read half-written. */
export function staticPod(
  component: Component,
  name: string,
  from: FilesFrom,
  options: ControlPlaneOptions,
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system', labels: { tier: 'control-plane', component: name } },
    // The bootstrap's pods are in the way of the real ones while they end.
    spec: { ...podSpec(component, from, options), terminationGracePeriodSeconds: 1 },
  });
}

/** Everything the self-hosted control plane consists of, ready for `kubectl create -f -`. */
export function selfHostedObjects(material: Material, options: ControlPlaneOptions): object {
  return {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      ...components
        .flatMap((component) => fileSources[component])
        .map(({ kind, name }) => ({
          apiVersion: 'v1',
          kind: kind === 'secret' ? 'Secret' : 'ConfigMap',
          metadata: { name, namespace: 'kube-system' },
          ...(kind === 'secret' ? { stringData: material[name] } : { data: material[name] }),
        })),
      // Its token is mounted (and not used): a Secret that no manifest names, as many workloads have.
      {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'kube-scheduler', namespace: 'kube-system' },
      },
      ...components.map((component) => daemonSet(component, options)),
    ],
  };
}

function daemonSet(component: Component, options: ControlPlaneOptions): object {
  const labels = { tier: 'control-plane', 'k8s-app': component };
  const account =
    component === 'kube-scheduler'
      ? { serviceAccountName: component }
      : { automountServiceAccountToken: false };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: component, namespace: 'kube-system', labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      template: {
        metadata: { labels, annotations: { [checkpointAnnotation]: 'true' } },
        spec: {
          ...podSpec(component, 'api', options),
          ...account,
          // Set through the API, as kubeadm does: a kubelet that boots without one does not know it.
          nodeSelector: { [masterLabel]: '' },
          tolerations: [{ operator: 'Exists' }],
        },
      },
    },
  };
}
