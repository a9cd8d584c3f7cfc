// What can go wrong, as plain values that are drawn from a seed before anything happens: a history can be told, and
// played again with fewer of them. Each carries its own chance, so that leaving one out changes no other.

import { type Random, seededRandom } from '../world/random.ts';
import type { SetupName } from './setups.ts';
import { AGENT, coreOf, EXTRA } from './workload-names.ts';

export type Fault = { readonly atMs: number } & (
  | { readonly type: 'power-loss'; readonly offMs: number; readonly agentMs: number }
  /** At one of the agent's calls to come. */
  | {
      readonly type: 'power-loss-at-call';
      readonly calls: number;
      readonly of: Call;
      readonly offMs: number;
      readonly agentMs: number;
    }
  | { readonly type: 'agent-crash'; readonly downMs: number }
  | {
      readonly type: 'agent-crash-at-call';
      readonly calls: number;
      readonly of: Call;
      readonly downMs: number;
    }
  | { readonly type: 'network-cut'; readonly forMs: number }
  | { readonly type: 'api-frozen'; readonly forMs: number }
  | { readonly type: 'api-denies'; readonly forMs: number; readonly status: 401 | 403 }
  | { readonly type: 'controllers-forbidden'; readonly forMs: number }
  | { readonly type: 'runtime-silent'; readonly forMs: number }
  | { readonly type: 'runtime-stopped'; readonly forMs: number }
  | { readonly type: 'disk-error'; readonly forMs: number; readonly code: 'ENOSPC' | 'EIO' | 'EROFS' }
  | { readonly type: 'disk-slow'; readonly forMs: number; readonly fsyncMs: number }
  | { readonly type: 'clock-jump'; readonly offsetMs: number }
  | { readonly type: 'kubelet-restart'; readonly downMs: number }
  | { readonly type: 'update'; readonly workload: string; readonly content: Content }
  | { readonly type: 'secret-change'; readonly workload: string }
  | { readonly type: 'pod-deleted'; readonly workload: string }
  | { readonly type: 'container-killed'; readonly workload: string }
  | { readonly type: 'daemonset-deleted'; readonly workload: string; readonly againMs: number | undefined }
  /** The node loses its role's label for a while: nothing of the control plane is wanted on it. */
  | { readonly type: 'role-removed'; readonly forMs: number }
  | { readonly type: 'etcd-emptied' }
);

/** Calls of the agent by name: those that change something are where an end leaves half of a deed. */
const CALLS = ['unlink', 'fsync', 'rename', 'write', 'unlinkNow', 'stopSandbox'] as const;
export type Call = (typeof CALLS)[number] | 'any';

/** `bad` dies at once, `leaky` after some seconds of service, `missing` has an image that nobody has. */
export type Content = 'good' | 'bad' | 'leaky' | 'missing';

export interface Schedule {
  readonly seed: number;
  /** Their times count from its beginning. */
  readonly faults: readonly Fault[];
}

/** What people do to a cluster, and must be able to, with nothing wrong. */
export function isOrderly(fault: Fault): boolean {
  return (
    fault.type === 'power-loss' ||
    fault.type === 'secret-change' ||
    (fault.type === 'update' && fault.content === 'good')
  );
}

/** Schedules on one machine, one after another. */
export interface History {
  readonly setup: SetupName;
  readonly schedules: readonly Schedule[];
}

/**
 * So many on one machine, each once there is peace again: what the earlier ones left (revisions, back-offs, ages) is part
 * of what a later one meets. And of eight agents that start only to find all in order, seven are saved.
 */
export const SCHEDULES_A_MACHINE = 8;

/** Seeds count from 1, machines from 0. */
export function machineOf(seed: number): number {
  return Math.floor((seed - 1) / SCHEDULES_A_MACHINE);
}

/** What a machine goes through, up to the seed `last`. */
export function drawHistory(machine: number, last: number): History {
  const first = machine * SCHEDULES_A_MACHINE + 1;
  const setups: readonly SetupName[] = ['usual', 'old', 'five', 'sharing', 'pod', 'outside'];
  const setup = setups[Math.floor(seededRandom(first).next() * setups.length)] ?? 'usual';
  const count = Math.min(SCHEDULES_A_MACHINE, last - first + 1);
  const schedules = Array.from({ length: count }, (_, i) => drawSchedule(first + i, setup));
  return { setup, schedules };
}

/** How many faults a schedule has: where there are many, each is less to be seen. */
const COUNTS: Weights<number> = [
  [1, 35],
  [2, 30],
  [3, 20],
  [4, 10],
  [5, 5],
];
const SPAN_MS_MAX = 40_000;

function drawSchedule(seed: number, setup: SetupName): Schedule {
  const random = seededRandom(seed);
  const count = weighted(COUNTS, random);
  const spanMs = random.between(2_000, SPAN_MS_MAX);
  const faults: Fault[] = [];
  for (let i = 0; i < count; i += 1) {
    // Close together every other time: a fault in the middle of another's recovery is where the trouble is.
    const last = faults.at(-1)?.atMs ?? 0;
    const atMs = random.next() < 0.5 ? last + random.between(0, 8_000) : random.between(0, spanMs);
    faults.push(drawFault(Math.round(atMs), setup, random));
  }
  return { seed, faults: faults.filter(bearable(faults)).sort((a, b) => a.atMs - b.atMs) };
}

/** Somewhat less than the grace that the agent gives. */
const GRACE_MS = 100_000;

/**
 * That nothing is wanted on a node for longer than grace is a decision, and followed, but where everything is gone at
 * once. If a part of it was gone before, what stays gone is a person's doing, and not the agent's to mend.
 */
function bearable(faults: readonly Fault[]): (fault: Fault) => boolean {
  const long = faults.find((fault) => fault.type === 'role-removed' && fault.forMs > GRACE_MS);
  if (long === undefined) return () => true;
  const byPeople: readonly Fault['type'][] = ['update', 'pod-deleted', 'daemonset-deleted', 'role-removed'];
  return (fault) => fault === long || !byPeople.includes(fault.type);
}

const TYPES: Weights<Fault['type']> = [
  ['power-loss', 10],
  ['power-loss-at-call', 6],
  ['agent-crash', 4],
  ['agent-crash-at-call', 6],
  ['network-cut', 3],
  ['api-frozen', 2],
  ['api-denies', 2],
  ['controllers-forbidden', 2],
  ['runtime-silent', 4],
  ['runtime-stopped', 2],
  ['disk-error', 3],
  ['disk-slow', 3],
  ['clock-jump', 2],
  ['kubelet-restart', 3],
  ['update', 10],
  ['secret-change', 4],
  ['pod-deleted', 6],
  ['container-killed', 4],
  ['daemonset-deleted', 3],
  ['role-removed', 1],
  ['etcd-emptied', 1],
];

type Weights<Value> = readonly (readonly [Value, number])[];

function weighted<Value>(weights: Weights<Value>, random: Random): Value {
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  let left = random.next() * total;
  for (const [value, weight] of weights) {
    left -= weight;
    if (left < 0) return value;
  }
  throw new Error('no weights to draw from');
}

function drawFault(atMs: number, setup: SetupName, random: Random): Fault {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] as T;
  const ms = (low: number, high: number): number => Math.round(random.between(low, high));
  const beside = setup === 'five' ? [EXTRA] : setup === 'pod' ? [AGENT] : [];
  const workload = pick([...coreOf(setup === 'outside'), ...beside]);
  const type = weighted(TYPES, random);
  const forMs = ms(500, random.next() < 0.3 ? 60_000 : 8_000);
  const call: { of: Call; calls: number } =
    random.next() < 0.5 ? { of: 'any', calls: ms(1, 200) } : { of: pick(CALLS), calls: ms(1, 5) };
  const power = { offMs: ms(200, 5_000), agentMs: ms(100, 6_000) };
  switch (type) {
    case 'power-loss':
      return { type, atMs, ...power };
    case 'power-loss-at-call':
      return { type, atMs, ...power, ...call };
    case 'agent-crash':
      return { type, atMs, downMs: ms(200, 8_000) };
    case 'agent-crash-at-call':
      return { type, atMs, downMs: ms(200, 8_000), ...call };
    case 'network-cut':
    case 'api-frozen':
    case 'runtime-silent':
    case 'runtime-stopped':
      return { type, atMs, forMs };
    case 'controllers-forbidden':
      return { type, atMs, forMs: ms(10_000, 240_000) };
    case 'api-denies':
      return { type, atMs, forMs, status: pick([401, 403]) };
    case 'disk-error':
      return { type, atMs, forMs, code: pick(['ENOSPC', 'EIO', 'EROFS']) };
    case 'disk-slow':
      return { type, atMs, forMs, fsyncMs: ms(20, 800) };
    case 'clock-jump':
      return { type, atMs, offsetMs: ms(-1e9, 1e9) };
    case 'kubelet-restart':
      // Its unit starts it again after 10 s, a person at once.
      return { type, atMs, downMs: ms(200, 12_000) };
    case 'update': {
      // README.md: an agent that takes the guard's place and then dies, again and again, is a known hole.
      const contents: Content[] = ['good', 'good', 'bad', 'missing', workload === AGENT ? 'good' : 'leaky'];
      return { type, atMs, workload, content: pick(contents) };
    }
    case 'daemonset-deleted': {
      // Grace is for such mistakes: a control plane without its controller-manager is nobody's to mend but a person's.
      const forGood = workload === EXTRA && random.next() < 0.7;
      return { type, atMs, workload, againMs: forGood ? undefined : ms(1_000, GRACE_MS) };
    }
    case 'role-removed':
      return { type, atMs, forMs: ms(5_000, setup === 'five' ? GRACE_MS : 240_000) };
    case 'etcd-emptied':
      return { type, atMs };
    default:
      return { type, atMs, workload };
  }
}
