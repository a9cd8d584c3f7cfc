// The log says when the API and the runtime were lost and found, and says nothing twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SourceLog } from '../../../lib/status/source-log.ts';
import type { ApiState, RuntimeView } from '../../../lib/types/observation.ts';
import { known, type Observed, unknown } from '../../../lib/types/observed.ts';

const SERVING: ApiState = { name: 'serving' };
const STARTING: ApiState = { name: 'serving', starting: true };
const away = (cause: 'refused' | 'failing', failedProbes: number): ApiState => ({
  name: 'away',
  cause,
  detail: 'GET /readyz',
  failedProbes,
});
const ANSWERS = known({ pods: [], images: new Set<string>() });

/** What is said while each of these is seen, a second apart. */
function said(...looks: readonly (readonly [ApiState, Observed<RuntimeView>])[]): string[] {
  const lines: string[] = [];
  const line =
    (level: string) =>
    (fields: object, text?: string): void =>
      void lines.push(`${level} ${JSON.stringify(fields)} ${text}`);
  let nowMs = 0;
  const log = new SourceLog({ info: line('info'), warn: line('warn') } as never, () => nowMs);
  for (const [api, runtime] of looks) {
    log.look({ api, runtime });
    nowMs += 1_000;
  }
  return lines.filter((text) => !text.includes('"source":"runtime"} answers'));
}

const api = (...states: ApiState[]): string[] => said(...states.map((state) => [state, ANSWERS] as const));

test('what the API is at first, when it is lost, and after how long it is back', () => {
  assert.deepEqual(api({ name: 'unasked' }, SERVING, away('refused', 1), away('refused', 2), SERVING), [
    'info {"source":"api"} serving',
    'warn {"source":"api","afterMs":1000} away: connection refused, nobody listens there (GET /readyz)',
    'info {"source":"api","afterMs":2000} serving',
  ]);
});

test('another way of being away is told, and once only', () => {
  const lines = api(away('refused', 1), away('failing', 2), away('refused', 3), away('failing', 4), STARTING);
  assert.deepEqual(
    lines.map((text) => text.replace(/ \(GET.*/, '')),
    [
      'warn {"source":"api"} away: connection refused, nobody listens there',
      'warn {"source":"api"} away: it answers with an error of its own',
      'info {"source":"api","afterMs":4000} serving, and not ready yet',
    ],
  );
});

test('an API that becomes ready is told, and how long it served is counted from its return', () => {
  assert.deepEqual(
    api(SERVING, away('refused', 1), STARTING, SERVING, SERVING, away('refused', 1)).slice(2),
    [
      'info {"source":"api","afterMs":1000} serving, and not ready yet',
      'info {"source":"api"} serving',
      'warn {"source":"api","afterMs":3000} away: connection refused, nobody listens there (GET /readyz)',
    ],
  );
});

test('a runtime that does not answer, and answers again', () => {
  const gone = unknown('the runtime: no answer within 2 s');
  assert.deepEqual(said([SERVING, ANSWERS], [SERVING, gone], [SERVING, gone], [SERVING, ANSWERS]).slice(1), [
    'warn {"source":"runtime","afterMs":1000} the runtime: no answer within 2 s',
    'info {"source":"runtime","afterMs":2000} answers',
  ]);
});
