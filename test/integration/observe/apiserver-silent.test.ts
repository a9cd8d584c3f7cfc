// A peer that says nothing any more and closes nothing: a host without power, a process that is stopped. The kernel
// asks the first by itself; the second answers the kernel, and shows itself to the next real question.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createApiSource } from '../../../lib/observe/apiserver/source.ts';
import { identityFor, pod, podNames, SmallApi, sourceFor } from './small-api.ts';
import { until } from './until.ts';

/** The kernel's timer of a connection, by its local port: which one, and when it fires. */
function timerOf(port: number): { kind: string; inMs: number } {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find((fields) => fields[1]?.endsWith(local));
  const [kind = '', ticks = ''] = line?.[5]?.split(':') ?? [];
  return { kind, inMs: Number.parseInt(ticks, 16) * 10 };
}

test('every watch is kept alive by the kernel, within seconds and without a request', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t);
  await until('the pods', () => podNames(source) === 'a');
  await until('the watch', () => api.watchRequests('/api/v1/pods').length === 1);
  const [watch] = api.watchRequests('/api/v1/pods');
  const { kind, inMs } = timerOf(watch?.clientPort ?? 0);
  assert.equal(kind, '02', 'the timer is not the one that keeps connections alive');
  assert.ok(inMs <= 3_000, `${inMs} ms`);
});

test('the last word of an apiserver that was told to end is heard, and vouches for nothing', async (t) => {
  const api = new SmallApi();
  api.put(pod('a'));
  const source = await sourceFor(api, t);
  assert.deepEqual(source.lastPods(), []);
  await until('the watch', () => api.watchRequests('/api/v1/pods').length === 1);
  api.closePort();
  const state = await source.probe(1_000);
  assert.ok(state.name === 'away' && state.cause === 'refused', JSON.stringify(state));
  const dying = pod('a');
  dying.metadata.deletionTimestamp = '2026-01-01T00:00:00Z';
  api.put(dying);
  await until('its last word', () => source.lastPods()[0]?.metadata?.deletionTimestamp !== undefined);
  assert.equal(podNames(source), 'unknown');
});

test('an apiserver that is stopped whole shows itself at the next question, and is followed again when it goes on', async (t) => {
  const script = join(import.meta.dirname, 'small-api-process.ts');
  const server = spawn(process.execPath, ['--import', 'tsx', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => server.kill('SIGKILL'));
  const [url] = await once(server.stdout, 'data');
  const source = createApiSource({ identity: await identityFor(String(url).trim()), nodeName: 'n1' });
  t.after(() => source.close());
  source.start();
  await until('the pods', () => podNames(source) === 'a');
  server.kill('SIGSTOP');
  // At rest nobody asks, and nothing is known to be wrong.
  assert.equal(source.state().name, 'serving');
  const state = await source.probe(300);
  assert.ok(state.name === 'away' && state.cause === 'timed-out', JSON.stringify(state));
  assert.equal(podNames(source), 'unknown');
  server.kill('SIGCONT');
  await until('serving again', () => source.state().name === 'serving');
  await until('the pods again', () => podNames(source) === 'a');
});
