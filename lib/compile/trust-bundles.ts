// The certificates of ClusterTrustBundles, as the kubelet projects them (pkg/kubelet/clustertrustbundle of kubernetes
// 1.37): those of the bundle that is named, or of all bundles of a signer that a label selector chooses, each once.

import type { ClusterTrustBundle } from '../types/checkpoint.ts';
import { asList, asObject, asString, type Json, type JsonObject, own } from './plain-json.ts';

export type BundleChoice =
  | { readonly name: string }
  | { readonly signerName: string; readonly selector: LabelSelector | undefined };

interface LabelSelector {
  readonly matchLabels: JsonObject;
  readonly matchExpressions: readonly JsonObject[];
}

/** Undefined when the source says neither or both, as the API would refuse it. */
export function bundleChoiceOf(source: JsonObject): BundleChoice | undefined {
  const name = asString(source.name) || undefined;
  const signerName = asString(source.signerName) || undefined;
  if ((name === undefined) === (signerName === undefined)) {
    return undefined;
  }
  return name === undefined
    ? { signerName: signerName ?? '', selector: selectorOf(source.labelSelector) }
    : { name };
}

/** An absent selector chooses nothing, an empty one everything. */
function selectorOf(value: Json | undefined): LabelSelector | undefined {
  const selector = asObject(value);
  return (
    selector && {
      matchLabels: asObject(selector.matchLabels) ?? {},
      matchExpressions: asList(selector.matchExpressions).map((item) => asObject(item) ?? {}),
    }
  );
}

export function chosenBundles(
  choice: BundleChoice,
  bundles: readonly ClusterTrustBundle[],
): readonly ClusterTrustBundle[] {
  if ('name' in choice) {
    return bundles.filter(({ metadata }) => metadata?.name === choice.name);
  }
  const { signerName, selector } = choice;
  return bundles.filter(
    ({ metadata, spec }) =>
      spec?.signerName === signerName &&
      selector !== undefined &&
      isChosen(asObject(metadata?.labels as Json | undefined) ?? {}, selector),
  );
}

function isChosen(labels: JsonObject, { matchLabels, matchExpressions }: LabelSelector): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => own(labels, key) === value) &&
    matchExpressions.every((expression) => isMet(labels, expression))
  );
}

function isMet(labels: JsonObject, expression: JsonObject): boolean {
  const label = own(labels, asString(expression.key) ?? '');
  const listed = label !== undefined && asList(expression.values).includes(label);
  switch (expression.operator) {
    case 'In':
      return listed;
    case 'NotIn':
      return !listed;
    case 'Exists':
      return label !== undefined;
    case 'DoesNotExist':
      return label === undefined;
    default:
      return false;
  }
}

/** Of what the API takes: no headers, nothing but certificates. */
const CERTIFICATE = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]*)-----END CERTIFICATE-----/g;

/** The kubelet shuffles them at each of its starts, so that nobody relies on an order. Here they are sorted: same content, same bytes. */
export function trustAnchors(bundles: readonly ClusterTrustBundle[]): string {
  const anchors = bundles.flatMap(({ spec }) =>
    [...(asString(spec?.trustBundle) ?? '').matchAll(CERTIFICATE)].map(([, encoded = '']) =>
      Buffer.from(encoded, 'base64').toString('latin1'),
    ),
  );
  return [...new Set(anchors)].sort().map(pem).join('');
}

function pem(bytes: string): string {
  const lines =
    Buffer.from(bytes, 'latin1')
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
