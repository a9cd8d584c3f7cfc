// Time as the state machine counts it: each pass adds what went by since the last one to the timers whose condition
// holds. What always holds: an unknown neither adds nor resets.

import type { WorkloadMemory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';
import type { WorkloadFacts } from './facts.ts';
import { having, without } from './moves.ts';
import { isUp } from './run-state.ts';

/** The memory of a workload with this pass's time counted in, and without the last pass's note. */
export function passTime(
  before: WorkloadMemory,
  facts: WorkloadFacts,
  observation: Observation,
): WorkloadMemory {
  const dt = observation.sinceLastPassMs;
  const memory = withEmptySandbox(without(before, 'note'), facts, dt);
  return having(memory, {
    runningMs: running(memory, facts, dt),
    stoppedMs: stopped(memory, facts, dt),
    downMs: down(memory, facts, dt),
    unservedMs: unserved(memory, facts, observation, dt),
    backOffMs: backOff(memory, facts, dt),
  });
}

/** A sandbox that is seen for the first time may have been made at any moment since the last pass. */
function withEmptySandbox(memory: WorkloadMemory, facts: WorkloadFacts, dt: number): WorkloadMemory {
  if (!facts.parentRuns.known) return memory;
  const empty = facts.parentPods.find(({ pod }) => pod.sandboxReady && pod.containers.length === 0);
  if (empty === undefined) return without(memory, 'emptySandbox');
  const { sandboxId: id } = empty.pod;
  const ms = memory.emptySandbox?.id === id ? memory.emptySandbox.ms + dt : 0;
  return { ...memory, emptySandbox: { id, ms } };
}

function running({ runningMs }: WorkloadMemory, { parentRuns }: WorkloadFacts, dt: number): number {
  if (!parentRuns.known) return runningMs;
  return parentRuns.value === 'running' ? runningMs + dt : 0;
}

/** A crash loop's back-offs are longer than any patience here, so every stop is counted by itself. */
function stopped({ stoppedMs }: WorkloadMemory, { parentRuns }: WorkloadFacts, dt: number): number {
  if (!parentRuns.known) return stoppedMs;
  return parentRuns.value === 'running' ? 0 : stoppedMs + dt;
}

/** Parent and checkpoint together. */
function down({ downMs }: WorkloadMemory, { parentRuns, checkpointRuns }: WorkloadFacts, dt: number): number {
  if (!parentRuns.known || !checkpointRuns.known) return downMs;
  return isUp(parentRuns.value) || isUp(checkpointRuns.value) ? 0 : downMs + dt;
}

function backOff(memory: WorkloadMemory, { parentState }: WorkloadFacts, dt: number): number {
  if (!parentState.known) return memory.backOffMs;
  return parentState.value === 'crashed' ? memory.backOffMs + dt : 0;
}

/**
 * A running parent that is not ready yet neither adds nor resets: a crash loop runs for moments, too. So does another
 * pod of the workload, such as the one before it during a surge, or one that takes long to end: it does the work still.
 */
function unserved(
  memory: WorkloadMemory,
  facts: WorkloadFacts,
  observation: Observation,
  dt: number,
): number {
  if (observation.api.name !== 'serving' || !facts.parent.known || !facts.parentState.known) {
    return memory.unservedMs;
  }
  if (facts.parentServes.known && facts.parentServes.value) return 0;
  // What nobody wants here is not missing; once it is wanted again, its controller has all the time it needs.
  if (facts.parent.value === undefined && facts.wanted.known && facts.wanted.value !== 'wanted') return 0;
  const runs = facts.parentRuns.known && facts.parentRuns.value === 'running';
  return runs ? memory.unservedMs : memory.unservedMs + dt;
}
