import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { Captures } from '../../../lib/agent/captures.ts';
import type { Api } from '../../../lib/agent/sources.ts';
import type { Tokens } from '../../../lib/agent/tokens.ts';
import { toParent } from '../../../lib/compile/parent.ts';
import type { ClusterTrustBundle, ObjectRef } from '../../../lib/types/checkpoint.ts';
import { known, unknown } from '../../../lib/types/observed.ts';

const pod: V1Pod = {
  metadata: { name: 'web', namespace: 'kube-system', uid: 'u' },
  spec: {
    containers: [{ name: 'c', image: 'x', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    volumes: [
      { name: 'v', projected: { sources: [{ clusterTrustBundle: { name: 'roots', path: 'ca.crt' } }] } },
    ],
  },
};

function bundle(name: string, certificate: string): ClusterTrustBundle {
  const trustBundle = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`;
  return { metadata: { name }, spec: { trustBundle } };
}

test('trust bundles are watched while a parent needs them; a change of one compiles anew, and nothing else does', () => {
  let items: ClusterTrustBundle[] | undefined;
  let retained: readonly ObjectRef[] = [];
  const api: Pick<Api, 'object' | 'retain'> = {
    object: () =>
      items === undefined ? unknown('not listed yet') : known({ found: true, object: { items: [...items] } }),
    retain: (refs) => {
      retained = refs;
    },
  };
  const tokens: Pick<Tokens, 'retain'> = { retain: () => undefined };
  const captures = new Captures(api as Api, tokens as Tokens, {});
  const compile = () => captures.compileAll([toParent(pod)]).get('kube-system/web' as never);
  const revision = () => {
    const result = compile();
    return result?.known && result.value.ok ? result.value.checkpoint.revision : undefined;
  };

  assert.deepEqual(compile(), unknown('ClusterTrustBundles: not listed yet'));
  assert.deepEqual(
    retained.map(({ kind }) => kind),
    ['ClusterTrustBundleList'],
  );
  const other = bundle('other', 'BBBB');
  items = [bundle('roots', 'AAAA'), other];
  const first = compile();
  const before = revision();
  assert.ok(before !== undefined);
  assert.equal(compile(), first, 'not compiled again');
  items = [bundle('roots', 'AAAB'), other];
  assert.notEqual(revision(), before);
  items = [bundle('roots', 'AAAA'), bundle('other', 'CCCC')];
  assert.equal(revision(), before, "another's bundle makes no new revision");
  captures.compileAll([]);
  assert.deepEqual(retained, []);
});
