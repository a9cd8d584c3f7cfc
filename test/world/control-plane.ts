// Model: a self-hosted control plane as bootkube, Typhoon and Lokomotive write it: annotated DaemonSets on the host
// network, certificates in Secrets, a configMap, probes with named ports. The bytes are fake; shapes are real.

import type { V1Container, V1DaemonSet, V1Pod, V1PodSpec, V1Probe } from '@kubernetes/client-node';
import { ownLabels } from './admission.ts';
import { apiTime, daemonPod } from './api-objects.ts';
import type { World } from './world.ts';

/** The ports of the host that the components bind; the embedded world takes free ones of the machine. */
export interface ControlPlanePorts {
  readonly apiserver: number;
  readonly etcdClient: number;
  readonly etcdMetrics: number;
  readonly controllerManager: number;
  readonly scheduler: number;
}

export const USUAL_PORTS: ControlPlanePorts = {
  apiserver: 6443,
  etcdClient: 2379,
  etcdMetrics: 2381,
  controllerManager: 10257,
  scheduler: 10259,
};

const ROLE_LABEL = 'node-role.kubernetes.io/master';
const NAMESPACE = 'kube-system';
const CHECKPOINT = 'checkpointer.alpha.coreos.com/checkpoint';

/** A marker that no log, status or manifest may ever show (rule 9). */
export const SECRET_MARKER = 'FAKE-PRIVATE-KEY-BYTES';

export interface ControlPlaneOptions {
  readonly ports?: ControlPlanePorts;
  readonly portSharing?: boolean;
  /** etcd runs on machines of its own, where nothing ever goes wrong. */
  readonly etcdOutside?: boolean;
  /** Also the agent's own DaemonSet. */
  readonly agent?: boolean;
  /** Other DaemonSets beside it. */
  readonly extra?: readonly V1DaemonSet[];
  /** What a bootstrapper would write otherwise: annotations, flags. */
  readonly edit?: (daemonSet: V1DaemonSet) => V1DaemonSet;
}

/** Puts nodes, secrets, configMaps and DaemonSets into etcd and starts the world after its pivot: all of it runs. */
export function beginPivoted(world: World, options: ControlPlaneOptions = {}): void {
  const { store } = world;
  world.availability.etcdOutside = options.etcdOutside === true;
  const creationTimestamp = apiTime(world.nowMs);
  for (const { name } of world.nodes) {
    const labels = { ...ownLabels(name), [ROLE_LABEL]: '' };
    const metadata = { name, uid: world.random.uuid(), labels, creationTimestamp };
    store.put('nodes', { apiVersion: 'v1', kind: 'Node', metadata });
  }
  for (const name of ['etcd-certs', 'kube-apiserver-certs', 'kube-controller-manager', 'kube-scheduler']) {
    const bytes = (file: string) => Buffer.from(`${SECRET_MARKER} ${name}/${file}`).toString('base64');
    const data = { 'tls.crt': bytes('tls.crt'), 'tls.key': bytes('tls.key') };
    const metadata = { name, namespace: NAMESPACE, uid: world.random.uuid(), creationTimestamp };
    store.put('secrets', { apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata, data });
  }
  const configMaps = {
    'kube-root-ca.crt': { 'ca.crt': 'fake cluster CA' },
    'kube-apiserver-config': {
      'audit-policy.yaml': 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n',
    },
  };
  for (const [name, data] of Object.entries(configMaps)) {
    const metadata = { name, namespace: NAMESPACE, uid: world.random.uuid(), creationTimestamp };
    store.put('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
  }
  const written = [...controlPlane(options), ...(options.extra ?? [])];
  const daemonSets = written.map(options.edit ?? ((daemonSet) => daemonSet)).map((daemonSet) =>
    store.put('daemonsets', {
      ...daemonSet,
      metadata: { ...daemonSet.metadata, uid: world.random.uuid(), creationTimestamp },
    }),
  );
  for (const node of world.nodes) {
    const pods = daemonSets.map((daemonSet) => runningPod(daemonSet, node.name, world));
    for (const { image } of pods.flatMap((pod) => pod.spec?.containers ?? [])) {
      if (image !== undefined) node.runtime.images.add(image);
    }
    node.beginRunning(pods);
  }
  world.story.tell('world', 'begins: the self-hosted control plane runs');
  world.advance(world.nowMs);
}

function runningPod(daemonSet: V1DaemonSet, nodeName: string, world: World): V1Pod {
  const pod = daemonPod(daemonSet, nodeName, world.random, world.nowMs);
  return world.store.put('pods', { ...pod, spec: { ...(pod.spec ?? { containers: [] }), nodeName } });
}

/** The DaemonSets, as one would apply them. */
export function controlPlane(options: ControlPlaneOptions = {}): V1DaemonSet[] {
  const { ports = USUAL_PORTS, etcdOutside = false } = options;
  const sets = [
    daemonSet('etcd', 'etcd-certs', '/etc/etcd/tls', ports.etcdClient, probe('/health', ports.etcdMetrics), [
      '--data-dir=/var/lib/etcd',
      `--listen-client-urls=https://127.0.0.1:${ports.etcdClient}`,
      `--listen-metrics-urls=http://127.0.0.1:${ports.etcdMetrics}`,
    ]),
    daemonSet(
      'kube-apiserver',
      'kube-apiserver-certs',
      '/etc/kubernetes/tls',
      ports.apiserver,
      probe('/readyz', 'serving'),
      [
        `--etcd-servers=https://${etcdOutside ? '192.0.2.1' : '127.0.0.1'}:${ports.etcdClient}`,
        `--secure-port=${ports.apiserver}`,
        '--tls-private-key-file=/etc/kubernetes/tls/tls.key',
        ...(options.portSharing === true ? ['--permit-port-sharing=true'] : []),
      ],
    ),
    daemonSet(
      'kube-controller-manager',
      'kube-controller-manager',
      '/etc/kubernetes/tls',
      ports.controllerManager,
      probe('/healthz', 'serving'),
      [`--secure-port=${ports.controllerManager}`, '--leader-elect=true'],
    ),
    daemonSet(
      'kube-scheduler',
      'kube-scheduler',
      '/etc/kubernetes/tls',
      ports.scheduler,
      probe('/healthz', 'serving'),
      [`--secure-port=${ports.scheduler}`, '--leader-elect=true'],
    ),
  ];
  if (options.agent === true) {
    sets.push(daemonSet('checkpoint-agent', undefined, '', undefined, undefined, ['run']));
  }
  return etcdOutside ? sets.filter(({ metadata }) => metadata?.name !== 'etcd') : sets;
}

function probe(path: string, port: number | string): V1Probe {
  return {
    httpGet: { host: '127.0.0.1', path, port, scheme: 'HTTP' },
    periodSeconds: 1,
    failureThreshold: 3,
  };
}

function daemonSet(
  name: string,
  secretName: string | undefined,
  mountPath: string,
  port: number | undefined,
  readinessProbe: V1Probe | undefined,
  args: readonly string[],
): V1DaemonSet {
  const container: V1Container = {
    name,
    image: `registry.example/${name}:v1`,
    command: [name],
    args: [...args],
    env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } }],
    ...(port === undefined ? {} : { ports: [{ name: 'serving', containerPort: port }] }),
    ...(readinessProbe === undefined ? {} : { readinessProbe }),
    volumeMounts: secretName === undefined ? [] : [{ name: 'tls', mountPath, readOnly: true }],
  };
  const spec: V1PodSpec = {
    hostNetwork: true,
    nodeSelector: { [ROLE_LABEL]: '' },
    tolerations: [{ operator: 'Exists' }],
    priorityClassName: 'system-node-critical',
    priority: 2_000_001_000,
    containers: [container],
    volumes: secretName === undefined ? [] : [{ name: 'tls', secret: { secretName, defaultMode: 0o600 } }],
  };
  if (name === 'etcd')
    addVolume(spec, '/var/lib/etcd', { hostPath: { path: '/var/lib/etcd', type: 'DirectoryOrCreate' } });
  if (name === 'kube-apiserver') {
    addVolume(spec, '/etc/kubernetes/config', { configMap: { name: 'kube-apiserver-config' } });
  }
  const labels = { 'k8s-app': name, tier: 'control-plane' };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: NAMESPACE, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      template: { metadata: { labels, annotations: { [CHECKPOINT]: 'true' } }, spec },
    },
  };
}

function addVolume(spec: V1PodSpec, mountPath: string, source: object): void {
  const name = mountPath.split('/').pop() ?? 'volume';
  spec.volumes?.push({ name, ...source });
  spec.containers[0]?.volumeMounts?.push({ name, mountPath });
}
