// Which line of the store asked for the fsync that the model disk carries out now, as `file:line`.

import { relative } from 'node:path';

const STORE = new URL('../../lib/store/', import.meta.url);

const FRAMES_MAX = 12;

export function fsyncSite(): string {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES_MAX;
  const stack = new Error('where').stack ?? '';
  Error.stackTraceLimit = before;
  const frame = stack.split('\n').find((line) => line.includes('/lib/store/'));
  const place = /([^( ]*\/lib\/store\/[^:)]+:\d+)/.exec(frame ?? '')?.[1];
  if (place === undefined) throw new Error(`fsync was not called by the store:\n${stack}`);
  return relative(STORE.pathname, place.replace('file://', ''));
}
