// What stands in the static pod directory beside our manifests, and what is removed of it.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeLeftovers } from '../../../lib/act/static-pod-file.ts';

test('of an unfinished placement nothing is left, and of other people’s files everything', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'checkpoint-agent-static-pods-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const kept = ['.hidden', 'checkpoint-agent_kube-system_etcd.json', 'node-exporter.yaml'];
  for (const name of [...kept, '.checkpoint-agent-new.checkpoint-agent_kube-system_etcd.json']) {
    writeFileSync(join(directory, name), '{');
  }
  await removeLeftovers(directory);
  assert.deepEqual(readdirSync(directory).sort(), kept);
});
