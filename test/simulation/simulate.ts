// Plays one schedule: a world in peace, the faults one after another, then nothing but time until peace is back.

import { seededRandom } from '../world/random.ts';
import { applyFault, heal } from './apply-fault.ts';
import { drawSchedule, type Schedule } from './faults.ts';
import type { Machine } from './machine.ts';
import { unrest } from './peace.ts';
import { People } from './people.ts';
import { NeverProven, provenMachine } from './setups.ts';

/** After the last fault; the longest waits are the kubelet's back-off (300 s) and a retirement's grace. */
const PEACE_WITHIN_MS = 900_000;
const LOOK_EVERY_MS = 1_000;
/** By then a person has read what the agent says of it. */
const UPDATED_AGAIN_MS = 90_000;

export interface Outcome {
  readonly failure: string | undefined;
  /** Between the last fault and peace. */
  readonly peaceMs: number;
  readonly virtualMs: number;
  readonly calls: number;
  readonly story: () => string;
}

export function scheduleOf(seed: number): Schedule {
  return drawSchedule(seed, seededRandom(seed));
}

export async function simulate(schedule: Schedule): Promise<Outcome> {
  try {
    return await play(schedule, await provenMachine(schedule.setup));
  } catch (error) {
    if (!(error instanceof NeverProven)) throw error;
    return { failure: error.message, peaceMs: 0, virtualMs: 0, calls: 0, story: () => error.story };
  }
}

async function play(schedule: Schedule, machine: Machine): Promise<Outcome> {
  const { world, rules } = machine;
  const people = new People(world);
  world.random.reseed(schedule.seed);
  const startMs = world.nowMs;
  machine.startAgent();
  for (const fault of schedule.faults) {
    await machine.advance(startMs + fault.atMs);
    if (rules.failure !== undefined) break;
    applyFault(fault, machine, people);
  }
  const peaceMs = rules.failure === undefined ? await untilPeace(machine, people, schedule) : 0;
  machine.agent?.kill();
  return {
    failure: rules.failure,
    peaceMs,
    virtualMs: world.nowMs - startMs,
    calls: machine.calls,
    story: () => world.story.toString(),
  };
}

/** What goes wrong for a while is mended soon after the last fault, or every other time may last for longer. */
function lingeringMs({ seed, faults }: Schedule): number {
  const lastMs = faults.at(-1)?.atMs ?? 0;
  const ends = faults.map((fault) => ('forMs' in fault ? fault.atMs + fault.forMs - lastMs : 0));
  return seed % 2 === 0 ? 2_000 : Math.max(2_000, Math.min(20_000, ...ends.filter((ms) => ms > 0)));
}

async function untilPeace(machine: Machine, people: People, schedule: Schedule): Promise<number> {
  const { world, rules } = machine;
  await machine.advance(world.nowMs + lingeringMs(schedule));
  world.story.tell('world', 'no more faults');
  heal(machine, people);
  if (schedule.faults.some(({ type }) => type === 'container-killed'))
    world.schedule.after(UPDATED_AGAIN_MS, () => people.updateAgain());
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
  return world.nowMs - healedMs;
}
