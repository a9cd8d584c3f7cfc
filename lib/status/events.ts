// Tells the cluster what happened to a workload, as an Event on its parent. Best effort: an Event that cannot be posted
// is no reason to do anything differently.

import type { Logger } from 'pino';
import type { Change } from '../decide/decide.ts';
import { liveParent } from '../decide/facts.ts';
import type { Memory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';
import type { Observed } from '../types/observed.ts';
import { captureWords } from './report.ts';

interface EventSink {
  event(event: {
    readonly pod?: { readonly namespace: string; readonly name: string; readonly uid: string };
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

/** What `agent recover` or the process before this one activated, perhaps with no API to tell it to. */
export function reportRecalled(memory: Memory, sink: EventSink): void {
  for (const [workload, { phase, options }] of memory.workloads) {
    if (phase.name !== 'active' || options.standbyLock !== undefined) continue;
    reportChange({ workload, from: 'active', to: 'active', reason: phase.reason }, { memory }, sink);
  }
}

/** Posts the Event of one change: on its parent, or on the Node where there is none (any more). */
export function reportChange(change: Change, { memory }: { readonly memory: Memory }, sink: EventSink): void {
  const parent =
    change.to === 'retiring' || change.to === 'held'
      ? undefined
      : memory.workloads.get(change.workload)?.parent;
  const pod = parent && { namespace: parent.namespace, name: parent.name, uid: parent.uid };
  void sink.event({
    ...(pod === undefined ? {} : { pod }),
    type: change.waits || change.to === 'active' || change.to === 'held' ? 'Warning' : 'Normal',
    reason: change.waits ? 'CheckpointWaits' : REASONS[change.to],
    message: pod === undefined ? `${change.workload}: ${change.reason}` : change.reason,
  });
}

/** Tells of parents that cannot be carried, and of those that can with a risk: the same words once for each parent. */
export class CaptureEvents {
  readonly #sink: EventSink;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #told = new Set<string>();

  constructor(sink: EventSink, log: Pick<Logger, 'warn'>) {
    this.#sink = sink;
    this.#log = log;
  }

  /** To be called with every look; says what was not said yet. */
  look({ parents, compiled }: Pick<Observation, 'parents' | 'compiled'>): void {
    if (!parents.known) return;
    for (const [workload, result] of compiled) {
      const parent = liveParent(parents.value, workload);
      if (parent === undefined) continue;
      const { refusals, risks } = captureWords(result);
      const tell = (reason: string, words: readonly string[]): void => {
        const message = words.join('; ');
        const key = `${parent.uid} ${message}`;
        if (message === '' || this.#told.has(key)) return;
        this.#told.add(key);
        this.#log.warn({ workload, pod: parent.name }, `${reason}: ${message}`);
        const pod = { namespace: parent.namespace, name: parent.name, uid: parent.uid };
        void this.#sink.event({ pod, type: 'Warning', reason, message });
      };
      tell('CheckpointRefused', refusals);
      tell('CheckpointAtRisk', risks);
    }
    this.#forget(new Set(parents.value.map(({ uid }) => uid)));
  }

  #forget(uids: ReadonlySet<string>): void {
    for (const key of this.#told) if (!uids.has(key.slice(0, key.indexOf(' ')))) this.#told.delete(key);
  }
}
