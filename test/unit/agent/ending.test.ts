// When a guard that was told to go does go.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Ending } from '../../../lib/agent/ending.ts';
import type { Memory } from '../../../lib/types/memory.ts';
import { inHandover, recovered } from '../decide/handover-stage.ts';
import { AGENT, APISERVER } from '../decide/pods.ts';
import { Scene } from '../decide/scene.ts';

const LEAVE = { listenMs: 1_000, withinMs: 8_000 };

/** When it would go, looked at every 100 ms for ten seconds after it was told to. */
function goesAtMs(t: TestContext, memoryAt: (ms: number) => Memory): number | undefined {
  let nowMs = 5_000;
  t.mock.method(performance, 'now', () => nowMs);
  const ending = new Ending();
  assert.equal(ending.mayGo(memoryAt(0)), false, 'nobody told it to');
  assert.equal(ending.listensForMs(), Number.POSITIVE_INFINITY);
  ending.begin(LEAVE);
  for (let ms = 0; ms <= 10_000; ms += 100, nowMs += 100) if (ending.mayGo(memoryAt(ms))) return ms;
  return undefined;
}

const atRest = () => new Scene().with(APISERVER).run(1_000).memory;

function leaving(): Memory {
  const scene = new Scene().with(APISERVER);
  const living = scene.parent(APISERVER);
  living.parent = { ...living.parent, deleting: true };
  return scene.run(200).memory;
}

test('at rest it listens for a while and goes', (t) => {
  assert.equal(goesAtMs(t, atRest), 1_000);
});

test('what it hears meanwhile, that a parent is to end, it sees to; but not for longer than it has', (t) => {
  const before = atRest();
  const heard = leaving();
  const after = atRest();
  const memoryAt = (ms: number): Memory => (ms < 500 ? before : ms < 3_000 ? heard : after);
  assert.equal(goesAtMs(t, memoryAt), 3_000);
  t.mock.restoreAll();
  assert.equal(
    goesAtMs(t, () => heard),
    8_000,
  );
});

test('it goes in the middle of nothing: neither of a handover, nor beside a checkpoint that does the work', (t) => {
  for (const scene of [inHandover(), recovered()]) {
    t.mock.restoreAll();
    assert.equal(
      goesAtMs(t, () => scene.memory),
      8_000,
    );
  }
});

test('its own checkpoint, which is always active, and its own pod, which is deleted, keep it from nothing', (t) => {
  const scene = new Scene().with(AGENT, { standbyLock: true });
  scene.run(1_000);
  assert.equal(scene.phase(AGENT), 'active');
  const living = scene.parent(AGENT);
  living.parent = { ...living.parent, deleting: true };
  scene.run(200);
  assert.equal(scene.workload(AGENT)?.leavingUid, living.parent.uid);
  assert.equal(
    goesAtMs(t, () => scene.memory),
    1_000,
  );
});

test('told again in a shorter way, the shorter holds', (t) => {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const ending = new Ending();
  ending.begin({ listenMs: 1_000, withinMs: 120_000 });
  ending.begin(LEAVE);
  assert.equal(ending.listensForMs(), 1_000);
  nowMs = 8_000;
  assert.equal(ending.mayGo(inHandover().memory), true);
});
