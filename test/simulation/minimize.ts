// Leaves schedules and faults out of what led to a failure, one by one, as long as the same rule is still broken.

import type { History } from './faults.ts';
import { type Outcome, simulate } from './simulate.ts';

export interface Least {
  readonly history: History;
  readonly outcome: Outcome;
}

/** `history` ends with the schedule that failed. */
export async function minimize(history: History, failed: Outcome): Promise<Least> {
  const rule = ruleOf(failed);
  let least: Least = { history, outcome: failed };
  for (;;) {
    const shorter = await firstThatFails(fewer(least.history), rule);
    if (shorter === undefined) return least;
    // What was needed before may not be any more.
    least = shorter;
  }
}

async function firstThatFails(
  histories: Iterable<History>,
  rule: string | undefined,
): Promise<Least | undefined> {
  for (const history of histories) {
    const outcome = await simulate(history);
    if (ruleOf(outcome) === rule) return { history, outcome };
  }
  return undefined;
}

/** The boldest first. The last schedule is the one that fails; the others are its past. */
function* fewer({ setup, schedules }: History): Generator<History> {
  const past = schedules.slice(0, -1);
  if (past.length > 0) yield { setup, schedules: schedules.slice(-1) };
  for (const left of past) yield { setup, schedules: schedules.filter((other) => other !== left) };
  for (const schedule of schedules) {
    for (const left of schedule.faults) {
      const less = { ...schedule, faults: schedule.faults.filter((other) => other !== left) };
      yield { setup, schedules: schedules.map((other) => (other === schedule ? less : other)) };
    }
  }
}

function ruleOf({ failure }: Outcome): string | undefined {
  return failure?.split(':')[0];
}
