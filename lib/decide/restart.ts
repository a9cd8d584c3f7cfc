// A parent that died on bound ports, and waits in a back-off of up to 300 s: the kubelet is made to start it anew. What
// always holds: only a parent of which nothing runs is restarted, and until it is seen to start it is asked for again.

import type { Action } from '../types/action.ts';
import type { WorkloadMemory } from '../types/memory.ts';
import type { RuntimePod } from '../types/observation.ts';
import type { WorkloadFacts } from './facts.ts';

/** This parent's pod, while all of its containers have ended. */
export function downParent({ parentPods }: WorkloadFacts, uid: string): RuntimePod | undefined {
  const parent = parentPods.find(({ pod }) => pod.uid === uid);
  return parent?.state === 'crashed' ? parent.pod : undefined;
}

export function restarting(memory: WorkloadMemory, uid: string): WorkloadMemory {
  return { ...memory, restart: { uid, state: 'under-way' }, stoppedMs: 0 };
}

/** Without what was asked for and has come about. */
export function followRestart(memory: WorkloadMemory, facts: WorkloadFacts): WorkloadMemory {
  const { restart, ...rest } = memory;
  if (restart?.state !== 'under-way' || !facts.parentRuns.known) return memory;
  return downParent(facts, restart.uid) === undefined ? rest : memory;
}

export function restartActions({ restart }: WorkloadMemory, facts: WorkloadFacts): Action[] {
  if (restart?.state !== 'under-way') return [];
  const pod = downParent(facts, restart.uid);
  if (pod === undefined) return [];
  return [{ type: 'restart-parent', workload: facts.key, uid: pod.uid, sandboxId: pod.sandboxId }];
}
