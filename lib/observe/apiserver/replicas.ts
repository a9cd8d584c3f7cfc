// Has a Deployment, whose pods may run on any node, as many as it wants on other nodes? Its pods are counted, not its
// status read: the status is written by a controller-manager, which may be the very workload that is missing.

import type { V1LabelSelector, V1Pod } from '@kubernetes/client-node';
import { known, type Observed, unknown } from '../../types/observed.ts';
import type { ApiClient } from './http.ts';

export interface Counted {
  readonly namespace: string;
  readonly replicas?: number;
  readonly selector?: V1LabelSelector;
}

/**
 * Asked with the service account, since a node may list its own pods only. True with no replicas wanted at all. A pod
 * on a node that died unseen still counts as ready for 40 s and more; the grace time is longer.
 */
export async function isMetElsewhere(
  { namespace, replicas = 1, selector }: Counted,
  client: ApiClient,
  nodeName: string,
): Promise<Observed<boolean>> {
  if (replicas === 0) return known(true);
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const answer = await client.get(path, { query: { labelSelector: selectorText(selector) } });
  if (!answer.ok) return unknown(answer.reason);
  const { kind, items } = answer.body as { kind?: string; items?: V1Pod[] | null };
  if (kind !== 'PodList') return unknown(`${path}: the answer is not a list`);
  const elsewhere = (items ?? []).filter((pod) => pod.spec?.nodeName !== nodeName && isReady(pod));
  return known(elsewhere.length >= replicas);
}

function isReady({ metadata, status }: V1Pod): boolean {
  const ready = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  return metadata?.deletionTimestamp === undefined && ready === true;
}

/** As a query: `app=x,tier in (a,b),!old`. */
function selectorText({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector = {}): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [...labels, ...expressions].join(',');
}
