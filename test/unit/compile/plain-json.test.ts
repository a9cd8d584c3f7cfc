import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical, plain } from '../../../lib/compile/plain-json.ts';
import { aPod, compiled, refused } from './a-pod.ts';

test('a pod that holds itself is refused, not followed for ever', () => {
  const pod = aPod();
  (pod.spec as unknown as Record<string, unknown>).securityContext = pod;
  assert.match(refused(pod)[0]?.why ?? '', /nested too deep/);
});

test('a key called __proto__ stays a key', () => {
  const value = JSON.parse('{"__proto__": {"a": "b"}}');
  assert.equal(JSON.stringify(plain(value).value), '{"__proto__":{"a":"b"}}');
  const annotations = JSON.parse('{"__proto__": "x", "mine": "y"}');
  const carried = compiled(aPod({}, {}, { annotations })).manifest.metadata?.annotations;
  assert.equal(JSON.stringify(carried), '{"__proto__":"x","mine":"y"}');
});

test('keys are sorted, null is absent, dates are text', () => {
  const value = { b: 1, a: [null, { d: null, c: new Date(0) }], u: undefined };
  assert.equal(canonical(plain(value).value ?? {}), '{"a":[null,{"c":"1970-01-01T00:00:00.000Z"}],"b":1}');
});
