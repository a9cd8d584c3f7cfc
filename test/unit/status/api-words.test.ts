// What a person reads of the API's state: each in words of its own, with what to do about it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiWords } from '../../../lib/status/api-words.ts';
import type { ApiState, AwayCause, DeniedCause } from '../../../lib/types/observation.ts';

const away = (cause: AwayCause): ApiState => ({ name: 'away', cause, detail: 'GET /x', failedProbes: 3 });
const denied = (cause: DeniedCause): ApiState => ({ name: 'denied', cause, detail: 'GET /x: 401' });

const ROWS: [ApiState, RegExp, RegExp | undefined][] = [
  [{ name: 'serving' }, /^serving$/, undefined],
  [{ name: 'serving', starting: true }, /^serving, and not ready yet$/, undefined],
  [{ name: 'unasked' }, /^not asked$/, undefined],
  [away('refused'), /^away: .*nobody listens.*\(GET \/x\)$/, /crictl logs/],
  [away('timed-out'), /^away: no answer in time/, /firewall/],
  [away('unreachable'), /^away: .*cannot be reached/, /DNS/],
  [away('cut-off'), /^away: .*ended without an answer/, /load balancer/],
  [away('failing'), /^away: it answers with an error/, /etcd/],
  [away('throttled'), /^away: .*too many requests/, /load/],
  [away('another-cluster'), /^away: another cluster answers/, /CA was replaced/],
  [away('certificate'), /^away: its certificate is not valid now/, /clock/],
  [away('stranger'), /^away: somebody answers who is no apiserver/, /proxy/],
  [away('no-identity'), /^away: cannot be asked/, /mend what is named/],
  [denied('unauthorized'), /^denied: unauthorized.*\(GET \/x: 401\)$/, /openssl x509/],
  [denied('forbidden'), /^denied: forbidden/, /authorization-mode/],
];
for (const [state, words, advice] of ROWS) {
  const name = 'cause' in state ? `${state.name}, ${state.cause}` : JSON.stringify(state);
  test(`the API ${name}`, () => {
    const told = apiWords(state, false);
    assert.match(told.words, words);
    assert.equal(told.advice === undefined, advice === undefined);
    if (advice !== undefined) assert.match(told.advice ?? '', advice);
  });
}

test('an API that serves another cluster is named as such, with the way out', () => {
  const told = apiWords({ name: 'serving' }, true);
  assert.match(told.words, /^serving another or an emptied cluster/);
  assert.match(told.advice ?? '', /agent forget/);
});
