// Runs schedules in worker processes, several at a time, and puts together what they tell.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type History, machineOf } from './faults.ts';
import type { Failure, WorkerMessage, WorkerTask } from './worker-task.ts';

export interface Run {
  readonly done: number;
  readonly failures: readonly Failure[];
  readonly virtualMs: number;
  readonly calls: number;
  readonly cpuMs: number;
}

export interface RunOptions {
  /** The bundled worker. */
  readonly worker: string;
  /** The seeds from here on; those before it on the same machine are played, too. */
  readonly first: number;
  readonly count: number;
  readonly processes: number;
  /** Played before them, by the first process. */
  readonly known?: readonly History[];
  readonly untilFailure?: boolean;
  readonly isolate?: boolean;
  readonly onFailure?: (failure: Failure) => void;
  readonly onProgress?: (done: number, failures: number) => void;
}

/** Errors: a worker ended otherwise than by having done its part. */
export async function runSchedules(options: RunOptions): Promise<Run> {
  const { first, count, processes, known = [], untilFailure = false, isolate = true } = options;
  const done = new Array<number>(processes).fill(0);
  const failures: Failure[] = [];
  const sum = { virtualMs: 0, calls: 0, cpuMs: 0 };
  const hear = (which: number, message: WorkerMessage): void => {
    if (message.type === 'failure') {
      failures.push(message);
      options.onFailure?.(message);
    } else {
      done[which] = message.done;
    }
    if (message.type === 'end') {
      sum.virtualMs += message.virtualMs;
      sum.calls += message.calls;
      sum.cpuMs += message.cpuMs;
    }
    options.onProgress?.(total(done), failures.length);
  };
  const workers = done.map((_, i) => {
    const own = i === 0 ? known : [];
    const machines = { firstMachine: machineOf(first) + i, step: processes, last: first + count - 1 };
    return runWorker(options.worker, { ...machines, known: own, untilFailure, isolate }, (message) =>
      hear(i, message),
    );
  });
  await Promise.all(workers);
  return { done: total(done), failures, ...sum };
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

/**
 * Young objects are all there is, and a larger nursery halves the time spent on them. Each processor has a worker of its
 * own, so that helper threads would only be in each other's way.
 */
const NODE_FLAGS = ['--max-semi-space-size=64', '--single-threaded'];

async function runWorker(
  worker: string,
  task: WorkerTask,
  hear: (message: WorkerMessage) => void,
): Promise<void> {
  const child = spawn(process.execPath, [...NODE_FLAGS, worker, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let complete = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const message = JSON.parse(line) as WorkerMessage;
    complete ||= message.type === 'end';
    hear(message);
  }
  const code = await ended;
  if (code !== 0 || !complete) throw new Error(`a worker of the simulation ended with ${code}: ${worker}`);
}
