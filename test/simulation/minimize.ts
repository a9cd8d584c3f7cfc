// Leaves faults out of a failing schedule, one by one, as long as the same rule is still broken.

import type { Schedule } from './faults.ts';
import { type Outcome, simulate } from './simulate.ts';

export async function minimize(
  failing: Schedule,
  failed: Outcome,
): Promise<{ readonly schedule: Schedule; readonly outcome: Outcome }> {
  let schedule = failing;
  let outcome = failed;
  const rule = ruleOf(failed);
  for (let i = schedule.faults.length - 1; i >= 0; i -= 1) {
    const fewer = { ...schedule, faults: schedule.faults.filter((_, index) => index !== i) };
    const again = await simulate(fewer);
    if (ruleOf(again) !== rule) continue;
    schedule = fewer;
    outcome = again;
    // What was needed before may not be any more.
    i = schedule.faults.length;
  }
  return { schedule, outcome };
}

function ruleOf({ failure }: Outcome): string | undefined {
  return failure?.split(':')[0];
}
