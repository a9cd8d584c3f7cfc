// The four pods of the control plane, as kubeadm runs them: one template for static pods (certificates
// in directories on the host) and for DaemonSets (the same files in Secrets and a ConfigMap).
import {
  apiserverCommand,
  apiserverFiles,
  clusterCaFiles,
  controllerManagerCommand,
  controllerManagerFiles,
  etcdCommand,
  etcdFiles,
  schedulerCommand,
  schedulerFiles,
} from './component-commands.ts';
import type { ClusterImages } from './images.ts';
import type { NodeAddress } from './network.ts';

export const components = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
export type Component = (typeof components)[number];

export interface ControlPlaneOptions {
  readonly images: ClusterImages;
  readonly nodes: readonly NodeAddress[];
  /** Two instances may listen on the same port, so that a checkpoint and its parent can overlap. */
  readonly permitPortSharing: boolean;
}

/** A volume that comes from a Secret or ConfigMap of this name, or from a directory of this name. */
export interface FileSource {
  readonly kind: 'secret' | 'configMap';
  readonly name: string;
  readonly mountPath: string;
}

/** Where the files of a pod are: in API objects, or below this directory of the host. */
export type FilesFrom = 'api' | { readonly hostDirectory: string };

interface Definition {
  readonly command: readonly string[];
  readonly files: readonly FileSource[];
  readonly directories: readonly string[];
  readonly cpu: string;
  readonly health: { readonly port: number; readonly path: string; readonly scheme: 'HTTP' | 'HTTPS' };
}

export const fileSources: Readonly<Record<Component, readonly FileSource[]>> = {
  etcd: [{ kind: 'secret', name: 'etcd', mountPath: etcdFiles }],
  'kube-apiserver': [{ kind: 'secret', name: 'kube-apiserver', mountPath: apiserverFiles }],
  'kube-controller-manager': [
    { kind: 'secret', name: 'kube-controller-manager', mountPath: controllerManagerFiles },
    { kind: 'configMap', name: 'cluster-ca', mountPath: clusterCaFiles },
  ],
  'kube-scheduler': [{ kind: 'secret', name: 'kube-scheduler', mountPath: schedulerFiles }],
};

/** A PodSpec (plain JSON) for one component. */
export function podSpec(component: Component, from: FilesFrom, options: ControlPlaneOptions): object {
  const { command, files, directories, cpu, health } = define(component, options);
  const probe = {
    httpGet: { host: '127.0.0.1', port: health.port, path: health.path, scheme: health.scheme },
  };
  const slow = { periodSeconds: 10, timeoutSeconds: 15, failureThreshold: 8 };
  return {
    hostNetwork: true,
    priorityClassName: 'system-node-critical',
    containers: [
      {
        name: component,
        image: options.images[component].reference,
        imagePullPolicy: 'IfNotPresent',
        command,
        env: [
          { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
        ],
        resources: { requests: { cpu } },
        ...(component === 'kube-apiserver'
          ? apiserverProbes(probe, slow)
          : { livenessProbe: { ...probe, ...slow, initialDelaySeconds: 15 } }),
        volumeMounts: [
          ...files.map(({ name, mountPath }) => ({ name: `${name}-files`, mountPath, readOnly: true })),
          ...directories.map((path) => ({ name: 'data', mountPath: path })),
        ],
      },
    ],
    volumes: [
      ...files.map((source) => ({ name: `${source.name}-files`, ...volumeSource(source, from) })),
      ...directories.map((path) => ({ name: 'data', hostPath: { path, type: 'DirectoryOrCreate' } })),
    ],
  };
}

// As kubeadm has them; ready sooner than with its readiness probe, whose first look comes 10 s after the start.
function apiserverProbes(probe: { readonly httpGet: object }, slow: object): object {
  return {
    livenessProbe: { ...probe, ...slow, initialDelaySeconds: 10 },
    startupProbe: { ...probe, ...slow, initialDelaySeconds: 10, failureThreshold: 24 },
    readinessProbe: { httpGet: { ...probe.httpGet, path: '/readyz' }, periodSeconds: 1, timeoutSeconds: 15 },
  };
}

function volumeSource({ kind, name }: FileSource, from: FilesFrom): object {
  if (from !== 'api') return { hostPath: { path: `${from.hostDirectory}/${name}`, type: 'Directory' } };
  return kind === 'secret' ? { secret: { secretName: name } } : { configMap: { name } };
}

function define(component: Component, options: ControlPlaneOptions): Definition {
  const files = fileSources[component];
  const sharing = options.permitPortSharing ? ['--permit-port-sharing=true'] : [];
  switch (component) {
    case 'etcd':
      return {
        command: etcdCommand(options.nodes),
        files,
        directories: ['/var/lib/etcd'],
        cpu: '100m',
        health: { port: 2381, path: '/health', scheme: 'HTTP' },
      };
    case 'kube-apiserver':
      return {
        command: [...apiserverCommand(options.nodes), ...sharing],
        files,
        directories: [],
        cpu: '250m',
        health: { port: 6443, path: '/livez', scheme: 'HTTPS' },
      };
    case 'kube-controller-manager':
      return {
        command: [...controllerManagerCommand(), ...sharing],
        files,
        directories: [],
        cpu: '200m',
        health: { port: 10257, path: '/healthz', scheme: 'HTTPS' },
      };
    case 'kube-scheduler':
      return {
        command: [...schedulerCommand(), ...sharing],
        files,
        directories: [],
        cpu: '100m',
        health: { port: 10259, path: '/healthz', scheme: 'HTTPS' },
      };
  }
}
