// The state of one workload: none → standby ⇄ active → handover → standby, … → retiring, … → held.
// A function from facts to the next phase, with the reason in words. What always holds: an unknown changes nothing.

import type { Phase, WorkloadMemory } from '../types/memory.ts';
import { fromActive } from './active.ts';
import { fromHandover } from './handover.ts';
import { go, restPhase, stay, type Transition } from './moves.ts';
import { fromRest } from './rest.ts';
import { fromRetiring } from './retiring.ts';
import { livingParent, type Situation } from './situation.ts';

/** Decides the next phase of a workload. */
export function transition(memory: WorkloadMemory, situation: Situation): Transition {
  switch (memory.phase.name) {
    case 'none':
    case 'standby':
      return fromRest(memory, situation);
    case 'active':
      return fromActive(memory, memory.phase, situation);
    case 'handover':
      return fromHandover(memory, memory.phase, situation);
    case 'retiring':
      return fromRetiring(memory, memory.phase, situation);
    case 'held':
      return fromHeld(memory, memory.phase, situation);
  }
}

function fromHeld(memory: WorkloadMemory, phase: Phase & { name: 'held' }, situation: Situation): Transition {
  const { node } = situation.observation;
  const parent = livingParent(situation);
  if (!parent.answered || parent.pod === undefined || !node.known) return stay(memory);
  const reason = 'a parent of it showed up in this cluster';
  const next: Phase =
    phase.active === undefined ? restPhase(memory) : { name: 'active', revision: phase.active, reason };
  return go({ ...memory, nodeUid: node.value.uid }, next, reason);
}
