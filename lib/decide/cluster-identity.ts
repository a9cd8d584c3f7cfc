// Rule 8: nothing is retired on the word of a different or emptied cluster. Another Node UID holds a workload; parents
// that all vanish at once are a reason to hold, too.

import type { Memory, WorkloadMemory } from '../types/memory.ts';
import type { Observation, Wanted } from '../types/observation.ts';
import type { WorkloadKey } from '../types/workload.ts';
import { liveParent } from './facts.ts';

/** On the word of another Node object nothing is done. */
export function fence(memory: WorkloadMemory, nodeUid: string | undefined): WorkloadMemory {
  if (nodeUid === undefined || memory.nodeUid === undefined || memory.nodeUid === nodeUid) return memory;
  if (memory.phase.name === 'held') return memory;
  const { phase } = memory;
  const active = phase.name === 'active' || phase.name === 'retiring' ? phase.revision : undefined;
  return {
    ...memory,
    phase: {
      name: 'held',
      reason: `the Node object's UID changed from ${memory.nodeUid} to ${nodeUid}: another or an emptied cluster; \`agent forget\` releases`,
      ...(active === undefined ? {} : { active }),
    },
  };
}

/**
 * A demoted node loses everything at once, too; but there the controllers live on other masters, and say so, while its
 * checkpoints stand by. Where one is active, the API may answer from here: the last master is not retired.
 */
export function isHeldWithAll(
  { allVanished, someActive }: { readonly allVanished: boolean; readonly someActive: boolean },
  wanted: Exclude<Wanted, 'wanted'>,
): boolean {
  return allVanished && (wanted === 'not-wanted' || someActive);
}

/** Some checkpoint of this node does the work; the agent's own, which always runs, does not count. */
export function hasActive({ workloads }: Memory): boolean {
  return [...workloads.values()].some(
    ({ phase, options }) =>
      options.standbyLock === undefined &&
      (phase.name === 'active' || (phase.name === 'retiring' && phase.revision !== undefined)),
  );
}

export function vanishedTogether(
  keys: readonly WorkloadKey[],
  { parents }: Observation,
  memory: Memory,
): boolean {
  if (!parents.known) return false;
  const had = keys.filter((key) => memory.workloads.get(key)?.parent !== undefined);
  return had.length > 1 && had.every((key) => liveParent(parents.value, key) === undefined);
}
