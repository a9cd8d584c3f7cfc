// Events wait for the API and are posted in order, with the time of what they tell.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventQueue, type QueuedEvent } from '../../../lib/status/event-queue.ts';
import type { ApiState } from '../../../lib/types/observation.ts';
import { known, type Observed, unknown } from '../../../lib/types/observed.ts';

const AWAY: ApiState = { name: 'away', cause: 'refused', detail: '-', failedProbes: 1 };

class Api {
  current: ApiState = { name: 'serving' };
  answer: Observed<true> = known(true);
  nowMs = 1_000;
  readonly posted: QueuedEvent[] = [];
  attempts = 0;
  readonly queue = new EventQueue(this, () => this.nowMs);

  state(): ApiState {
    return this.current;
  }

  async event(event: QueuedEvent): Promise<Observed<true>> {
    this.attempts += 1;
    if (this.answer.known) this.posted.push(event);
    return this.answer;
  }

  async tell(message: string): Promise<void> {
    await this.queue.event({ type: 'Normal', reason: 'Told', message });
    await new Promise(setImmediate);
  }

  get messages(): string {
    return this.posted.map(({ message }) => message).join();
  }
}

test('with an API, an Event is posted at once', async () => {
  const api = new Api();
  await api.tell('a');
  assert.equal(api.messages, 'a');
});

test('without one they wait, and are posted in order with their own times when it is back', async () => {
  const api = new Api();
  api.current = AWAY;
  await api.tell('a');
  api.nowMs = 2_000;
  await api.tell('b');
  assert.equal(api.attempts, 0);
  api.nowMs = 60_000;
  api.current = { name: 'serving', starting: true };
  await api.queue.flush();
  assert.equal(api.attempts, 0);
  api.current = { name: 'serving' };
  await api.queue.flush();
  assert.deepEqual(
    api.posted.map(({ message, atMs }) => [message, atMs]),
    [
      ['a', 1_000],
      ['b', 2_000],
    ],
  );
});

test('an API that goes in the middle keeps what it did not take', async () => {
  const api = new Api();
  api.current = AWAY;
  await api.tell('a');
  api.current = { name: 'serving' };
  api.answer = unknown('ECONNRESET');
  const flushing = api.queue.flush();
  api.current = AWAY;
  await flushing;
  for (let i = 0; i < 10; i++) await api.queue.flush();
  api.current = { name: 'serving' };
  api.answer = known(true);
  await api.queue.flush();
  assert.equal(api.messages, 'a');
});

test('what an API that serves refuses three times does not stand in the way of the next', async () => {
  const api = new Api();
  api.answer = unknown('404');
  await api.tell('refused');
  await api.queue.flush();
  await api.queue.flush();
  api.answer = known(true);
  await api.tell('next');
  assert.equal(api.messages, 'next');
});

test('of too many the oldest go', async () => {
  const api = new Api();
  api.current = AWAY;
  for (let i = 0; i < 150; i++) await api.queue.event({ type: 'Normal', reason: 'Told', message: `${i}` });
  api.current = { name: 'serving' };
  await api.queue.flush();
  assert.equal(api.posted.length, 100);
  assert.equal(api.posted[0]?.message, '50');
});
