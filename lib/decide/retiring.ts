// Retiring: the API says the workload is not wanted on this node any more. What always holds: only the API's word,
// repeated now, lets grace run, withdraws and removes (rule 1); until grace has passed an outage finds its checkpoint
// where it would have been.

import type { Phase, WorkloadMemory } from '../types/memory.ts';
import { isHeldWithAll } from './cluster-identity.ts';
import type { WorkloadFacts } from './facts.ts';
import { freshParentUid } from './fresh-parent.ts';
import { go, restPhase, stay, type Transition, waitOn } from './moves.ts';
import { bestRevision } from './revisions.ts';
import { emergency, livingParent, type Situation } from './situation.ts';

type Retiring = Phase & { name: 'retiring' };

export function fromRetiring(memory: WorkloadMemory, phase: Retiring, situation: Situation): Transition {
  const { facts, observation, settings } = situation;
  const over = phase.waited.elapsedMs >= settings.graceMs;
  const parent = livingParent(situation);
  if (!parent.answered) return over ? stay(memory) : bridge(memory, phase, situation);
  const back: Phase =
    phase.revision === undefined
      ? restPhase(memory)
      : { name: 'active', revision: phase.revision, reason: 'wanted again' };
  if (parent.pod !== undefined) return go(memory, back, 'a parent is there again');
  if (!facts.wanted.known) return stay(memory);
  if (facts.wanted.value === 'wanted') return go(memory, back, 'its controller wants it again');
  if (phase.revision !== undefined && freshParentUid(memory, situation) !== undefined) {
    const { revision: _, ...rest } = phase;
    const withdrawn: Retiring = { ...rest, from: 'standby' };
    return go(
      memory,
      withdrawn,
      'its successor, which asks for no checkpoint, has been started by the kubelet',
    );
  }
  if (isHeldWithAll(situation, facts.wanted.value)) {
    return go(memory, back, 'every workload of this node vanished at once: held');
  }
  if (over) return end(memory, phase, facts);
  const last = phase.waited.elapsedMs + observation.sinceLastPassMs >= settings.graceMs;
  const reason = 'its grace has passed: its checkpoint is removed from this node';
  return { ...waitOn(memory, phase, observation), ...(last ? { reason } : {}) };
}

/** Grace is for mistakes: while it runs, an outage is met as if the workload were wanted. */
function bridge(memory: WorkloadMemory, phase: Retiring, situation: Situation): Transition {
  const revision = bestRevision(memory, situation.facts);
  const why = emergency(memory, situation);
  if (phase.revision !== undefined || revision === undefined || why === undefined) return stay(memory);
  return go({ ...memory, stoppedMs: 0 }, { ...phase, from: 'active', revision }, why);
}

/** First out of the static pod directory, and when the runtime shows nothing of it any more, off the disk. */
function end(memory: WorkloadMemory, { waited }: Retiring, facts: WorkloadFacts): Transition {
  const from = restPhase(memory).name === 'none' ? 'none' : 'standby';
  const withdrawn: WorkloadMemory = { ...memory, phase: { name: 'retiring', waited, from } };
  const gone =
    facts.manifest.known &&
    facts.manifest.value === undefined &&
    !facts.torn &&
    facts.checkpointRuns.known &&
    facts.checkpointRuns.value === 'absent';
  return gone ? { memory: withdrawn, remove: true } : { memory: withdrawn };
}
