import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanPath } from '../../../lib/compile/payload.ts';
import { isMaterialPath } from '../../../lib/store/layout.ts';

const longest = `${'x'.repeat(127)}/`.repeat(8).slice(0, -1);
const CLEAN: [string, string][] = [
  ['a', 'a'],
  ['a/b', 'a/b'],
  ['a//b/', 'a/b'],
  ['./a/./b', 'a/b'],
  ['.hidden', '.hidden'],
  ['a/..b', 'a/..b'],
  ['ünïcødé', 'ünïcødé'],
  ['x'.repeat(255), 'x'.repeat(255)],
  [longest, longest],
];
for (const [path, expected] of CLEAN) {
  test(`${JSON.stringify(path.slice(0, 40))} is a path of a volume, and the store takes it`, () => {
    assert.equal(cleanPath(path), expected);
    assert.ok(isMaterialPath(expected));
  });
}

const OUTSIDE = [
  '',
  '.',
  './',
  '/',
  '/a',
  '..',
  '../a',
  'a/..',
  'a/../b',
  './../a',
  // The kubelet keeps names that begin with two dots for itself: ..data
  '..data',
  './..data',
  'a\0b',
  'a\nb',
  '\ud800',
  'x'.repeat(256),
  'é'.repeat(128),
  `${longest}/yy`,
];
for (const path of OUTSIDE) {
  test(`${JSON.stringify(path.slice(0, 40))} is none`, () => assert.equal(cleanPath(path), undefined));
}
