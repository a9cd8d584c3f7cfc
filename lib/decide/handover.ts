// Handover: the checkpoint is withdrawn for a parent that does not serve yet. Ends with the parent serving, or with
// the checkpoint back: when the parent is down or late and the API is away, there is nobody else.

import type { Phase, WorkloadMemory } from '../types/memory.ts';
import type { Observation, RuntimeContainer, RuntimePod } from '../types/observation.ts';
import type { Settings } from '../types/settings.ts';
import { blame, culprit } from './blame.ts';
import { activate, countFailure, go, handedOver, restPhase, stay, type Transition, waitOn } from './moves.ts';
import { downParent, KUBELET_LOOKS_MS, restarting } from './restart.ts';
import { bestRevision } from './revisions.ts';
import { isUp } from './run-state.ts';
import { livingParent, outage, patienceMs, type Situation, wordsFor } from './situation.ts';

type Handover = Phase & { name: 'handover' };

export function fromHandover(memory: WorkloadMemory, phase: Handover, situation: Situation): Transition {
  const { facts, observation, settings } = situation;
  if (facts.parentServes.known && facts.parentServes.value) return handedOver(memory, 'its parent serves');
  if (!facts.parentRuns.known) return stay(memory);
  // A full or read-only disk keeps its manifest in place, and nobody's place is taken by it any more.
  const left = facts.manifest.known ? facts.manifest.value : undefined;
  if (left !== undefined && facts.parentRuns.value === 'absent') {
    return activate(
      countFailure(memory),
      left.revision,
      'it could not be withdrawn, and its parent is gone by now',
    );
  }
  const loser = whoLostTheRace(memory, phase, situation);
  if (loser !== undefined) {
    const reason = 'its parent died on ports that are free by now: the kubelet is made to start it anew';
    return { memory: restarting(memory, loser), reason };
  }
  const back = takeBack(memory, phase, situation);
  if (back !== undefined) return back;
  // A checkpoint that is on its way out may hold its ports, or answer on them, for its whole grace period: an apiserver
  // with watchers, or without its etcd, needs all of its 30 s. The parent's time begins when it is alone: at the end of a pass that sees
  // so, since the checkpoint may have ended at any moment since the one before, and that is a second on a busy node.
  if (facts.checkpointRuns.known && isUp(facts.checkpointRuns.value)) return stay(memory);
  if (phase.alone === undefined) return stay({ ...memory, phase: { ...phase, alone: true } });
  if (!livingParent(situation).answered) return waitOn(memory, phase, observation);
  if (isLate(memory, phase, settings)) {
    // The kubelet and the controllers are at work; the rescue rule watches over the rest.
    const reason = 'the handover deadline passed with the API answering';
    return go(blamed(memory, phase, situation), restPhase(memory), reason);
  }
  return waitOn(memory, phase, observation);
}

/** Whether it was made after the checkpoint was seen to be gone; what was made before may have met its ports. */
function wasMadeAlone(
  { createdAtMs }: RuntimeContainer,
  { waited }: Handover,
  { wallClockMs }: Observation,
): boolean {
  return wallClockMs - createdAtMs <= waited.elapsedMs;
}

/**
 * The failure is held against the parent, and against its content where that was tried: a parent that was started only
 * while its checkpoint was there, or never, says nothing of it.
 */
function blamed(memory: WorkloadMemory, phase: Handover, situation: Situation): WorkloadMemory {
  const { facts, observation } = situation;
  const parent = facts.parentPods.find(({ pod }) => pod.uid === phase.parentUid)?.pod;
  const hadItsPorts = ({ containers }: RuntimePod): boolean =>
    containers.some((c) => c.state === 'running' || wasMadeAlone(c, phase, observation));
  const revision = parent && hadItsPorts(parent) ? culprit(memory, phase, situation) : undefined;
  return blame(memory, phase.parentUid, revision);
}

/** After a boot the container's first start counts as a restart already. */
function hasDiedBefore({ failedHandovers }: WorkloadMemory, { containers }: RuntimePod): boolean {
  return failedHandovers > 0 || containers.some(({ attempt }) => attempt > 0);
}

/**
 * The parent, where it lost the race: it is down, its ports are free by now, and the kubelet does not start it: what
 * died for the first time it starts at its next look, anything else waits in a back-off. One whose container is older than
 * the checkpoint's end never had them, so that this says nothing of its content.
 */
function whoLostTheRace(
  memory: WorkloadMemory,
  phase: Handover,
  { facts, observation }: Situation,
): RuntimePod | undefined {
  const { restart, stoppedMs, options } = memory;
  const parent = downParent(facts, phase.parentUid);
  if (parent === undefined || restart?.state === 'under-way') return undefined;
  if (!facts.checkpointRuns.known || isUp(facts.checkpointRuns.value)) return undefined;
  if (stoppedMs < KUBELET_LOOKS_MS && !hasDiedBefore(memory, parent)) return undefined;
  const raced = !options.overlap && !parent.containers.every((c) => wasMadeAlone(c, phase, observation));
  return restart?.state === 'allowed' || raced ? parent : undefined;
}

function takeBack(memory: WorkloadMemory, phase: Handover, situation: Situation): Transition | undefined {
  const { facts, observation, settings, firstBootPass } = situation;
  const revision = bestRevision(memory, facts);
  if (revision === undefined || !facts.parentRuns.known) return undefined;
  // Rule 2: the one that was withdrawn is on its way out still.
  if (!facts.checkpointRuns.known || isUp(facts.checkpointRuns.value)) return undefined;
  const state = facts.parentRuns.value;
  if (firstBootPass && observation.api.name === 'away' && (state === 'absent' || state === 'crashed')) {
    return activate(memory, revision, 'first boot pass: the power went during a handover');
  }
  // With an API, taking it back costs nothing, and the parent is given its ports again from there.
  const answers = observation.api.name === 'serving';
  if (!answers && !outage(situation)) return undefined;
  const late = isLate(memory, phase, settings);
  const patience = Math.max(patienceMs(state, settings), settings.restartPatienceMs);
  if (memory.stoppedMs < patience && (!late || answers)) return undefined;
  // One that goes or is gone did not fail: a person or an update took it away, a node restarts, or it was to start anew.
  const isGone = state === 'absent' || state === 'leaving';
  const after = isGone ? countFailure(memory) : blamed(memory, phase, situation);
  const how = late ? 'late' : wordsFor(state);
  return activate(
    after,
    revision,
    `the handover failed: its parent is ${how}${answers ? '' : ' and no API answers'}`,
  );
}

/** Each failure doubles the deadline: a slow machine is given the time it needs, and is never waited for without end. */
function isLate(memory: WorkloadMemory, phase: Handover, settings: Settings): boolean {
  const deadlineMs = Math.min(settings.handoverMs * 2 ** memory.failedHandovers, settings.handoverMsMax);
  return phase.waited.elapsedMs >= deadlineMs;
}
