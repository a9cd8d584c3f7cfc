import assert from 'node:assert/strict';
import { test } from 'node:test';
import { divideQuantity, parseQuantity } from '../../../lib/compile/quantity.ts';

const CASES: [string, string, string, string][] = [
  ['limits.cpu', '250m', '1', '1'],
  ['limits.cpu', '250m', '1m', '250'],
  ['limits.cpu', '1.5', '1m', '1500'],
  ['limits.memory', '64Mi', '1', '67108864'],
  ['limits.memory', '64Mi', '1Mi', '64'],
  ['limits.memory', '1G', '1Mi', '954'],
  ['limits.memory', '1e3', '1', '1000'],
  ['limits.memory', '1E', '1k', '1000000000000000'],
  ['requests.ephemeral-storage', '.5Gi', '1Gi', '1'],
];
for (const [resource, value, divisor, expected] of CASES) {
  test(`${resource} ${value} / ${divisor} is ${expected}, as the kubelet rounds`, () => {
    assert.equal(
      divideQuantity(resource, parseQuantity(value) ?? 0n, parseQuantity(divisor) ?? 0n),
      expected,
    );
  });
}

for (const text of ['', '1X', 'Mi', '1.2.3', '0x10', ' 1', '1 Mi', '-', '1e']) {
  test(`${JSON.stringify(text)} is no quantity`, () => assert.equal(parseQuantity(text), undefined));
}
