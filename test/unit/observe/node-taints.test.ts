import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { V1Toleration } from '@kubernetes/client-node';
import { toleratesTaints } from '../../../lib/observe/apiserver/node-taints.ts';

const taint = (value?: string, effect = 'NoSchedule') => ({
  key: 'load',
  effect,
  ...(value === undefined ? {} : { value }),
});

const CASES: [string, V1Toleration[], ReturnType<typeof taint>[], boolean][] = [
  ['nothing, of no taint', [], [], true],
  ['nothing, of a taint', [], [taint()], false],
  ['a taint that is only a preference', [], [taint('1', 'PreferNoSchedule')], true],
  ['a taint of the cluster itself', [], [{ ...taint(), key: 'node.kubernetes.io/not-ready' }], true],
  ['Exists, of any value', [{ key: 'load', operator: 'Exists' }], [taint('9')], true],
  ['Exists without a key, of any taint', [{ operator: 'Exists' }], [taint('9')], true],
  ['another key', [{ key: 'other', operator: 'Exists' }], [taint()], false],
  ['another effect', [{ operator: 'Exists', effect: 'NoExecute' }], [taint()], false],
  ['an equal value, with no operator', [{ key: 'load', value: '9' }], [taint('9')], true],
  ['an equal value', [{ key: 'load', operator: 'Equal', value: '9' }], [taint('9')], true],
  ['another value', [{ key: 'load', operator: 'Equal', value: '9' }], [taint('8')], false],
  ['Lt, of a smaller number', [{ key: 'load', operator: 'Lt', value: '10' }], [taint('9')], true],
  ['Lt, of the same number', [{ key: 'load', operator: 'Lt', value: '10' }], [taint('10')], false],
  ['Gt, of a greater number', [{ key: 'load', operator: 'Gt', value: '-10' }], [taint('-9')], true],
  ['Gt, of a smaller number', [{ key: 'load', operator: 'Gt', value: '10' }], [taint('9')], false],
  [
    'Gt, of a number past what a double holds',
    [{ key: 'load', operator: 'Gt', value: '9007199254740992' }],
    [taint('9007199254740993')],
    true,
  ],
  ['Lt, of what is no number', [{ key: 'load', operator: 'Lt', value: '10' }], [taint('07')], false],
  [
    'Gt, with what is no int64',
    [{ key: 'load', operator: 'Gt', value: '-9223372036854775809' }],
    [taint('1')],
    false,
  ],
  ['an operator of a later API', [{ key: 'load', operator: 'Near', value: '10' }], [taint('9')], true],
  ['an operator of a later API, of another key', [{ key: 'x', operator: 'Near' }], [taint('9')], false],
  [
    'one of several, and each of two taints',
    [
      { key: 'load', operator: 'Lt', value: '5' },
      { key: 'role', operator: 'Exists' },
    ],
    [taint('4'), { ...taint(), key: 'role' }],
    true,
  ],
];
for (const [name, tolerations, taints, expected] of CASES) {
  test(`tolerates ${name}: ${expected}`, () => {
    assert.equal(toleratesTaints({ containers: [], tolerations }, taints), expected);
  });
}
