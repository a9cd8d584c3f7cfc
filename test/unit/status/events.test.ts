// Where an Event stands and how it is called: what a person sees with `kubectl describe`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../../lib/decide/decide.ts';
import type { QueuedEvent } from '../../../lib/status/event-queue.ts';
import { reportChange, reportRecalled } from '../../../lib/status/events.ts';
import { known } from '../../../lib/types/observed.ts';
import { AGENT, SCHEDULER } from '../decide/pods.ts';
import { Scene } from '../decide/scene.ts';

function posted(
  tell: (sink: { event(event: QueuedEvent): Promise<ReturnType<typeof known<true>>> }) => void,
): QueuedEvent[] {
  const events: QueuedEvent[] = [];
  tell({
    event: async (event) => {
      events.push(event);
      return known(true);
    },
  });
  return events;
}

function eventOf(change: Partial<Change>): string {
  const { memory } = new Scene().with(SCHEDULER).run(1_000);
  const whole: Change = { workload: SCHEDULER, from: 'standby', to: 'standby', reason: 'so', ...change };
  const [event] = posted((sink) => reportChange(whole, { memory }, sink));
  return `${event?.type} ${event?.reason} on ${event?.pod?.name ?? 'the Node'}: ${event?.message}`;
}

const NAME = 'kube-scheduler-x0001';

test('what happens to a workload stands on its parent', () => {
  assert.equal(eventOf({ to: 'active' }), `Warning CheckpointActivated on ${NAME}: so`);
  assert.equal(eventOf({ to: 'handover' }), `Normal CheckpointWithdrawn on ${NAME}: so`);
  assert.equal(eventOf({ to: 'standby' }), `Normal CheckpointStandingBy on ${NAME}: so`);
});

test('what waits is a warning of its own kind', () => {
  assert.equal(eventOf({ to: 'active', waits: true }), `Warning CheckpointWaits on ${NAME}: so`);
});

test('where the parent is gone, or was never seen, it stands on the Node and names the workload', () => {
  assert.equal(eventOf({ to: 'retiring' }), `Normal CheckpointRetiring on the Node: ${SCHEDULER}: so`);
  assert.equal(eventOf({ to: 'held' }), `Warning CheckpointHeld on the Node: ${SCHEDULER}: so`);
  assert.equal(
    eventOf({ workload: AGENT, to: 'active' }),
    `Warning CheckpointActivated on the Node: ${AGENT}: so`,
  );
});

test('what was activated before this process began is told by it, but for a stand-by', () => {
  const scene = new Scene().with(SCHEDULER).with(AGENT, { standbyLock: true }).powerLoss().run(500).restart();
  const events = posted((sink) => reportRecalled(scene.memory, sink));
  assert.deepEqual(
    events.map(({ reason, message }) => `${reason}: ${message}`),
    ['CheckpointActivated: first boot pass: nothing of it runs and no API answers'],
  );
});
