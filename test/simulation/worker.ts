// A process that does nothing but simulate what it is asked to (WorkerTask, as JSON in its first argument), and tells
// of it in JSON lines (WorkerMessage). Its timers are virtual, which is why it is a process of its own.

import { describe } from './apply-fault.ts';
import type { Schedule } from './faults.ts';
import { minimize } from './minimize.ts';
import { scheduleOf, simulate } from './simulate.ts';
import { installVirtualTimers } from './virtual-timers.ts';
import type { WorkerMessage, WorkerTask } from './worker-task.ts';

const realNowMs = performance.now.bind(performance);
const TELL_EVERY_MS = 1_000;

async function work({ first, count, step, known, untilFailure, isolate }: WorkerTask): Promise<void> {
  function* schedules(): Generator<Schedule> {
    yield* known;
    for (let i = 0; i < count; i += 1) yield scheduleOf(first + i * step);
  }
  let done = 0;
  let virtualMs = 0;
  let calls = 0;
  let toldMs = realNowMs();
  for (const schedule of schedules()) {
    const outcome = await simulate(schedule);
    done += 1;
    virtualMs += outcome.virtualMs;
    calls += outcome.calls;
    if (outcome.failure !== undefined) {
      const { seed } = schedule;
      const least = isolate ? await minimize(schedule, outcome) : { schedule, outcome };
      const faults = least.schedule.faults.map((fault) => `${fault.atMs} ms: ${describe(fault)}`);
      const [failure, story] = [least.outcome.failure ?? outcome.failure, least.outcome.story()];
      tell({ type: 'failure', seed, setup: schedule.setup, failure, faults, story });
      if (untilFailure) break;
    }
    if (realNowMs() - toldMs < TELL_EVERY_MS) continue;
    toldMs = realNowMs();
    tell({ type: 'progress', done });
  }
  tell({ type: 'end', done, virtualMs, calls, cpuMs: process.cpuUsage().user / 1_000 });
}

function tell(message: WorkerMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

installVirtualTimers();
// A model disk throws thousands of errors that are answers, such as ENOENT; nobody reads where they came from.
Error.stackTraceLimit = 0;
await work(JSON.parse(process.argv[2] ?? '{}') as WorkerTask);
