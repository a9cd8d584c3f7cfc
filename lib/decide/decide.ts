// The plan for the node: (observation, memory) → (memory, actions). Pure: no I/O and no clock but the time since the
// last pass. Level-triggered: whatever failed to be carried out is seen and decided again.

import type { Action } from '../types/action.ts';
import type { Memory, Phase, WorkloadMemory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';
import type { Settings } from '../types/settings.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { suspects } from './blame.ts';
import { fence, hasActive, vanishedTogether } from './cluster-identity.ts';
import { factsOf, type WorkloadFacts } from './facts.ts';
import { endHangingServer, waitingForKubelet, withEnded } from './hanging-server.ts';
import { doesKubeletStart, servingTime } from './kubelet-starts.ts';
import { hurryActions } from './leaving.ts';
import { parentsToCome } from './needs.ts';
import { followNote } from './notes.ts';
import { recall, save } from './record.ts';
import { followRestart, restartParents } from './restart.ts';
import { followParent, retention } from './revisions.ts';
import { isHandingOver, type Situation, willSomeRestart } from './situation.ts';
import { adopted, reconcile } from './static-pod.ts';
import { passTime } from './timers.ts';
import { transition } from './transition.ts';

export { remember } from './record.ts';

/** A change worth telling people: log, status and Event show it. */
export interface Change {
  readonly workload: WorkloadKey;
  readonly from: Phase['name'];
  readonly to: Phase['name'];
  readonly reason: string;
  /** Nothing was done: the reason says why a decision waits. */
  readonly waits?: true;
}

export interface Decision {
  readonly memory: Memory;
  readonly actions: readonly Action[];
  readonly changes: readonly Change[];
}

export function decide(observation: Observation, memory: Memory, settings: Settings): Decision {
  const { api, bootId, runtime, node } = observation;
  const firstBootPass = bootId.known && bootId.value !== memory.bootId;
  const keys = keysOf(observation, memory);
  const nodeUid = node.known ? node.value.uid : memory.nodeUid;
  const apiAwayMs = api.name === 'away' ? memory.apiAwayMs + observation.sinceLastPassMs : 0;
  const apiServingMs = servingTime(memory, observation);
  const allVanished = vanishedTogether(keys, observation, memory);
  const someActive = hasActive(memory);
  const suspected = suspects(memory, apiAwayMs);
  const handingOver = isHandingOver(memory);
  const kubeletStarts = doesKubeletStart(memory, apiServingMs, observation);
  const someWillRestart = willSomeRestart(memory, settings);
  const waiting = waitingForKubelet(memory, observation);
  const toCome = parentsToCome(memory, observation, apiServingMs);
  // Spelled out: V8 (11.3) made one from a literal in 24 to 32 ns, and in 380 to 470 by spreading what all share.
  const situationOf = (facts: WorkloadFacts): Situation => ({
    facts,
    observation,
    settings,
    firstBootPass,
    apiAwayMs,
    allVanished,
    someActive,
    suspects: suspected,
    handingOver,
    kubeletStarts,
    someWillRestart,
    waitingForKubelet: waiting,
    parentsToCome: toCome,
  });

  const workloads = new Map<WorkloadKey, WorkloadMemory>();
  const actions: Action[] = [];
  const changes: Change[] = [];
  for (const key of keys) {
    const next = decideOne(key, memory.workloads.get(key), nodeUid, observation, settings, situationOf);
    if (next.memory !== undefined) workloads.set(key, next.memory);
    actions.push(...next.actions);
    changes.push(...next.changes);
  }

  // The first boot pass is over once the runtime and somebody at the API's door have answered.
  const passed = firstBootPass && runtime.known && api.name !== 'unasked';
  const boot = passed ? bootId.value : memory.bootId;
  const record = {
    ...(boot === undefined ? {} : { bootId: boot }),
    ...(nodeUid === undefined ? {} : { nodeUid }),
  };
  const { storedNode } = observation;
  if (boot !== storedNode.bootId || nodeUid !== storedNode.nodeUid)
    actions.push({ type: 'save-node', record });
  const apiSeen = memory.apiSeen === true || api.name === 'serving';
  const after = {
    workloads,
    apiAwayMs,
    apiServingMs,
    suspects: suspected,
    ...(apiSeen ? { apiSeen: true as const } : {}),
    ...(kubeletStarts ? { kubeletStarts: true as const } : {}),
    ...record,
  };
  return { memory: after, actions, changes };
}

function keysOf({ parents, directory, stored }: Observation, memory: Memory): WorkloadKey[] {
  const keys = new Set<WorkloadKey>(memory.workloads.keys());
  for (const { key } of stored) keys.add(key);
  if (parents.known) for (const p of parents.value) keys.add(p.workload);
  if (directory.known) for (const m of directory.value.ours) keys.add(m.workload);
  return [...keys].sort();
}

/** No memory after it: the workload is gone. */
function decideOne(
  key: WorkloadKey,
  remembered: WorkloadMemory | undefined,
  nodeUid: string | undefined,
  observation: Observation,
  settings: Settings,
  situationOf: (facts: WorkloadFacts) => Situation,
): { memory?: WorkloadMemory; actions: Action[]; changes: Change[] } {
  const stored = observation.stored.find((w) => w.key === key);
  const known = remembered ?? recall(stored);
  const facts = factsOf(key, observation, known, settings.settleMs);
  const timed = passTime(adopted(known, facts), facts, observation);
  const before = withEnded(followRestart(timed, facts), facts);
  const fenced = fence(before, nodeUid);
  const followed = followParent(fenced, facts, observation, settings);
  const situation = situationOf(facts);
  const moved = transition(followed.memory, situation);
  const first = followed.memory.nodeUid === undefined && nodeUid !== undefined && facts.parent.known;
  const settled: WorkloadMemory = first ? { ...moved.memory, nodeUid } : moved.memory;
  const server = endHangingServer(settled, situation);
  const noted = followNote(remembered, server.memory, observation.sinceLastPassMs);
  const after = noted.memory;

  const from = before.phase.name;
  const to = after.phase.name;
  const proven = after.proven !== undefined && after.proven.revision !== before.proven?.revision;
  const why =
    moved.reason ??
    (after.phase.name === 'held' ? after.phase.reason : undefined) ??
    (proven ? 'its parent has served for the proving time: what it is now is proven' : undefined);
  const changes: Change[] = [];
  if (from !== to || moved.reason !== undefined || proven) {
    changes.push({ workload: key, from, to, reason: why ?? 'it rests' });
  } else if (noted.told && moved.memory.note !== followed.memory.note) {
    // What the compiler refuses is told by those who know the parent.
    changes.push({ workload: key, from, to, reason: after.note ?? '', waits: true });
  }
  if (moved.remove === true) {
    const reason = 'no longer wanted on this node';
    return { actions: [{ type: 'remove-workload', workload: key, reason }], changes };
  }

  const saving = save(key, after, stored);
  const actions = [...followed.actions, ...saving, ...reconcile(after, facts, why)];
  // What the record on disk still names is kept until a newer record stands there, and until the API has spoken.
  if (saving.length === 0 && observation.api.name === 'serving') actions.push(...retention(after, facts));
  const restarts = restartParents(after, facts);
  actions.push(...restarts.actions, ...hurryActions(after, situation), ...server.actions);
  return { memory: restarts.memory, actions, changes };
}
