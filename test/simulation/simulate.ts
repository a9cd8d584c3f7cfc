// Plays schedules one after another on one machine: a world in peace, the faults of a schedule, then nothing but time
// until peace is back.

import { applyFault, endSchedule, heal, type Stage } from './apply-fault.ts';
import { type History, isOrderly, type Schedule } from './faults.ts';
import type { Machine } from './machine.ts';
import { unrest } from './peace.ts';
import { People } from './people.ts';
import { NeverProven, provenMachine } from './setups.ts';

/** After the last fault; the longest waits are the kubelet's back-off (300 s) and a retirement's grace. */
const PEACE_WITHIN_MS = 900_000;
const LOOK_EVERY_MS = 1_000;

export interface Outcome {
  readonly failure: string | undefined;
  /** How many schedules were begun: none follows a failure, nor an etcd that was emptied. */
  readonly played: number;
  readonly virtualMs: number;
  readonly calls: number;
  readonly story: () => string;
}

export async function simulate({ setup, schedules }: History): Promise<Outcome> {
  try {
    return await playAll(schedules, await provenMachine(setup));
  } catch (error) {
    if (!(error instanceof NeverProven)) throw error;
    return { failure: error.message, played: 1, virtualMs: 0, calls: 0, story: () => error.story };
  }
}

async function playAll(schedules: readonly Schedule[], machine: Machine): Promise<Outcome> {
  const { world, rules } = machine;
  const people = new People(world);
  const startMs = world.nowMs;
  machine.startAgent();
  let played = 0;
  for (const schedule of schedules) {
    played += 1;
    await play(schedule, machine, people);
    if (rules.failure !== undefined || rules.truth.clusterReplaced) break;
  }
  machine.agent?.kill();
  return {
    failure: rules.failure,
    played,
    virtualMs: world.nowMs - startMs,
    calls: machine.calls,
    story: () => world.story.toString(),
  };
}

async function play(schedule: Schedule, machine: Machine, people: People): Promise<void> {
  const { world, rules } = machine;
  world.random.reseed(schedule.seed);
  world.story.tell('world', `schedule ${schedule.seed}`);
  rules.absence.begin(schedule.faults.every(isOrderly));
  const startMs = world.nowMs;
  const stage = { machine, people, life: { alive: true } };
  for (const fault of schedule.faults) {
    await machine.advance(startMs + fault.atMs);
    if (rules.failure !== undefined) return;
    applyFault(fault, stage);
  }
  await untilPeace(stage, schedule);
  endSchedule(stage);
}

/** What goes wrong for a while is mended soon after the last fault, or every other time may last for longer. */
function lingeringMs({ seed, faults }: Schedule): number {
  const lastMs = faults.at(-1)?.atMs ?? 0;
  const ends = faults.map((fault) => ('forMs' in fault ? fault.atMs + fault.forMs - lastMs : 0));
  return seed % 2 === 0 ? 2_000 : Math.max(2_000, Math.min(20_000, ...ends.filter((ms) => ms > 0)));
}

async function untilPeace(stage: Stage, schedule: Schedule): Promise<void> {
  const { machine, people } = stage;
  const { world, rules } = machine;
  await machine.advance(world.nowMs + lingeringMs(schedule));
  world.story.tell('world', 'no more faults');
  heal(stage);
  const healedMs = world.nowMs;
  for (;;) {
    await machine.advance(world.nowMs + LOOK_EVERY_MS);
    if (rules.failure !== undefined) break;
    const reason = unrest(machine) ?? (people.busy ? 'people wait for the API' : undefined);
    if (reason === undefined || (rules.truth.clusterReplaced && unrest(machine) === undefined)) break;
    if (world.nowMs - healedMs < PEACE_WITHIN_MS) continue;
    rules.broken('recovery', `no peace ${PEACE_WITHIN_MS / 1_000} s after the last fault: ${reason}`);
    break;
  }
  rules.checkForeign();
}
