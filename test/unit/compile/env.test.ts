import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aPod, compiled, envOf, given, mainOf, refused } from './a-pod.ts';

const objects = given({
  configMaps: {
    conf: { data: { A: 'one', B: 'cost $(A) $5', '1st': 'skipped', 'b-c': 'dash' } },
    gone: null,
  },
  secrets: { pass: { PASSWORD: 'hunter2$' }, gone: null },
});
const allow = { annotations: { 'checkpoint-agent.io/allow-secret-env': 'true' } };
const env = (container: Record<string, unknown>, spec = {}, metadata = {}): string[] =>
  envOf(compiled(aPod(spec, container, metadata), objects));
const from = (source: Record<string, unknown>, name = 'X'): Record<string, unknown> => ({
  env: [{ name, valueFrom: source }],
});

test('envFrom comes before env, with its prefix, with $ doubled', () => {
  const container = {
    env: [{ name: 'P_A', value: 'mine $(P_B)' }],
    envFrom: [{ prefix: 'P_', configMapRef: { name: 'conf' } }, { configMapRef: { name: 'conf' } }],
  };
  assert.deepEqual(env(container), [
    'P_1st=skipped',
    'P_A=one',
    'P_B=cost $$(A) $$5',
    'P_b-c=dash',
    'A=one',
    'B=cost $$(A) $$5',
    'b-c=dash',
    'P_A=mine $(P_B)',
  ]);
});

test('a name that a static pod may not have everywhere is left out of envFrom, and told; in env it is refused', () => {
  const checkpoint = compiled(aPod({}, { envFrom: [{ configMapRef: { name: 'conf' } }] }), objects);
  const risks = checkpoint.notes.filter(({ risk }) => risk);
  assert.deepEqual(
    risks.map(({ field, treatment }) => `${treatment} ${field}`),
    ['dropped spec.containers[0].envFrom[0].configMapRef'],
  );
  assert.match(risks[0]?.why ?? '', /"1st".*1\.34.*rename the key/);
  for (const name of ['1st', 'a b', '.', '..a', 'ä']) {
    const [refusal] = refused(aPod({}, { env: [{ name, value: 'x' }] }), objects);
    assert.equal(refusal?.field, 'spec.containers[0].env[0].name', name);
  }
  assert.deepEqual(env({ env: [{ name: '_a.b-1', value: 'x' }] }), ['_a.b-1=x']);
});

test('a key of a ConfigMap becomes a literal', () => {
  assert.deepEqual(env(from({ configMapKeyRef: { name: 'conf', key: 'B' } })), ['X=cost $$(A) $$5']);
});

test('optional and missing: the variable is not set, as with the kubelet', () => {
  assert.deepEqual(env(from({ configMapKeyRef: { name: 'conf', key: 'no', optional: true } })), []);
  assert.deepEqual(env(from({ secretKeyRef: { name: 'gone', key: 'no', optional: true } })), []);
  assert.deepEqual(env({ envFrom: [{ secretRef: { name: 'gone', optional: true } }] }), []);
});

test('a key that is missing and not optional is refused', () => {
  const [refusal] = refused(aPod({}, from({ configMapKeyRef: { name: 'conf', key: 'no' } })), objects);
  assert.equal(refusal?.field, 'spec.containers[0].env[0].valueFrom.configMapKeyRef');
});

const SECRETS: [string, Record<string, unknown>][] = [
  ['secretKeyRef', from({ secretKeyRef: { name: 'pass', key: 'PASSWORD' } }, 'PASSWORD')],
  ['envFrom', { envFrom: [{ secretRef: { name: 'pass' } }] }],
];
for (const [name, container] of SECRETS) {
  test(`a secret by ${name} is refused: the mirror pod would publish it`, () => {
    const [refusal] = refused(aPod({}, container), objects);
    assert.match(refusal?.why ?? '', /mirror pod.*allow-secret-env/);
  });

  test(`a secret by ${name} is allowed by the option, and noted as exposed by name only`, () => {
    const checkpoint = compiled(aPod({}, container, allow), objects);
    assert.deepEqual(envOf(checkpoint), ['PASSWORD=hunter2$$']);
    const exposed = checkpoint.notes.filter((note) => note.treatment === 'exposed');
    assert.match(exposed[0]?.why ?? '', /^PASSWORD /);
    assert.ok(!JSON.stringify(checkpoint.notes).includes('hunter2'));
  });
}

test('an init container with a secret in env is refused as well', () => {
  const init = { name: 'i', image: 'x', ...from({ secretKeyRef: { name: 'pass', key: 'PASSWORD' } }) };
  assert.equal(
    refused(aPod({ initContainers: [init] }), objects)[0]?.field,
    'spec.initContainers[0].env[0].valueFrom.secretKeyRef',
  );
});

const FIELDS: [string, string][] = [
  ['metadata.name', 'X=web-x7f2k'],
  ['metadata.namespace', 'X=kube-system'],
  ['metadata.uid', 'X=11111111-2222-3333-4444-555555555555'],
  ["metadata.labels['app']", 'X=a$$b'],
  ["metadata.annotations['note']", 'X=n'],
  ["metadata.labels['none']", 'X='],
  ['spec.nodeName', 'X=m1'],
  ['spec.serviceAccountName', 'X=robot'],
  ['status.hostIP', 'X by reference'],
  ['status.podIP', 'X by reference'],
  ['status.podIPs', 'X by reference'],
];
for (const [fieldPath, expected] of FIELDS) {
  test(`${fieldPath} gives what the parent sees`, () => {
    const metadata = { labels: { app: 'a$b' }, annotations: { note: 'n' } };
    assert.deepEqual(env(from({ fieldRef: { fieldPath } }), { serviceAccountName: 'robot' }, metadata), [
      expected,
    ]);
  });
}

test('limits stay references, a zeroed request is pinned to the value of the parent', () => {
  const resources = { limits: { memory: '64Mi' }, requests: { cpu: '250m' } };
  const cpu = { ...from({ resourceFieldRef: { resource: 'requests.cpu', divisor: '1m' } }), resources };
  const limit = { ...from({ resourceFieldRef: { resource: 'limits.memory' } }), resources };
  const defaulted = {
    ...from({ resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } }),
    resources,
  };
  assert.deepEqual(env(cpu), ['X=250']);
  assert.deepEqual(env(limit), ['X by reference']);
  assert.deepEqual(env(defaulted), ['X=64']);
});

test('the kubernetes Service is given as literals, first, unless the container sets it', () => {
  const node = { kubernetesService: { host: '10.0.0.1', port: 443 } };
  const pod = aPod({}, { env: [{ name: 'KUBERNETES_SERVICE_HOST', value: 'localhost' }] });
  assert.deepEqual(envOf(compiled(pod, objects, node)), [
    'KUBERNETES_SERVICE_PORT=443',
    'KUBERNETES_SERVICE_PORT_HTTPS=443',
    'KUBERNETES_SERVICE_HOST=localhost',
  ]);
});

test('a value that is no text is refused, not mangled', () => {
  const binary = given({ configMaps: { conf: { data: { A: 'ok\0' } } } });
  assert.match(
    refused(aPod({}, { envFrom: [{ configMapRef: { name: 'conf' } }] }), binary)[0]?.why ?? '',
    /no text/,
  );
});

test('an environment without references stays as it is', () => {
  const list = [{ name: 'A', value: '$(B) $$' }, { name: 'E' }];
  assert.deepEqual(mainOf(compiled(aPod({}, { env: list }))).env, list);
});
