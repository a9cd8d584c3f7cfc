// A process that does nothing but simulate what it is asked to (WorkerTask, as JSON in its first argument), and tells
// of it in JSON lines (WorkerMessage). Its timers are virtual, which is why it is a process of its own.

import { describe } from './apply-fault.ts';
import { drawHistory, type History, machineOf } from './faults.ts';
import { minimize } from './minimize.ts';
import { type Outcome, simulate } from './simulate.ts';
import { installVirtualTimers } from './virtual-timers.ts';
import type { Failure, WorkerMessage, WorkerTask } from './worker-task.ts';

const realNowMs = performance.now.bind(performance);
const TELL_EVERY_MS = 1_000;

async function work({ firstMachine, step, last, known, untilFailure, isolate }: WorkerTask): Promise<void> {
  function* histories(): Generator<History> {
    yield* known;
    for (let machine = firstMachine; machine <= machineOf(last); machine += step)
      yield drawHistory(machine, last);
  }
  let done = 0;
  let virtualMs = 0;
  let calls = 0;
  let toldMs = realNowMs();
  for (const { setup, schedules } of histories()) {
    for (let next = 0; next < schedules.length; ) {
      const history = { setup, schedules: schedules.slice(next) };
      const outcome = await simulate(history);
      next += outcome.played;
      done += outcome.played;
      virtualMs += outcome.virtualMs;
      calls += outcome.calls;
      if (outcome.failure !== undefined) {
        tell({ type: 'failure', ...(await failureOf(history, outcome, isolate)) });
        if (untilFailure) return end();
      }
      if (realNowMs() - toldMs < TELL_EVERY_MS) continue;
      toldMs = realNowMs();
      tell({ type: 'progress', done });
    }
  }
  end();

  function end(): void {
    tell({ type: 'end', done, virtualMs, calls, cpuMs: process.cpuUsage().user / 1_000 });
  }
}

async function failureOf({ setup, schedules }: History, failed: Outcome, isolate: boolean): Promise<Failure> {
  const history = { setup, schedules: schedules.slice(0, failed.played) };
  const least = isolate ? await minimize(history, failed) : { history, outcome: failed };
  const faults = least.history.schedules.flatMap((schedule) =>
    schedule.faults.map((fault) => `${schedule.seed}: ${fault.atMs} ms: ${describe(fault)}`),
  );
  const { failure = '', story } = least.outcome;
  return { seed: history.schedules.at(-1)?.seed ?? 0, setup, failure, faults, story: story() };
}

function tell(message: WorkerMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

installVirtualTimers();
// A model disk throws thousands of errors that are answers, such as ENOENT; nobody reads where they came from.
Error.stackTraceLimit = 0;
await work(JSON.parse(process.argv[2] ?? '{}') as WorkerTask);
