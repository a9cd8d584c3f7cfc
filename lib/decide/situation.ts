// Everything one decision about one workload rests on, and the questions that several states ask of it. What always
// holds: each is answered by what was observed; an unknown is never the answer that moves something.

import type { RevisionId } from '../types/checkpoint.ts';
import type { Memory, WorkloadMemory } from '../types/memory.ts';
import type { Observation, Parent } from '../types/observation.ts';
import type { Settings } from '../types/settings.ts';
import type { WorkloadKey } from '../types/workload.ts';
import type { WorkloadFacts } from './facts.ts';
import { goesTooSoon } from './needs.ts';
import { isUp, type RunState } from './run-state.ts';

export interface Situation {
  readonly observation: Observation;
  readonly facts: WorkloadFacts;
  readonly settings: Settings;
  readonly firstBootPass: boolean;
  /** Every workload of this node lost its parent at once: a reason to hold, not to clean up (rule 8). */
  readonly allVanished: boolean;
  readonly someActive: boolean;
  readonly apiAwayMs: number;
  /** Workloads of this node that may have cost the API it is without now, see blame.ts. */
  readonly suspects: ReadonlySet<WorkloadKey>;
  /** What the kubelet does not start, see `waitingForKubelet`. */
  readonly waitingForKubelet: readonly WorkloadKey[];
  /** Whose parents the kubelet has still to begin, see `parentsToCome`. */
  readonly parentsToCome: readonly WorkloadKey[];
  /** A handover of this node has just begun, or is about to: whoever goes along now costs the API nothing more. */
  readonly handingOver: boolean;
  /** It makes containers of the API's pods, see `doesKubeletStart`. */
  readonly kubeletStarts: boolean;
  /** A parent of this node sits in a back-off that is about to be ended, see `willSomeRestart`. */
  readonly someWillRestart: boolean;
}

/** What the API, answering now, says of the parent. */
export function livingParent({
  observation,
  facts,
}: Situation): { answered: false } | { answered: true; pod: Parent | undefined } {
  if (observation.api.name !== 'serving' || !facts.parent.known) return { answered: false };
  return { answered: true, pod: facts.parent.value };
}

/** No API for so long, and over so many probes, that it is not a hiccup. */
export function outage({ observation: { api }, apiAwayMs, settings }: Situation): boolean {
  return (
    api.name === 'away' && api.failedProbes >= settings.failedProbesMin && apiAwayMs >= settings.outageMs
  );
}

/** Why the workload must be activated now although the API cannot be asked; undefined when it need not or must not. */
export function emergency(memory: WorkloadMemory, situation: Situation): string | undefined {
  const { facts, observation, settings, firstBootPass } = situation;
  // Rule 1: only a successful answer of the runtime can say that nothing runs.
  if (!facts.parentRuns.known || !facts.checkpointRuns.known || isUp(facts.checkpointRuns.value)) {
    return undefined;
  }
  const state = facts.parentRuns.value;
  const down = state === 'absent' || state === 'crashed';
  if (firstBootPass && observation.api.name === 'away' && down) {
    return 'first boot pass: nothing of it runs and no API answers';
  }
  // One that was ended has its sandbox still, and no container in it.
  const restarts = memory.ended !== undefined && !isUp(state);
  const patience = restarts ? settings.restartPatienceMs : patienceMs(state, settings);
  if (outage(situation) && memory.stoppedMs >= patience) {
    return `outage: its parent is ${wordsFor(state)} and no API answers`;
  }
  return undefined;
}

/** How long a stopped parent is left to the kubelet before its checkpoint takes over, with the API away. */
export function patienceMs(state: RunState, settings: Settings): number {
  switch (state) {
    case 'absent':
    case 'leaving':
      return 0;
    case 'crashed':
      return settings.restartPatienceMs;
    case 'starting':
    case 'limping':
      return settings.startPatienceMs;
    case 'running':
      return Number.POSITIVE_INFINITY;
  }
}

export function wordsFor(state: RunState): string {
  switch (state) {
    case 'absent':
      return 'not running';
    case 'leaving':
      return 'on its way out';
    case 'crashed':
      return 'crashing';
    case 'starting':
      return 'not getting started';
    case 'limping':
      return 'crashing in part';
    case 'running':
      return 'running';
  }
}

/** The API says Ready, and all of it has run for the settle time. */
export function runsReady(memory: WorkloadMemory, { facts, settings }: Situation, parent: Parent): boolean {
  const running = facts.parentState.known && facts.parentState.value === 'running';
  return running && parent.ready && memory.runningMs >= settings.settleMs;
}

export function revisionOf({ facts, observation }: Situation): RevisionId | undefined {
  const compiled = observation.compiled.get(facts.key);
  return compiled?.known && compiled.value.ok ? compiled.value.checkpoint.revision : undefined;
}

/** The parent is what the proven revision is: it has been seen to work. */
export function isProven(memory: WorkloadMemory, situation: Situation): boolean {
  const revision = revisionOf(situation);
  return revision !== undefined && revision === memory.proven?.revision;
}

/** After this an apiserver that was handed over serves again, or its handover failed. */
const HANDOVER_COSTS_MS = 10_000;

export function isHandingOver({ workloads }: Memory): boolean {
  return [...workloads.values()].some(
    ({ phase, restart }) =>
      (phase.name === 'handover' && phase.waited.elapsedMs < HANDOVER_COSTS_MS) ||
      (phase.name === 'active' && restart?.state === 'under-way'),
  );
}

/** The parent has been in its back-off beside the checkpoint for so long that it is started anew; each time twice as long. */
export function hasWaitedEnough(memory: WorkloadMemory, situation: Situation): boolean {
  const { settings, handingOver } = situation;
  const { backOffMs, failedHandovers } = memory;
  if (handingOver && failedHandovers === 0 && !goesTooSoon(memory, situation)) return true;
  return backOffMs >= Math.min(settings.restartPatienceMs * 2 ** failedHandovers, settings.handoverMsMax);
}

/**
 * One that sits there for longer is not given its ports, for a reason of its own: nobody waits for it. Nor for the
 * agent's own parent, which its checkpoint takes nothing from.
 */
export function willSomeRestart({ workloads }: Memory, { restartPatienceMs }: Settings): boolean {
  return [...workloads.values()].some(
    ({ phase, options, backOffMs, failedHandovers }) =>
      phase.name === 'active' &&
      options.standbyLock === undefined &&
      failedHandovers === 0 &&
      backOffMs > 0 &&
      backOffMs < restartPatienceMs,
  );
}
