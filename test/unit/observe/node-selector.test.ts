// Which nodes a pod template accepts, by the scheduler's rules.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1NodeSelectorTerm, V1PodSpec } from '@kubernetes/client-node';
import { acceptsNode } from '../../../lib/observe/apiserver/node-selector.ts';

const NODE = { name: 'n1', uid: 'u', labels: { role: 'master', zone: 'a', cores: '8' } };

function accepts(...nodeSelectorTerms: V1NodeSelectorTerm[]): boolean {
  const affinity = {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  };
  return acceptsNode({ containers: [], affinity } as V1PodSpec, NODE);
}

function expression(key: string, operator: string, ...values: string[]): V1NodeSelectorTerm {
  return { matchExpressions: [{ key, operator, values }] };
}

test('no selector accepts every node; a nodeSelector needs all of its labels', () => {
  assert.equal(acceptsNode(undefined, NODE), true);
  assert.equal(acceptsNode({ containers: [], nodeSelector: { role: 'master', zone: 'a' } }, NODE), true);
  assert.equal(acceptsNode({ containers: [], nodeSelector: { role: 'master', zone: 'b' } }, NODE), false);
  assert.equal(acceptsNode({ containers: [], nodeSelector: { absent: '' } }, NODE), false);
});

for (const [term, expected] of [
  [expression('role', 'In', 'x', 'master'), true],
  [expression('role', 'In', 'x'), false],
  [expression('absent', 'In', 'x'), false],
  [expression('role', 'NotIn', 'x'), true],
  [expression('role', 'NotIn', 'master'), false],
  [expression('absent', 'NotIn', 'x'), true],
  [expression('role', 'Exists'), true],
  [expression('absent', 'Exists'), false],
  [expression('role', 'DoesNotExist'), false],
  [expression('absent', 'DoesNotExist'), true],
  [expression('cores', 'Gt', '7'), true],
  [expression('cores', 'Gt', '8'), false],
  [expression('cores', 'Lt', '9'), true],
  [expression('absent', 'Lt', '9'), false],
  [expression('role', 'Nonsense', 'master'), false],
  [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }, true],
  [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }, false],
  [{}, false],
] as const) {
  test(`${JSON.stringify(term)} is ${expected}`, () =>
    assert.equal(accepts(term as V1NodeSelectorTerm), expected));
}

test('terms are alternatives, the requirements of one term are not', () => {
  assert.equal(accepts(expression('role', 'In', 'x'), expression('zone', 'In', 'a')), true);
  const both = [expression('role', 'In', 'x'), expression('zone', 'In', 'a')].flatMap(
    (term) => term.matchExpressions ?? [],
  );
  assert.equal(accepts({ matchExpressions: both }), false);
});
