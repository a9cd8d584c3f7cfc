// The age of a container, whatever was done to the wall clock: a parent that has met the bound ports must not be taken
// for one that has just begun, nor the other way round.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContainerAges } from '../../../lib/agent/container-ages.ts';
import type { RuntimeView } from '../../../lib/types/observation.ts';

/** A runtime with one container, made at some time of the monotonic clock and stamped with the wall clock of then. */
class Machine {
  readonly ages = new ContainerAges();
  nowMs = 10_000;
  /** What is added to the monotonic clock to get the wall clock. */
  wallOffsetMs = 1_000_000;
  #stampMs: number | undefined;

  make(): void {
    this.#stampMs = this.nowMs + this.wallOffsetMs;
  }

  /** The age of the container at a look that takes no time; undefined when it shows none. */
  lookAfter(ms: number): number | undefined {
    this.nowMs += ms;
    const wallClockMs = this.nowMs + this.wallOffsetMs;
    const view = this.ages.correct(this.#view(), { askedAtMs: this.nowMs, nowMs: this.nowMs, wallClockMs });
    const container = view.pods[0]?.containers[0];
    return container === undefined ? undefined : wallClockMs - container.createdAtMs;
  }

  #view(): RuntimeView {
    const createdAtMs = this.#stampMs;
    const containers =
      createdAtMs === undefined
        ? []
        : [{ id: 'c1', name: 'main', state: 'running' as const, attempt: 0, createdAtMs }];
    const pod = { namespace: 'n', name: 'p', uid: 'u', sandboxId: 's', sandboxReady: true, createdAtMs: 0 };
    return { pods: [{ ...pod, labels: {}, annotations: {}, containers }], images: new Set() };
  }
}

test('without a jump the runtime’s own word stands, to the millisecond', () => {
  const machine = new Machine();
  machine.lookAfter(0);
  machine.nowMs += 30;
  machine.make();
  assert.equal(machine.lookAfter(20), 20);
  assert.equal(machine.lookAfter(5_000), 5_020);
});

for (const jumpMs of [-3_600_000, 3_600_000]) {
  test(`a clock that jumps by ${jumpMs / 3_600_000} h while a container runs leaves its age within what was seen`, () => {
    const machine = new Machine();
    machine.lookAfter(0);
    machine.nowMs += 30;
    machine.make();
    machine.lookAfter(20);
    machine.wallOffsetMs += jumpMs;
    const ageMs = machine.lookAfter(1_000) ?? Number.NaN;
    assert.ok(ageMs >= 1_000 && ageMs <= 1_050, `${ageMs} ms`);
  });

  test(`a clock that jumps by ${jumpMs / 3_600_000} h between a container's start and the look that shows it first`, () => {
    const machine = new Machine();
    machine.lookAfter(0);
    machine.make();
    machine.wallOffsetMs += jumpMs;
    const ageMs = machine.lookAfter(50) ?? Number.NaN;
    assert.ok(ageMs >= 0 && ageMs <= 50, `${ageMs} ms`);
  });
}

test('what the first look of a process finds is as old as the runtime says', () => {
  const machine = new Machine();
  machine.make();
  assert.equal(machine.lookAfter(100), 100);
});

test('what the first look finds with a stamp from the future is old: the clock jumped back', () => {
  const machine = new Machine();
  machine.make();
  machine.wallOffsetMs -= 3_600_000;
  assert.equal(machine.lookAfter(100), Number.POSITIVE_INFINITY);
});

test('a look that took long does not make a container older than the look before it allows', () => {
  const machine = new Machine();
  machine.lookAfter(0);
  machine.wallOffsetMs += 5_000;
  machine.make();
  machine.wallOffsetMs += 5_000;
  assert.equal(machine.lookAfter(700), 700);
});
