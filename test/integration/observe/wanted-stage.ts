// What the API may say of a parent that is absent from the list, as rows, and the test that each row is.

import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createApiSource } from '../../../lib/observe/apiserver/source.ts';
import { serviceAccountIdentity } from '../../../lib/observe/service-account.ts';
import type { ParentIdentity } from '../../../lib/types/memory.ts';
import type { Wanted } from '../../../lib/types/observation.ts';
import { CHECKPOINT_ANNOTATION } from '../../../lib/types/workload.ts';
import { identityFor, pod, SmallApi, type SmallObject } from './small-api.ts';

export const ASKS = { [CHECKPOINT_ANNOTATION]: 'true' };

export function controller(kind: string, spec: object = {}, metadata: object = {}): SmallObject {
  return {
    kind,
    metadata: { name: 'w', namespace: 'kube-system', uid: 'controller-uid', ...metadata },
    spec: { template: { metadata: { annotations: ASKS }, spec: {} }, ...spec },
  };
}

export function selecting(spec: object): object {
  return { template: { metadata: { annotations: ASKS }, spec } };
}

export function affinity(operator: string, values: string[]): object {
  const nodeSelectorTerms = [{ matchExpressions: [{ key: 'role', operator, values }] }];
  return {
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  };
}

export function tainted(taint: { key: string; value?: string; effect: string }): SmallObject {
  return { ...NODE, spec: { taints: [taint] } };
}

export function owned(kind: string, name: string): Record<string, unknown> {
  return { annotations: ASKS, ownerReferences: [{ kind, name, controller: true }] };
}

/** A pod of the Deployment on another node. */
export function elsewhere(
  name: string,
  fields: { ready?: boolean; nodeName?: string; metadata?: Record<string, unknown> } = {},
): SmallObject {
  const { ready = true, nodeName = 'n2', metadata = {} } = fields;
  return {
    ...pod(name, { labels: { app: 'w' }, ...metadata }),
    spec: { nodeName },
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  };
}

export const NODE: SmallObject = {
  kind: 'Node',
  metadata: { name: 'n1', uid: 'node-uid', labels: { role: 'master' } },
};
export const TWO = controller('Deployment', { replicas: 2, selector: { matchLabels: { app: 'w' } } });

export interface Row {
  readonly name: string;
  readonly objects?: readonly SmallObject[];
  /** Kind of the parent's controller; undefined: none. */
  readonly kind?: string;
  readonly podName?: string;
  readonly override?: SmallApi['override'];
  readonly serviceAccount?: false;
  readonly expected: Wanted | RegExp;
}

export const refuse = (end: string, status: number): SmallApi['override'] => {
  return ({ path }) =>
    path.endsWith(end) ? { status, body: { kind: 'Status', message: 'sorry' } } : undefined;
};

export function testWanted(rows: readonly Row[]): void {
  for (const row of rows) {
    test(`wanted: ${row.name}`, async (t) => {
      const api = new SmallApi();
      await api.start();
      for (const object of row.objects ?? []) api.put(object);
      if (row.override) api.override = row.override;
      const identity = await identityFor(api.url);
      const dir = mkdtempSync(join(tmpdir(), 'observe-sa-'));
      if (row.serviceAccount !== false) writeFileSync(join(dir, 'token'), 'service-account-token\n');
      const serviceAccount = serviceAccountIdentity(identity, dir);
      const source = createApiSource({ identity, nodeName: 'n1', serviceAccount });
      t.after(async () => {
        await source.close();
        await api.stop();
      });
      const ref = {
        apiVersion: 'apps/v1',
        kind: row.kind ?? '',
        namespace: 'kube-system',
        name: 'w',
        uid: 'controller-uid',
      };
      const name = row.podName ?? 'p';
      const parent: ParentIdentity = {
        namespace: 'kube-system',
        name,
        uid: 'uid-p',
        ...(row.kind === undefined ? {} : { controller: ref }),
      };
      const answer = await source.wanted(parent);
      if (row.expected instanceof RegExp) {
        assert.ok(!answer.known, JSON.stringify(answer));
        assert.match(answer.reason, row.expected);
      } else {
        assert.deepEqual(answer, { known: true, value: row.expected });
      }
      const asked = api.requests.filter(({ path }) => path.startsWith('/apis/apps/'));
      assert.ok(asked.every(({ headers }) => headers.authorization === 'Bearer service-account-token'));
      // But for the pods of a Deployment elsewhere, which a node may not list.
      const own = api.requests.filter(
        ({ path, query }) => path.startsWith('/api/v1/') && !query.has('labelSelector'),
      );
      assert.ok(own.every(({ headers }) => headers.authorization === 'Bearer kubelet-token'));
    });
  }
}
