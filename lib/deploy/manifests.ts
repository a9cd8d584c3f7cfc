// What a bootstrapper applies to deploy the agent: its DaemonSet, and the service account through which it may ask
// the one thing a node may not read: whether a controller still wants its pod here. Pure.

import { CHECKPOINT_ANNOTATION, OPTION_STANDBY_LOCK } from '../types/workload.ts';

export interface DeployOptions {
  readonly image: string;
  readonly namespace: string;
  /** `key=value` of the nodes that are masters; an empty value is one. */
  readonly nodeSelector: string;
  readonly staticPodDir: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly kubeconfig: string;
  /** The CRI socket; its directory is mounted, since a restarted runtime makes a new socket. */
  readonly runtimeSocket: string;
  readonly kubeletConfig: string;
  /** Directory of the kubelet's certificates, which its kubeconfig names. */
  readonly kubeletPki: string;
  /** Flags added to `agent run`. */
  readonly extraArgs: readonly string[];
}

const NAME = 'checkpoint-agent';

/** The Kubernetes objects, in the order to apply them. */
export function deployManifests(options: DeployOptions): object[] {
  const { namespace } = options;
  const meta = { name: NAME, labels: { 'app.kubernetes.io/name': NAME } };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...meta, namespace } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: meta,
      rules: [
        {
          apiGroups: ['apps'],
          resources: ['daemonsets', 'deployments', 'replicasets', 'statefulsets'],
          verbs: ['get'],
        },
        { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
      ],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: meta,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: NAME },
      subjects: [{ kind: 'ServiceAccount', name: NAME, namespace }],
    },
    daemonSet(options, meta),
  ];
}

function daemonSet(options: DeployOptions, meta: { name: string; labels: Record<string, string> }): object {
  const mounts = hostMounts(options);
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { ...meta, namespace: options.namespace },
    spec: {
      selector: { matchLabels: meta.labels },
      updateStrategy: { type: 'RollingUpdate' },
      template: {
        metadata: {
          labels: meta.labels,
          annotations: {
            [CHECKPOINT_ANNOTATION]: 'true',
            [OPTION_STANDBY_LOCK]: `${options.stateDir}/lock`,
          },
        },
        spec: {
          serviceAccountName: NAME,
          hostNetwork: true,
          priorityClassName: 'system-node-critical',
          nodeSelector: selectorOf(options.nodeSelector),
          tolerations: [{ operator: 'Exists' }],
          terminationGracePeriodSeconds: 10,
          containers: [
            {
              name: NAME,
              image: options.image,
              imagePullPolicy: 'IfNotPresent',
              // Named in full: a stand-by puts its lock in front of it, and an image's entrypoint is not known there.
              command: ['/nodejs/bin/node', '/agent.mjs', 'run', '--take-over'],
              args: [
                `--kubeconfig=${options.kubeconfig}`,
                `--static-pod-dir=${options.staticPodDir}`,
                `--state-dir=${options.stateDir}`,
                `--run-dir=${options.runDir}`,
                `--kubelet-config=${options.kubeletConfig}`,
                `--container-runtime-endpoint=${options.runtimeSocket}`,
                ...options.extraArgs,
              ],
              // The guard has tenths of a second for a handover, while everything else on the node starts as well.
              resources: { requests: { cpu: '100m', memory: '64Mi' } },
              securityContext: {
                runAsUser: 0,
                readOnlyRootFilesystem: true,
                allowPrivilegeEscalation: false,
                capabilities: { drop: ['ALL'], add: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID'] },
              },
              volumeMounts: mounts.map(({ name, path, readOnly }) => ({
                name,
                mountPath: path,
                ...(readOnly ? { readOnly } : {}),
              })),
            },
          ],
          volumes: mounts.map(({ name, path, type }) => ({ name, hostPath: { path, type } })),
        },
      },
    },
  };
}

/** Each at its own path of the host, so that what the kubelet's files say of each other is true inside as well. */
function hostMounts(
  options: DeployOptions,
): { name: string; path: string; type: string; readOnly: boolean }[] {
  const kubeconfigDir = directoryOf(options.kubeconfig);
  return [
    { name: 'kubeconfig', path: kubeconfigDir, type: 'Directory', readOnly: true },
    { name: 'static-pods', path: options.staticPodDir, type: 'Directory', readOnly: false },
    { name: 'kubelet-config', path: options.kubeletConfig, type: 'File', readOnly: true },
    { name: 'kubelet-pki', path: options.kubeletPki, type: 'Directory', readOnly: true },
    { name: 'runtime', path: directoryOf(options.runtimeSocket), type: 'Directory', readOnly: true },
    { name: 'state', path: options.stateDir, type: 'DirectoryOrCreate', readOnly: false },
    { name: 'run', path: options.runDir, type: 'DirectoryOrCreate', readOnly: false },
  ];
}

function directoryOf(path: string): string {
  const bare = path.replace(/^unix:\/\//, '');
  return bare.slice(0, bare.lastIndexOf('/')) || '/';
}

function selectorOf(text: string): Record<string, string> {
  if (text === '') return {};
  const at = text.indexOf('=');
  return at < 0 ? { [text]: '' } : { [text.slice(0, at)]: text.slice(at + 1) };
}
