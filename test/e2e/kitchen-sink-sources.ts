// Every source that a checkpoint can carry, and the objects they name: volumes, mounts and environment of the kitchen sink.

export const namespace = 'kube-system';
/** On the node: the containers' listings, by container. */
export const listingDirectory = '/var/lib/kitchen-sink/listings';
export const hostDirectory = '/var/lib/kitchen-sink/host';
/** Stands in every text that is secret and not meant to be shown. */
export const secretMarker = 'SINK-SECRET';

export type Fields = Readonly<Record<string, unknown>>;

const bytes = (from: number): string =>
  Buffer.from(Array.from({ length: 256 }, (_, byte) => (byte + from) % 256)).toString('base64');

export const objects: readonly object[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'kitchen-sink', namespace } },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'kitchen-sink', namespace },
    data: { binary: bytes(0), empty: '' },
    stringData: { 'tls.crt': `${secretMarker} certificate\n`, 'tls.key': `${secretMarker} key $(HOME) $$\n` },
  },
  {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'kitchen-sink-exposed', namespace },
    stringData: { PASSWORD: 'hunter2 $(A) $$ $5', EMPTY_PASSWORD: '' },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kitchen-sink', namespace },
    data: { 'app.conf': 'first\nsecond: $(HOME) $$ $5\n', empty: '', 'no-newline': 'ünïcode' },
    binaryData: { blob: bytes(128) },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'kitchen-sink-env', namespace },
    data: { A: 'one', B: 'cost $(A) $$ $5', EMPTY: '', LINES: 'two\nlines', 'b-c.d': 'dash', '1st': 'digit' },
  },
];

const secretItems = [
  { key: 'tls.key', path: 'deep/er/key', mode: 0o440 },
  { key: 'tls.crt', path: 'deep/crt' },
  { key: 'binary', path: 'with space/and-é', mode: 0o604 },
  { key: 'not-there', path: 'not-there' },
];
const configItems = [
  { key: 'blob', path: 'a/b/c/blob', mode: 0o777 },
  { key: 'app.conf', path: 'app.conf' },
];
const fields = [
  { path: 'name', fieldRef: { fieldPath: 'metadata.name' } },
  { path: 'deep/uid', fieldRef: { fieldPath: 'metadata.uid' }, mode: 0o400 },
  { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
  { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
  { path: 'label', fieldRef: { fieldPath: "metadata.labels['sink']" } },
  { path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } },
];
const sameFields = [
  { path: 'namespace', fieldRef: { fieldPath: 'metadata.namespace' } },
  { path: 'annotation', fieldRef: { fieldPath: "metadata.annotations['quoted']" } },
];
const token = (audience?: string): Fields => ({
  serviceAccountToken: {
    path: 'token',
    expirationSeconds: 3600,
    ...(audience === undefined ? {} : { audience }),
  },
});
/** A controller of 1.37 publishes the CA of the apiservers, by itself. */
const bundle = {
  clusterTrustBundle: {
    path: 'api-ca.crt',
    signerName: 'kubernetes.io/kube-apiserver-serving',
    labelSelector: {},
  },
};
const noBundle = { clusterTrustBundle: { path: 'deep/no-ca.crt', name: 'not-there', optional: true } };
const resource = (container: string, name: string, divisor = '1'): Fields => ({
  resourceFieldRef: { containerName: container, resource: name, divisor },
});

/** By the name of the volume, which is mounted at /sink/<name>. */
export const volumeSources = (container: string): Readonly<Record<string, Fields>> => ({
  secret: { secret: { secretName: 'kitchen-sink' } },
  'secret-0400': { secret: { secretName: 'kitchen-sink', defaultMode: 0o400 } },
  'secret-items': { secret: { secretName: 'kitchen-sink', items: secretItems, optional: true } },
  'secret-gone': { secret: { secretName: 'not-there', optional: true } },
  config: { configMap: { name: 'kitchen-sink' } },
  'config-items': { configMap: { name: 'kitchen-sink', items: configItems, defaultMode: 0o640 } },
  'config-gone': { configMap: { name: 'not-there', optional: true } },
  mixed: {
    projected: {
      defaultMode: 0o440,
      sources: [
        { secret: { name: 'kitchen-sink', items: secretItems, optional: true } },
        { configMap: { name: 'kitchen-sink' } },
        // A later source wins over an earlier one's file.
        { configMap: { name: 'kitchen-sink-env', items: [{ key: 'A', path: 'empty' }] } },
        { downwardAPI: { items: fields } },
        { secret: { name: 'not-there', optional: true } },
        token(),
        bundle,
      ],
    },
  },
  'only-secret': { projected: { sources: [{ secret: { name: 'kitchen-sink' } }] } },
  'only-config': { projected: { sources: [{ configMap: { name: 'kitchen-sink', items: configItems } }] } },
  'only-token': { projected: { sources: [token('kitchen-sink')] } },
  'only-bundle': { projected: { sources: [bundle, noBundle] } },
  'only-fields': { projected: { sources: [{ downwardAPI: { items: fields } }], defaultMode: 0o600 } },
  'same-fields': { projected: { sources: [{ downwardAPI: { items: sameFields } }] } },
  fields: { downwardAPI: { items: fields } },
  resources: {
    downwardAPI: {
      items: [
        { path: 'request', ...resource(container, 'requests.cpu', '1m') },
        { path: 'limit', ...resource(container, 'limits.memory', '1Ki') },
      ],
    },
  },
  'of-the-node': { downwardAPI: { items: [{ path: 'cpu', ...resource(container, 'limits.cpu') }] } },
  host: { hostPath: { path: hostDirectory, type: 'Directory' } },
  empty: { emptyDir: {} },
  memory: { emptyDir: { medium: 'Memory' } },
});

export const subPaths = [
  { name: 'secret', mountPath: '/sink/sub/key', subPath: 'tls.key' },
  { name: 'config-items', mountPath: '/sink/sub/config', subPath: 'a/b' },
  { name: 'mixed', mountPath: '/sink/sub/mixed', subPath: 'deep' },
  { name: 'host', mountPath: '/sink/sub/host', subPathExpr: '$(NAMESPACE)/$(NODE)', readOnly: true },
  // Inside a volume that is read-only for the container.
  { name: 'empty', mountPath: '/sink/config/inside/it' },
];

const field = (name: string, fieldPath: string): Fields => ({ name, valueFrom: { fieldRef: { fieldPath } } });
export const environment = [
  { name: 'LITERAL', value: 'price $5 $$HOME $(NOT_SET) $(A) $(P_A)' },
  { name: 'CONFIG', valueFrom: { configMapKeyRef: { name: 'kitchen-sink-env', key: 'B' } } },
  { name: 'LATER', value: '$(CONFIG) and $(NAME)' },
  { name: 'NO_KEY', valueFrom: { configMapKeyRef: { name: 'kitchen-sink-env', key: 'no', optional: true } } },
  { name: 'NO_SECRET', valueFrom: { secretKeyRef: { name: 'not-there', key: 'no', optional: true } } },
  field('NAME', 'metadata.name'),
  field('UID', 'metadata.uid'),
  field('NAMESPACE', 'metadata.namespace'),
  field('LABEL', "metadata.labels['sink']"),
  field('ANNOTATION', "metadata.annotations['quoted']"),
  field('NODE', 'spec.nodeName'),
  field('ACCOUNT', 'spec.serviceAccountName'),
  field('HOST_IP', 'status.hostIP'),
  field('POD_IP', 'status.podIP'),
  { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'requests.cpu', divisor: '1m' } } },
  { name: 'MEMORY', valueFrom: { resourceFieldRef: { resource: 'limits.memory' } } },
  { name: 'NODE_CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
];
