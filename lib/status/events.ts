// Tells the cluster what happened to a workload, as an Event on its parent. Best effort: an Event that cannot be posted
// is no reason to do anything differently.

import type { Change } from '../decide/decide.ts';
import type { Memory } from '../types/memory.ts';
import type { Observed } from '../types/observed.ts';

interface EventSink {
  event(event: {
    readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
    readonly type: 'Normal' | 'Warning';
    readonly reason: string;
    readonly message: string;
  }): Promise<Observed<true>>;
}

const REASONS: Record<Change['to'], string> = {
  none: 'CheckpointMissing',
  standby: 'CheckpointStandingBy',
  active: 'CheckpointActivated',
  handover: 'CheckpointWithdrawn',
  retiring: 'CheckpointRetiring',
  held: 'CheckpointHeld',
};

/** Posts the Event of one change. */
export function reportChange(change: Change, { memory }: { readonly memory: Memory }, sink: EventSink): void {
  const parent = memory.workloads.get(change.workload)?.parent;
  if (parent === undefined) return;
  void sink.event({
    pod: { namespace: parent.namespace, name: parent.name, uid: parent.uid },
    type: change.to === 'active' || change.to === 'held' ? 'Warning' : 'Normal',
    reason: REASONS[change.to],
    message: change.reason,
  });
}
