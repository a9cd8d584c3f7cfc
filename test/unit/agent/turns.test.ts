// The loop's own part: when a pass begins. What it sees, decides and does is tested where that is written.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Logger } from 'pino';
import type { Hands } from '../../../lib/act/carry-out.ts';
import type { Looker } from '../../../lib/agent/look.ts';
import { Loop } from '../../../lib/agent/loop.ts';
import { SPACING_MS } from '../../../lib/agent/pace.ts';
import type { Tokens } from '../../../lib/agent/tokens.ts';
import { DEFAULT_SETTINGS } from '../../../lib/types/settings.ts';
import { Scene } from '../decide/scene.ts';

/** Node's timers count whole milliseconds, and may fire one early. */
const TIMER_GRAIN_MS = 1;

/** A loop over a world that stays as it is; `onLook` is told of each pass, and when it began. */
function loopOver(onLook: (loop: Loop, beganMs: number) => void): Loop {
  const { observation } = new Scene().pass();
  const say = () => undefined;
  const loop: Loop = new Loop({
    looker: {
      look: async () => {
        onLook(loop, performance.now());
        return observation;
      },
    } as unknown as Looker,
    tokens: {} as Tokens,
    hands: { store: { workloads: () => [], node: () => ({}) } } as unknown as Hands,
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
  await loop.run();
  const gaps = beganMs.slice(1).map((ms, i) => ms - (beganMs[i] ?? 0));
  assert.equal(gaps.length, 5);
  assert.ok(
    gaps.every((gap) => gap >= SPACING_MS - TIMER_GRAIN_MS),
    `${gaps}`,
  );
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
