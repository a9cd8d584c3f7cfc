// Turns the bytes of a watch into events: one JSON object a line, lines and UTF-8 cut anywhere by the network.
// A line that was never finished is dropped: the stream was cut, and the next list tells.

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR' | (string & {});
  readonly object: unknown;
}

const NEWLINE = 0x0a;

/** Throws what the stream throws, and on a line that is not an event. */
export async function* watchEvents(chunks: AsyncIterable<Buffer>): AsyncGenerator<WatchEvent> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      pending.push(chunk.subarray(start, end));
      start = end + 1;
      const line = Buffer.concat(pending).toString('utf8').trim();
      pending = [];
      if (line !== '') yield toEvent(line);
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
}

function toEvent(line: string): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    throw new Error('the watch sent a line that is not JSON');
  }
  if (typeof event !== 'object' || event === null || !('type' in event) || typeof event.type !== 'string') {
    throw new Error('the watch sent a line that is not an event');
  }
  return event as WatchEvent;
}
