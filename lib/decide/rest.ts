// At rest (none, standby): the parent does the work. Leaves it when the parent is down and nobody else will start it:
// an outage, the first pass of a boot, a deadlock that only the checkpoint can end. Also what a vanished parent means.

import type { RevisionId } from '../types/checkpoint.ts';
import type { Phase, WorkloadMemory } from '../types/memory.ts';
import type { Wanted } from '../types/observation.ts';
import type { Settings } from '../types/settings.ts';
import { blame } from './blame.ts';
import { isHeldWithAll } from './cluster-identity.ts';
import { freshParentUid } from './fresh-parent.ts';
import { activate, forgive, go, rest, restPhase, stay, type Transition } from './moves.ts';
import { bestRevision } from './revisions.ts';
import { isUp, type RunState } from './run-state.ts';
import { emergency, livingParent, type Situation, wordsFor } from './situation.ts';

export function fromRest(memory: WorkloadMemory, situation: Situation): Transition {
  const { facts, settings } = situation;
  if (!facts.parentRuns.known || !facts.checkpointRuns.known) return rest(memory);
  const revision = bestRevision(memory, facts);
  if (memory.options.standbyLock !== undefined && memory.proven !== undefined && revision !== undefined) {
    return activate(memory, revision, 'stand-by: always active beside its parent');
  }
  // A full or read-only disk keeps its manifest in place.
  const left = facts.manifest.known ? facts.manifest.value : undefined;
  if (left !== undefined && !isUp(facts.parentRuns.value)) {
    return activate(memory, left.revision, 'it could not be withdrawn, and its parent is down by now');
  }
  // A checkpoint that was withdrawn is still on its way out.
  if (isUp(facts.checkpointRuns.value)) return rest(memory);
  const why = revision === undefined ? undefined : emergency(memory, situation);
  if (revision !== undefined && why !== undefined) {
    return activate(remark(memory, situation, facts.parentRuns.value), revision, why);
  }

  const parent = livingParent(situation);
  if (!parent.answered) return rest(memory);
  if (parent.pod === undefined) return absent(memory, situation);
  if (revision !== undefined && stuck(memory, facts.parentState, settings))
    return rescue(memory, situation, revision);
  const serves = facts.parentServes.known && facts.parentServes.value;
  return rest(serves && memory.runningMs >= settings.settleMs ? forgive(memory) : memory);
}

/** A controller that dies for want of an API does so 10 s after it; whoever took the API went before it, or with it. */
const WITH_THE_API_MS = 2_000;

/** Unproven content that had the ports and then crashed is counted, so that it cannot do so without end. */
function remark(memory: WorkloadMemory, situation: Situation, state: RunState): WorkloadMemory {
  const crashed = state === 'crashed' || state === 'limping';
  const unproven = memory.candidate !== undefined && memory.proven !== undefined;
  const itself = memory.downMs >= situation.apiAwayMs - WITH_THE_API_MS;
  if (crashed && unproven && itself && memory.parent !== undefined)
    return blame(memory, memory.parent.uid, undefined);
  return remarkIdle(memory, situation, state);
}

/** So is a pod that had them and did not get up: it would be handed them again at once. */
function remarkIdle(memory: WorkloadMemory, situation: Situation, state: RunState): WorkloadMemory {
  const fresh = state === 'starting' ? freshParentUid(memory, situation) : undefined;
  return fresh === undefined ? memory : blame(memory, fresh, undefined);
}

/**
 * The API answers, and the parent does not get up: a crash back-off lasts up to 300 s, an image that cannot be pulled
 * or a volume that cannot be mounted lasts until somebody corrects the workload, which may take this very workload.
 */
function stuck(
  memory: WorkloadMemory,
  state: Situation['facts']['parentState'],
  settings: Settings,
): boolean {
  if (!state.known || state.value === 'running') return false;
  if (state.value === 'crashed' && memory.backOffMs < settings.restartPatienceMs) return false;
  return memory.unservedMs >= stuckMs(state.value, settings);
}

/** A kubelet that is still at work is given more time than a crash loop. */
function stuckMs(state: RunState, settings: Settings): number {
  return state === 'crashed' ? settings.rescueMs : Math.max(settings.rescueMs, settings.startPatienceMs);
}

function rescue(memory: WorkloadMemory, situation: Situation, revision: RevisionId): Transition {
  const { parentState } = situation.facts;
  const state = parentState.known ? parentState.value : 'absent';
  const how = `deadlock rescue: the API answers and its parent is ${wordsFor(state)}`;
  return activate(remarkIdle(memory, situation, state), revision, how);
}

/** The API answers, and no parent is there. */
export function absent(memory: WorkloadMemory, situation: Situation): Transition {
  const { facts, settings } = situation;
  const { wanted } = facts;
  if (!wanted.known) {
    return stay(memory, `its parent is gone; kept, as its controller could not be asked: ${wanted.reason}`);
  }
  if (wanted.value !== 'wanted') return retire(memory, situation, wanted.value);
  if (memory.phase.name === 'active') return stay(memory);
  const revision = bestRevision(memory, facts);
  const down = facts.parentRuns.known && !isUp(facts.parentRuns.value);
  if (revision !== undefined && down && memory.unservedMs >= settings.rescueMs) {
    return activate(memory, revision, 'deadlock rescue: its parent is gone and nobody made a successor');
  }
  return rest(memory);
}

function retire(memory: WorkloadMemory, situation: Situation, why: Exclude<Wanted, 'wanted'>): Transition {
  const held = isHeldWithAll(situation, why);
  // A successor that asks for no checkpoint has been started: it is to get the ports, which retiring gives it.
  if (held && (why === 'not-wanted' || freshParentUid(memory, situation) === undefined)) {
    return stay(memory, 'every workload of this node vanished at once: held; `agent forget` releases');
  }
  const waited = { elapsedMs: 0 };
  const phase: Phase =
    memory.phase.name === 'active'
      ? { name: 'retiring', waited, from: 'active', revision: memory.phase.revision }
      : { name: 'retiring', waited, from: restPhase(memory).name === 'none' ? 'none' : 'standby' };
  return go(
    memory,
    phase,
    why === 'not-here'
      ? 'its controller wants no checkpointed pod of it on this node any more'
      : 'the API says it is no longer wanted: its controller is gone',
  );
}
