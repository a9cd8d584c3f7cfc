// Active: the checkpoint does the work. It goes for a parent that the kubelet has begun to start, unless that parent
// has shown that it cannot do the work, or nothing intact would be left on disk to come back to.

import type { Phase, WorkloadMemory } from '../types/memory.ts';
import type { Parent } from '../types/observation.ts';
import { strikesOf } from './blame.ts';
import { conflicts, type WorkloadFacts } from './facts.ts';
import { begun, freshParentUid } from './fresh-parent.ts';
import {
  activate,
  beginHandover,
  countFailure,
  go,
  handedOver,
  restPhase,
  stay,
  type Transition,
  without,
} from './moves.ts';
import { goesTooSoon } from './needs.ts';
import { absent } from './rest.ts';
import { downParent, restarting } from './restart.ts';
import { bestRevision } from './revisions.ts';
import { isUp } from './run-state.ts';
import {
  hasWaitedEnough,
  isProven,
  livingParent,
  revisionOf,
  runsReady,
  type Situation,
} from './situation.ts';

export function fromActive(
  memory: WorkloadMemory,
  phase: Phase & { name: 'active' },
  situation: Situation,
): Transition {
  const { facts } = situation;
  const revision = bestRevision(memory, facts);
  if (!facts.revisions.has(phase.revision) && revision !== undefined) {
    // What runs has read its files already; taking it away for that would make the outage.
    const down = facts.checkpointRuns.known && !isUp(facts.checkpointRuns.value);
    if (down) return activate(memory, revision, 'the active revision is damaged');
  }
  if (neverPlaced(memory, situation)) {
    return go(memory, restPhase(memory), 'its parent runs, and its checkpoint could not be placed');
  }
  const parent = livingParent(situation);
  const fresh = mayBegin(memory, situation) ? freshParentUid(memory, situation) : undefined;
  // Where the API names this very pod, what it says of its content counts as well.
  const named = parent.answered && parent.pod?.uid === fresh;
  // Rule 8: before the pods are listed only the Node says whose API it is from which the kubelet has this one. An API
  // that is away for a handover was ours when that began.
  const isOurs = situation.observation.node.known || situation.handingOver;
  if (fresh !== undefined && !named && isOurs && revision !== undefined && !mayBeBlamed(memory, fresh)) {
    return beginHandover(memory, fresh, STARTED, { restart: true });
  }
  if (!parent.answered) return stay(memory);
  if (parent.pod === undefined) return absent(memory, situation);
  if (memory.options.standbyLock !== undefined) return standBy(memory, phase, facts);
  if (!facts.parentState.known || !facts.checkpointRuns.known) return stay(memory);
  if (revision === undefined) {
    return stay(memory, 'no intact copy is on disk: the one in the static pod directory is not given up');
  }
  return besideParent(memory, situation, parent.pod, fresh);
}

/** The static pod directory could not be written (a full or read-only disk), and meanwhile the parent got up by itself. */
function neverPlaced({ options }: WorkloadMemory, { facts }: Situation): boolean {
  const missing = facts.manifest.known && facts.manifest.value === undefined;
  const down = facts.checkpointRuns.known && !isUp(facts.checkpointRuns.value);
  const runs = facts.parentRuns.known && facts.parentRuns.value === 'running';
  return options.standbyLock === undefined && missing && down && runs;
}

function besideParent(
  memory: WorkloadMemory,
  situation: Situation,
  parent: Parent,
  fresh: string | undefined,
): Transition {
  const { facts } = situation;
  const overlaps = parent.options.overlap;
  if (!conflicts(parent) && !overlaps) {
    const serves = facts.parentServes.known && facts.parentServes.value;
    if (serves) return handedOver(memory, 'its parent serves beside it');
    return startAnew(memory, situation, parent) ?? stay(memory);
  }
  if (isBlamed(memory, situation, parent)) return besideBlamed(memory, situation, parent);
  if (overlaps) {
    // Ready may be the checkpoint's answer on the shared port, so the parent must prove itself alone afterwards.
    if (runsReady(memory, situation, parent)) {
      return beginHandover(memory, parent.uid, 'its parent runs ready beside it', { restart: false });
    }
    return startAnew(memory, situation, parent) ?? stay(memory);
  }
  if (fresh === parent.uid || (mayBegin(memory, situation) && begun(memory, situation, parent))) {
    // Content that nobody has seen to work gets the kubelet's own first restart, and no more: each costs the API.
    return beginHandover(memory, parent.uid, STARTED, { restart: isProven(memory, situation) });
  }
  return startAnew(memory, situation, parent) ?? stay(memory);
}

const STARTED = 'its parent has been started by the kubelet';

/**
 * It met the bound ports, or an API that was away. Its back-off is ended while the checkpoint still serves: the kubelet
 * takes up to a second to start it, and then it is a parent that has just begun like any other.
 */
function startAnew(memory: WorkloadMemory, situation: Situation, parent: Parent): Transition | undefined {
  if (!handoverMayBegin(situation) || memory.restart?.state === 'under-way') return undefined;
  const down = downParent(situation.facts, parent.uid);
  if (down === undefined || !hasWaitedEnough(memory, situation)) return undefined;
  return {
    memory: countFailure(without(restarting(memory, down), 'failedParent')),
    reason: 'its parent sits in a crash back-off: the kubelet is made to start it anew',
  };
}

/** While some content is refused the ports, only the API can say that this pod has another. */
function mayBeBlamed({ failedParent }: WorkloadMemory, uid: string): boolean {
  return failedParent !== undefined && (failedParent.uid === uid || failedParent.revision !== undefined);
}

function isBlamed(memory: WorkloadMemory, situation: Situation, parent: Parent): boolean {
  const { failedParent } = memory;
  if (failedParent === undefined) return false;
  if (failedParent.uid === parent.uid) return true;
  const revision = revisionOf(situation);
  return revision !== undefined && revision === failedParent.revision && !isProven(memory, situation);
}

/** A parent that failed when it had its ports does not get them again for nothing. */
function besideBlamed(memory: WorkloadMemory, situation: Situation, parent: Parent): Transition {
  const proven = isProven(memory, situation);
  const { facts } = situation;
  const excused = proven || memory.failedParent?.revision === undefined;
  const again = excused && (proven || strikesOf(memory, parent.uid) < STRIKES_MAX);
  // Its failure may have been another's, such as an API that was away: it is up, and the checkpoint in its way.
  const inTheWay = facts.checkpointRuns.known && !isUp(facts.checkpointRuns.value);
  if (runsReady(memory, situation, parent) && (again || inTheWay)) {
    return beginHandover(memory, parent.uid, 'its parent runs ready after all', { restart: false });
  }
  const given = again ? startAnew(memory, situation, parent) : undefined;
  if (given !== undefined) return given;
  const failed = 'the parent failed when it had its ports, so the checkpoint stays active';
  // One that is not down, such as one that waits for its image, is not started anew: a person must mend it.
  const willBe = again && downParent(facts, parent.uid) !== undefined;
  const next = willBe
    ? ` for now: pod ${parent.name} is started anew after a while`
    : `: ${cure(parent, excused)}`;
  return stay(memory, failed + next);
}

/** Content that was never proven may have failed for another's fault once or twice; each attempt may cost the API. */
const STRIKES_MAX = 3;

function cure({ controller, name }: Parent, excused: boolean): string {
  if (controller === undefined) return `fix Pod ${name}`;
  const { kind } = controller;
  const again = excused ? `delete pod ${name}` : ROLLED_OUT.has(kind) ? 'restart its rollout' : undefined;
  return `fix ${kind} ${controller.name}${again === undefined ? '' : `, or ${again} to try again`}`;
}

/** What `kubectl rollout restart` knows: it gives the same content another annotation, and so another chance. */
const ROLLED_OUT: ReadonlySet<string> = new Set(['DaemonSet', 'Deployment', 'StatefulSet']);

/** The agent's own checkpoint: active for ever, moved to the newest proven revision. */
function standBy(
  memory: WorkloadMemory,
  phase: Phase & { name: 'active' },
  facts: WorkloadFacts,
): Transition {
  const proven = memory.proven?.revision;
  // Only with an API: a kubelet that never listed its pods ignores the removal of the old one (kubernetes#116880).
  if (proven !== undefined && proven !== phase.revision && facts.revisions.has(proven)) {
    return activate(memory, proven, 'stand-by: a newer revision is proven');
  }
  return stay(memory);
}

/**
 * An API that has only just come back is let get ready first: on a real node a handover in those seconds put its
 * readiness off by as much as the whole handover. A parent that meets the bound ports meanwhile is started anew.
 */
function handoverMayBegin({ observation: { api }, handingOver }: Situation): boolean {
  return handingOver || (api.name === 'serving' && api.starting === undefined);
}

/**
 * All parents of a node begin together: on a real node an apiserver that went first met an etcd that went a second later,
 * and the API was away for 6 s instead of 4. Whoever does not go now meets the bound ports, and is started anew with them.
 */
function mayBegin(memory: WorkloadMemory, situation: Situation): boolean {
  const { handingOver, someWillRestart } = situation;
  if (!handoverMayBegin(situation) || goesTooSoon(memory, situation)) return false;
  return handingOver || !someWillRestart;
}
