// Model: what the apiserver does to objects on their way in: names, UIDs, defaults, the injected service account
// token volume (the one that made older checkpoints hang, loko#1576), and the two-step deletion of pods.

import type { V1Container, V1DaemonSet, V1Pod, V1PodSpec } from '@kubernetes/client-node';
import type { ObjectStore } from './object-store.ts';
import type { Random } from './random.ts';

/** metav1.Time has no more than seconds. */
export function apiTime(nowMs: number): Date {
  return new Date(Math.floor(nowMs / 1000) * 1000);
}

/** Objects are never changed in place, and their controllers ask again at every look. */
const templateHashes = new WeakMap<V1DaemonSet, string>();

/** A short digest of a DaemonSet's template (FNV-1a): pods of another one are of an older revision. */
export function templateHash(daemonSet: V1DaemonSet): string {
  const known = templateHashes.get(daemonSet);
  if (known !== undefined) return known;
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify(daemonSet.spec?.template)) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  }
  const text = (hash >>> 0).toString(36);
  templateHashes.set(daemonSet, text);
  return text;
}

/** A pod as the DaemonSet controller makes it, after admission: not bound yet, aimed at one node by affinity. */
export function daemonPod(daemonSet: V1DaemonSet, node: string, random: Random, nowMs: number): V1Pod {
  const { name = '', namespace = '', uid = '' } = daemonSet.metadata ?? {};
  const template = daemonSet.spec?.template;
  const inNodeAffinity = {
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${random.suffix(5)}`,
      generateName: `${name}-`,
      namespace,
      uid: random.uuid(),
      creationTimestamp: apiTime(nowMs),
      labels: { ...template?.metadata?.labels, 'controller-revision-hash': templateHash(daemonSet) },
      annotations: { ...template?.metadata?.annotations },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'DaemonSet', name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: admittedSpec(
      {
        ...(template?.spec ?? { containers: [] }),
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: inNodeAffinity } },
      },
      random,
    ),
    status: { phase: 'Pending', qosClass: 'Burstable' },
  };
}

/** Defaults and mutating admission. */
function admittedSpec(spec: V1PodSpec, random: Random): V1PodSpec {
  const tokenVolume = `kube-api-access-${random.suffix(5)}`;
  const wantsToken = spec.automountServiceAccountToken !== false;
  const container = (one: V1Container): V1Container => ({
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
    resources: {},
    ...withDefaultedPorts(one, spec.hostNetwork === true),
    volumeMounts: [
      ...(one.volumeMounts ?? []),
      ...(wantsToken
        ? [{ name: tokenVolume, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }]
        : []),
    ],
  });
  const serviceAccount = spec.serviceAccountName ?? 'default';
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    securityContext: {},
    preemptionPolicy: 'PreemptLowerPriority',
    ...spec,
    serviceAccountName: serviceAccount,
    serviceAccount,
    containers: spec.containers.map(container),
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(container) }),
    tolerations: [
      ...(spec.tolerations ?? []),
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
    ],
    volumes: [...(spec.volumes ?? []), ...(wantsToken ? [tokenProjection(tokenVolume)] : [])],
  };
}

/** hostNetwork defaults hostPort = containerPort, for static pods as well. */
export function withDefaultedPorts(container: V1Container, hostNetwork: boolean): V1Container {
  if (!hostNetwork || container.ports === undefined) return container;
  return { ...container, ports: container.ports.map((port) => ({ hostPort: port.containerPort, ...port })) };
}

function tokenProjection(name: string) {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    },
  };
}

/** DELETE: a bound pod that runs gets a deletionTimestamp and goes when its kubelet says so; others go at once. */
export function deletePod(store: ObjectStore, namespace: string, name: string, nowMs: number): void {
  const pod = store.get('pods', namespace, name);
  if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) return;
  const finished = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
  const mirror = pod.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined;
  if (pod.spec?.nodeName === undefined || finished || mirror) {
    store.remove('pods', namespace, name);
    return;
  }
  const deletionTimestamp = apiTime(nowMs + 30_000);
  store.put('pods', {
    ...pod,
    metadata: { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: 30 },
  });
}
