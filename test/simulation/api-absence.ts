// The rule of availability: while nothing goes wrong, and people only do what they must be able to do, the API is never
// away for long.

import type { Machine } from './machine.ts';

/** Longer than any absence in 20 000 schedules; an etcd that waits for a hanging apiserver makes a longer one. */
const AWAY_MS_MAX = 25_000;

export class ApiAbsence {
  private readonly machine: Machine;
  private readonly broken: (what: string) => void;
  private orderly = false;
  private awaySinceMs: number | undefined;

  constructor(machine: Machine, broken: (what: string) => void) {
    this.machine = machine;
    this.broken = broken;
  }

  /** From here on things go wrong, or are only what people do to a cluster in good order, as `orderly` says. */
  begin(orderly: boolean): void {
    this.orderly = orderly;
    this.awaySinceMs = undefined;
  }

  /** After every step of the world. */
  look(): void {
    if (!this.orderly) return;
    const { node, world } = this.machine;
    if (!node.powered || world.availability.answerTo(node.name) === 'serving') this.awaySinceMs = undefined;
    else this.awaySinceMs ??= world.nowMs;
    if (this.awaySinceMs === undefined || world.nowMs - this.awaySinceMs < AWAY_MS_MAX) return;
    this.broken(`nothing went wrong, and the API is away for ${AWAY_MS_MAX / 1_000} s`);
    this.orderly = false;
  }
}
