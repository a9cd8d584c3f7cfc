// Questions asked beside the passes: what is read before, between and after their answers, and how often they go out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Answers } from '../../../lib/agent/answers.ts';

class Questions {
  nowMs = 0;
  told = 0;
  asked = 0;
  answer = 'yes';
  readonly answers = new Answers<string>({
    pending: 'pending',
    freshMs: 1_000,
    lasting: (answer) => answer === 'cannot' || answer === 'pending',
    freshMsMax: 5_000,
    monotonicMs: () => this.nowMs,
    onAnswer: () => {
      this.told += 1;
    },
  });

  async read(key = 'a'): Promise<string> {
    const read = this.answers.read(key, async () => {
      this.asked += 1;
      return this.answer;
    });
    await new Promise(setImmediate);
    return read;
  }

  /** Reads every 100 ms for so long; resolves with how many questions went out. */
  async readFor(ms: number): Promise<number> {
    const before = this.asked;
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 100) await this.read();
    return this.asked - before;
  }
}

test('pending until the first answer, which is told, and then read until it is stale; the same again is not told', async () => {
  const questions = new Questions();
  assert.equal(await questions.read(), 'pending');
  assert.equal(await questions.read(), 'yes');
  assert.equal(questions.told, 1);
  assert.equal(await questions.readFor(10_000), 9);
  assert.equal(questions.told, 1);
});

test('a stale answer is read while the next one is asked for', async () => {
  const questions = new Questions();
  await questions.read();
  questions.answer = 'no';
  questions.nowMs = 1_000;
  assert.equal(await questions.read(), 'yes');
  assert.equal(await questions.read(), 'no');
  assert.equal(questions.told, 2);
});

test('a lasting answer is asked for ever less often, and at the old pace once it changed', async () => {
  const questions = new Questions();
  questions.answer = 'cannot';
  // At 0, 1, 3, 7, 12, 17, 22 and 27 s.
  assert.equal(await questions.readFor(30_000), 8);
  questions.answer = 'yes';
  await questions.readFor(5_000);
  assert.equal(await questions.readFor(10_000), 10);
});

test('what nobody asks about any more is forgotten', async () => {
  const questions = new Questions();
  await questions.read('a');
  questions.answers.retain(new Set(['b']));
  assert.equal(await questions.read('a'), 'pending');
});
