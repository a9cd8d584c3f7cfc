// The agent as it ships, started by a Node that is too old for it: one line, whatever that Node lacks.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const bundle = join(import.meta.dirname, '../../../dist/agent.mjs');

describe('a Node that is too old', () => {
  it('is named beside the version that is needed, in one line', () => {
    // A stand-in for an old Node, which no package brings along: it says that it is one.
    const old = `Object.defineProperty(process.versions, 'node', { value: '18.20.8' });
      Object.defineProperty(process, 'version', { value: 'v18.20.8' });`;
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(old)}`, bundle, 'status'],
      { encoding: 'utf8' },
    );
    assert.equal(stderr, `agent: Node 24 or newer is needed; this is v18.20.8 (${process.execPath})\n`);
    assert.equal(status, 1);
  });

  it('gets that far: nothing is imported by a name that it may lack', () => {
    const imports = readFileSync(bundle, 'utf8').matchAll(/\bimport\b[^;()"']*\bfrom ?["'](node:[^"']+)/g);
    assert.deepEqual(Array.from(imports, ([, module]) => module).sort(), ['node:module', 'node:v8']);
  });
});
