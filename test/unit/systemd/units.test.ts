// The units are well-formed, and the oneshot is ordered as its name says: after the runtime, before the kubelet.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const folder = join(import.meta.dirname, '../../../systemd');

describe('systemd units', () => {
  for (const name of ['checkpoint-agent-recover.service', 'checkpoint-agent.service']) {
    it(`${name} passes systemd-analyze verify without a word`, () => {
      const { status, stderr, error } = spawnSync('systemd-analyze', ['verify', join(folder, name)], {
        encoding: 'utf8',
      });
      assert.equal(error, undefined, 'systemd-analyze is part of the package systemd');
      assert.equal(stderr, '');
      assert.equal(status, 0);
    });
  }

  it('recovers after the runtime and before the kubelet, and never keeps the kubelet from starting', () => {
    const unit = readFileSync(join(folder, 'checkpoint-agent-recover.service'), 'utf8');
    assert.match(unit, /^Before=kubelet\.service$/m);
    assert.match(unit, /^After=.*\bcontainerd\.service\b.*$/m);
    assert.match(unit, /^Type=oneshot$/m);
    assert.doesNotMatch(unit, /^RequiredBy=/m);
  });
});
