// The bytes of a watch as events, wherever the network cut them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchEvents } from '../../../lib/observe/apiserver/watch-stream.ts';

async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const EVENTS = [
  { type: 'ADDED', object: { metadata: { name: 'ä€𝄞' } } },
  { type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } },
];
const STREAM = Buffer.from(EVENTS.map((event) => `${JSON.stringify(event)}\n`).join(''));

test('events are the same for every size of the chunks', async () => {
  for (let size = 1; size <= STREAM.length; size++) {
    assert.deepEqual(await all(STREAM, size), EVENTS);
  }
});

test('blank lines are passed over, and a line that was never finished is dropped', async () => {
  assert.deepEqual(
    await all(Buffer.concat([Buffer.from('\n\r\n'), STREAM, Buffer.from('{"type":"ADDED","obj')]), 10),
    EVENTS,
  );
});

test('a finished line that is not an event ends the stream with an error', async () => {
  await assert.rejects(all(Buffer.from('<html>\n'), 100), /not JSON/);
  await assert.rejects(all(Buffer.from('{"kind":"Status"}\n'), 100), /not an event/);
});

async function all(bytes: Buffer, size: number): Promise<unknown[]> {
  const events: unknown[] = [];
  for await (const event of watchEvents(chunksOf(bytes, size))) events.push(event);
  return events;
}
