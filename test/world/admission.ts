// Model: what the kubelet checks before and while it starts a pod. Pure: it answers with a reason, or nothing.

import type { V1Pod, V1Volume } from '@kubernetes/client-node';
import type { HostPaths } from './static-pod-files.ts';

export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

/** Labels the kubelet gives itself while it has not seen its Node object: no role among them. */
export function ownLabels(node: string): Record<string, string> {
  return { 'kubernetes.io/hostname': node, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' };
}

/** Admission against the pods already admitted. A rejected pod is Failed for good (#116484). */
export function admit(
  pod: V1Pod,
  source: 'file' | 'api',
  admitted: readonly V1Pod[],
  labels: Readonly<Record<string, string>>,
): Rejection | undefined {
  const apiObject = source === 'file' ? namedApiObject(pod) : undefined;
  if (apiObject !== undefined) {
    return {
      reason: 'InvalidStaticPod',
      message: `a static pod may not reference API objects (${apiObject})`,
    };
  }
  const selector = Object.entries(pod.spec?.nodeSelector ?? {});
  if (selector.some(([key, value]) => labels[key] !== value)) {
    return { reason: 'NodeAffinity', message: 'Predicate NodeAffinity failed' };
  }
  const taken = new Set(admitted.flatMap(declaredPorts));
  const clash = declaredPorts(pod).find((port) => taken.has(port));
  if (clash !== undefined) {
    return { reason: 'NodePorts', message: `Predicate NodePorts failed: host port ${clash}` };
  }
  return undefined;
}

/** Only declared ports count at admission; what a process binds without saying so is found out by the process. */
function declaredPorts(pod: V1Pod): number[] {
  const ports = pod.spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  return ports.map(({ hostPort }) => hostPort ?? 0).filter((port) => port > 0);
}

/** The first API object a static pod names although none may be named (even an optional one). */
export function namedApiObject(pod: V1Pod): string | undefined {
  const spec = pod.spec;
  if (spec?.serviceAccountName) return 'serviceAccountName';
  if (spec?.imagePullSecrets?.length) return 'imagePullSecrets';
  for (const container of [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]) {
    if (container.envFrom?.some((source) => source.secretRef ?? source.configMapRef)) return 'envFrom';
    if (container.env?.some(({ valueFrom }) => valueFrom?.secretKeyRef ?? valueFrom?.configMapKeyRef))
      return 'env';
  }
  return spec?.volumes?.find((volume) => apiObjectsOf(volume).length > 0)?.name;
}

interface ApiObjectName {
  readonly resource: 'secrets' | 'configmaps' | 'token';
  readonly name: string;
  readonly optional: boolean;
}

function apiObjectsOf(volume: V1Volume): ApiObjectName[] {
  const sources = [
    {
      secret: volume.secret && { ...volume.secret, name: volume.secret.secretName },
      configMap: volume.configMap,
    },
    ...(volume.projected?.sources ?? []),
  ];
  return sources.flatMap((source): ApiObjectName[] => {
    const found: ApiObjectName[] = [];
    const { secret, configMap } = source;
    if (secret)
      found.push({ resource: 'secrets', name: secret.name ?? '', optional: secret.optional === true });
    if (configMap) {
      found.push({
        resource: 'configmaps',
        name: configMap.name ?? '',
        optional: configMap.optional === true,
      });
    }
    if ('serviceAccountToken' in source && source.serviceAccountToken) {
      found.push({ resource: 'token', name: 'token', optional: false });
    }
    return found;
  });
}

/** Why the volumes cannot be mounted now; undefined when they can. The kubelet tries again for ever. */
export function mountProblem(
  pod: V1Pod,
  objectExists: ((resource: 'secrets' | 'configmaps', name: string) => boolean) | undefined,
  paths: HostPaths,
): string | undefined {
  for (const volume of pod.spec?.volumes ?? []) {
    const { hostPath } = volume;
    if (hostPath?.type === 'Directory' && paths.kind(hostPath.path) !== 'directory') {
      return `hostPath type check failed: ${hostPath.path} is not a directory`;
    }
    if (hostPath?.type === 'File' && paths.kind(hostPath.path) !== 'file') {
      return `hostPath type check failed: ${hostPath.path} is not a file`;
    }
    for (const { resource, name, optional } of apiObjectsOf(volume)) {
      if (objectExists === undefined) return `volume ${volume.name}: the API is away`;
      if (resource !== 'token' && !optional && !objectExists(resource, name)) {
        return `volume ${volume.name}: ${resource} ${name} not found`;
      }
    }
  }
  return undefined;
}
