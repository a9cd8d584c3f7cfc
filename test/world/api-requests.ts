// Front end: which object of the model a URL means, and what an identity may do with it. The Node authorizer's rules
// are those of the Node authorizer: its own pods, the secrets and configMaps they name one by one, its Node; no DaemonSets.

import type { V1Pod } from '@kubernetes/client-node';
import type { Kinds, ObjectStore, Resource } from './object-store.ts';

export interface ApiRequest {
  readonly resource: Resource | 'events' | 'token';
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly query: URLSearchParams;
  readonly fields: ReadonlyMap<string, string>;
}

export const KIND_OF: Readonly<Record<Resource, string>> = {
  pods: 'Pod',
  secrets: 'Secret',
  configmaps: 'ConfigMap',
  nodes: 'Node',
  daemonsets: 'DaemonSet',
  deployments: 'Deployment',
  replicasets: 'ReplicaSet',
  statefulsets: 'StatefulSet',
};
const PATH = /^\/(?:api\/v1|apis\/apps\/v1)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/(token))?$/;

export function parseRequest(url: URL): ApiRequest | undefined {
  const match = PATH.exec(url.pathname);
  if (match === null) return undefined;
  const [, namespace, collection = '', name, token] = match;
  const resource = token === 'token' && collection === 'serviceaccounts' ? 'token' : collection;
  if (resource !== 'events' && resource !== 'token' && !(resource in KIND_OF)) return undefined;
  const fields = new Map<string, string>();
  for (const term of (url.searchParams.get('fieldSelector') ?? '').split(',')) {
    const [field = '', value = ''] = term.split(/==?/, 2);
    if (field !== '') fields.set(field, value);
  }
  return { resource: resource as ApiRequest['resource'], namespace, name, query: url.searchParams, fields };
}

/** Only field selectors that the real apiserver supports for these kinds. */
export function selects(request: ApiRequest, object: Kinds[Resource]): boolean {
  const { namespace, fields } = request;
  if (namespace !== undefined && object.metadata?.namespace !== namespace) return false;
  const name = request.name ?? fields.get('metadata.name');
  if (name !== undefined && object.metadata?.name !== name) return false;
  const nodeName = fields.get('spec.nodeName');
  if (nodeName === undefined) return true;
  const spec = 'spec' in object ? object.spec : undefined;
  return spec !== undefined && 'nodeName' in spec && spec.nodeName === nodeName;
}

/** Watches, and lists but those with a limit and no selector, are not answered from etcd (cacher/delegator.go). */
export function comesFromCache({ name, query, fields }: ApiRequest): boolean {
  const selects = fields.size > 0 || query.has('labelSelector');
  return name === undefined && (query.has('watch') || selects || !query.has('limit'));
}

/** Why `system:node:<node>` may not do this; undefined when it may. */
export function nodeMayNot(
  method: string,
  request: ApiRequest,
  node: string,
  store: ObjectStore,
): string | undefined {
  const { resource, namespace, fields } = request;
  const name = request.name ?? fields.get('metadata.name');
  const ownPods = store.list('pods').filter(({ spec }) => spec?.nodeName === node);
  const refusal = `User "system:node:${node}" cannot ${method} resource "${resource}"`;
  switch (resource) {
    case 'events':
    case 'token':
      return undefined;
    case 'pods': {
      const own =
        fields.get('spec.nodeName') === node || ownPods.some(({ metadata }) => metadata?.name === name);
      const gone = name !== undefined && store.get('pods', namespace, name) === undefined;
      return own || gone ? undefined : `${refusal}: can only read pods of its own node`;
    }
    case 'nodes':
      return name === node ? undefined : `${refusal}: can only read its own Node`;
    case 'secrets':
    case 'configmaps': {
      if (name === undefined) return `${refusal}: can only read individual resources of this type`;
      const named = ownPods.some(
        (pod) => pod.metadata?.namespace === namespace && names(pod, resource, name),
      );
      return named ? undefined : `${refusal}: no relationship found between node '${node}' and this object`;
    }
    default:
      return refusal;
  }
}

function names(pod: V1Pod, resource: 'secrets' | 'configmaps', name: string): boolean {
  // A name in quotes anywhere in the spec: generous, but right for the pods of this world.
  const field =
    resource === 'secrets' ? /"(?:secretName|secretRef|secret|secretKeyRef)":/ : /"config[A-Za-z]*":/;
  const text = JSON.stringify(pod.spec);
  return field.test(text) && text.includes(`"${name}"`);
}
