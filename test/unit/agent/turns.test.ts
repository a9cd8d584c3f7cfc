// The loop's own part: when a pass begins. What it sees, decides and does is tested where that is written.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from 'pino';
import type { Hands } from '../../../lib/act/carry-out.ts';
import type { Looker } from '../../../lib/agent/look.ts';
import { Loop } from '../../../lib/agent/loop.ts';
import { SPACING_MS } from '../../../lib/agent/pace.ts';
import type { Tokens } from '../../../lib/agent/tokens.ts';
import type { Memory } from '../../../lib/types/memory.ts';
import { DEFAULT_SETTINGS } from '../../../lib/types/settings.ts';
import type { StoreReader } from '../../../lib/types/store.ts';
import { Scene } from '../decide/scene.ts';

/** Node's timers count whole milliseconds, and may fire one early. */
const TIMER_GRAIN_MS = 1;

/**
 * A loop over a world that stays as it is. `onLook` is told of each pass, and when it began; what it returns is called
 * when that look has read what was heard. With `putNode` it has the record of the node to write, at every pass.
 */
function loopOver(
  onLook: (loop: Loop, beganMs: number) => unknown,
  putNode?: Hands['store']['putNode'],
): Loop {
  const seen = new Scene().pass().observation;
  const observation = putNode === undefined ? seen : { ...seen, storedNode: {} };
  const say = () => undefined;
  const loop: Loop = new Loop({
    looker: {
      look: async (_memory: Memory, _store: StoreReader, onReading: () => void) => {
        const after = onLook(loop, performance.now());
        onReading();
        if (typeof after === 'function') after();
        return observation;
      },
    } as unknown as Looker,
    tokens: {} as Tokens,
    hands: { store: { workloads: () => [], node: () => ({}), putNode } } as unknown as Hands,
    settings: DEFAULT_SETTINGS,
    log: { debug: say, info: say, warn: say, error: say } as unknown as Logger,
  });
  return loop;
}

test('passes keep their distance, however often something is heard', async () => {
  const beganMs: number[] = [];
  const loop = loopOver((self, nowMs) => {
    beganMs.push(nowMs);
    for (let i = 0; i < 5; i += 1) self.kick();
    if (beganMs.length === 6) self.stop();
  });
  const startedMs = performance.now();
  await loop.run();
  // A busy machine may hold up a look after its pass has begun, which makes the gap between two looks any length: what
  // holds on every machine is that no look comes before its turn, counted from the start.
  assert.equal(beganMs.length, 6);
  for (const [turn, ms] of beganMs.entries())
    assert.ok(ms - startedMs >= turn * (SPACING_MS - TIMER_GRAIN_MS), `turn ${turn}: ${ms - startedMs} ms`);
});

test('what is heard long after a pass is looked at without waiting for the next turn', async () => {
  let passes = 0;
  const loop = loopOver((self) => {
    passes += 1;
    // At rest the next turn comes after four seconds.
    if (passes === 1) setTimeout(() => self.kick(), 2 * SPACING_MS);
    else self.stop();
  });
  const beganMs = performance.now();
  await loop.run();
  assert.equal(passes, 2);
  assert.ok(performance.now() - beganMs < 3_000);
});

/** At rest the next turn comes after four seconds: what comes within this came for a reason. */
const SOON_MS = 10 * SPACING_MS;

test('what is heard before a look reads it makes no pass of its own; what is heard after that does', async () => {
  let passes = 0;
  const loop = loopOver((self) => {
    passes += 1;
    self.heard();
    if (passes === 1) setTimeout(() => self.stop(), SOON_MS);
  });
  await loop.run();
  assert.equal(passes, 1);

  passes = 0;
  const other = loopOver((self) => {
    passes += 1;
    if (passes === 2) self.stop();
    return () => self.heard();
  });
  const beganMs = performance.now();
  await other.run();
  assert.equal(passes, 2);
  assert.ok(performance.now() - beganMs < 3_000);
});

test('a record that was written is nothing to look at, unless another was asked for meanwhile', async () => {
  let passes = 0;
  const alone = loopOver(
    (self) => {
      passes += 1;
      if (passes === 1) setTimeout(() => self.stop(), SOON_MS);
    },
    async () => undefined,
  );
  await alone.run();
  assert.equal(passes, 1);

  let written = (): void => undefined;
  passes = 0;
  const asked = loopOver(
    (self) => {
      passes += 1;
      if (passes === 1) self.kick();
      // This one asks for the record, too, and finds it being written.
      if (passes === 2) setTimeout(() => written(), SPACING_MS);
      if (passes < 3) return;
      self.stop();
      setTimeout(() => written(), 0);
    },
    () => new Promise((resolve) => (written = resolve)),
  );
  const beganMs = performance.now();
  await asked.run();
  assert.equal(passes, 3);
  assert.ok(performance.now() - beganMs < 3_000);
});
