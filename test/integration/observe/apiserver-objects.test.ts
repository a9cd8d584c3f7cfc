// Watches of single objects: started at first use, stopped when nobody needs them; missing is not unknown.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Secret } from '@kubernetes/client-node';
import { ALL_TRUST_BUNDLES, type ClusterTrustBundleList } from '../../../lib/types/checkpoint.ts';
import { pod, podNames, SmallApi, sourceFor } from './small-api.ts';
import { until } from './until.ts';

const REF = { kind: 'Secret', namespace: 'kube-system', name: 's' } as const;
const SECRETS = '/api/v1/namespaces/kube-system/secrets';

function secret(data: Record<string, string>) {
  return { kind: 'Secret', metadata: { name: 's', namespace: 'kube-system' }, data };
}

test('an object is unknown until read, then found, changed, missing and found again by its watch', async (t) => {
  const api = new SmallApi();
  api.put(secret({ a: '1' }));
  const source = await sourceFor(api, t);
  assert.equal(source.object(REF).known, false);
  const value = () => {
    const object = source.object(REF);
    if (!object.known) return 'unknown';
    return object.value.found ? (object.value.object as V1Secret).data?.a : 'missing';
  };
  await until('the secret', () => value() === '1');
  await until('its watch', () => api.watches.some(({ request }) => request.path === SECRETS));
  assert.equal(api.lists(SECRETS)[0]?.query.get('fieldSelector'), 'metadata.name=s');
  api.put(secret({ a: '2' }));
  await until('the change', () => value() === '2');
  api.remove('Secret', 's');
  await until('the 404 of a watch', () => value() === 'missing');
  api.put(secret({ a: '3' }));
  await until('the return', () => value() === '3');
  assert.equal(api.lists(SECRETS).length, 1);
});

test('an object that is forbidden is unknown with the reason, while the pods stay known', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  api.override = ({ path }) =>
    path === SECRETS
      ? { status: 403, body: { kind: 'Status', message: 'no relationship found' } }
      : undefined;
  const source = await sourceFor(api, t, { backOffMsMin: 20 });
  await until('the reason', () => {
    const object = source.object(REF);
    return !object.known && object.reason.includes('403: no relationship found');
  });
  await until('the pods', () => podNames(source) === 'a');
  assert.equal(source.state().name, 'serving');
  api.put(secret({}));
  api.override = () => undefined;
  await until('the grant', () => source.object(REF).known, 2_000);
});

test('the trust bundles of the cluster are one list, with one watch', async (t) => {
  const path = '/apis/certificates.k8s.io/v1/clustertrustbundles';
  const api = new SmallApi();
  const put = (name: string, trustBundle: string) =>
    api.put({ kind: 'ClusterTrustBundle', metadata: { name }, spec: { trustBundle } });
  put('a', '1');
  const source = await sourceFor(api, t);
  const value = () => {
    const object = source.object(ALL_TRUST_BUNDLES);
    if (!object.known) return 'unknown';
    const { items } = object.value.found ? (object.value.object as ClusterTrustBundleList) : { items: [] };
    return items.map(({ metadata, spec }) => `${metadata?.name}=${spec?.trustBundle}`).join();
  };
  assert.equal(value(), 'unknown');
  await until('the bundle', () => value() === 'a=1');
  await until('its watch', () => api.watches.some(({ request }) => request.path === path));
  assert.equal(api.lists(path)[0]?.query.get('fieldSelector'), null);
  put('b', '2');
  await until('another', () => value() === 'a=1,b=2');
  api.remove('ClusterTrustBundle', 'a');
  await until('the other alone', () => value() === 'b=2');
  assert.equal(api.lists(path).length, 1);
  source.retain([]);
  await until('no watch of bundles', () => !api.watches.some(({ request }) => request.path === path));
});

test('an API without trust bundles is unknown, with the reason', async (t) => {
  const api = new SmallApi();
  api.override = ({ path }) =>
    path.includes('certificates.k8s.io')
      ? { status: 404, body: { kind: 'Status', message: 'no such thing' } }
      : undefined;
  const source = await sourceFor(api, t, { backOffMsMin: 20 });
  await until('the reason', () => {
    const object = source.object(ALL_TRUST_BUNDLES);
    return !object.known && /^ClusterTrustBundles: .*404/.test(object.reason);
  });
});

test('retain stops the watches that nobody needs, and keeps the others', async (t) => {
  const api = new SmallApi();
  api.put(secret({}));
  api.put({ kind: 'ConfigMap', metadata: { name: 'c', namespace: 'kube-system' } });
  const source = await sourceFor(api, t);
  const config = { kind: 'ConfigMap', namespace: 'kube-system', name: 'c' } as const;
  source.object(REF);
  source.object(config);
  await until('three watches', () => api.watches.length === 3);
  source.retain([config]);
  await until('two watches', () => api.watches.length === 2);
  assert.ok(api.watches.every(({ request }) => request.path !== SECRETS));
  assert.equal(source.object(config).known, true);
});

test('closing ends every watch', async (t) => {
  const api = new SmallApi();
  const source = await sourceFor(api, t);
  source.object(REF);
  await until('two watches', () => api.watches.length === 2);
  await source.close();
  await until('none', () => api.watches.length === 0);
  const before = api.requests.length;
  assert.equal((await source.probe(100)).name, 'serving', 'the state stands as it was');
  assert.deepEqual(source.object(REF), { known: false, reason: 'closed' });
  assert.equal(api.requests.length, before);
});
