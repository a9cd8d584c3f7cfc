// A process that does nothing but simulate: `worker SEED COUNT STEP`, seeds SEED, SEED + STEP, …. Prints one JSON line
// for each failure, and one now and then of how far it is.

import { scheduleOf, simulate } from './simulate.ts';
import { installVirtualTimers } from './virtual-timers.ts';

const realNowMs = performance.now.bind(performance);
installVirtualTimers();
// A model disk throws thousands of errors that are answers, such as ENOENT.
Error.stackTraceLimit = 0;
const [first = 1, count = 1, step = 1] = process.argv.slice(2).map(Number);
const began = realNowMs();
let failures = 0;
let virtualMs = 0;
let calls = 0;
for (let i = 0; i < count; i += 1) {
  const seed = first + i * step;
  const outcome = await simulate(scheduleOf(seed));
  virtualMs += outcome.virtualMs;
  calls += outcome.calls;
  if (outcome.failure !== undefined) {
    failures += 1;
    console.log(JSON.stringify({ seed, failure: outcome.failure }));
    if (count === 1) console.log(outcome.story());
  }
}
const ms = realNowMs() - began;
console.log(
  JSON.stringify({
    count,
    failures,
    ms: Math.round(ms),
    cpuEach: process.cpuUsage().user / 1000 / count,
    virtualS: virtualMs / count / 1000,
    calls: calls / count,
  }),
);
