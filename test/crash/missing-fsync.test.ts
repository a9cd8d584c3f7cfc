// The model bites: leave out any one fsync of the store's source, and the power cut finds it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, inParallel } from './explorations.ts';

/** Together they pass every fsync of the store: asserted below by their number. */
const EXPLORATIONS = ['life', 'damage', 'kill'];
const FSYNC_SITES_MIN = 20;

async function findsMissing(site: string): Promise<string | undefined> {
  for (const name of EXPLORATIONS) {
    if ((await explore(name, '1', site)).failure !== undefined) return name;
  }
  return undefined;
}

test('with any single fsync left out of the store, a power cut loses something', async (t) => {
  const seen = await inParallel(EXPLORATIONS, (name) => explore(name, '1', 'none'));
  assert.deepEqual(
    seen.map((each) => each.failure),
    EXPLORATIONS.map(() => undefined),
  );
  const sites = [...new Set(seen.flatMap((each) => each.sites))].sort();
  assert.ok(sites.length >= FSYNC_SITES_MIN, `only ${sites.length} places call fsync`);
  const finders = await inParallel(sites, findsMissing);
  for (const [index, site] of sites.entries()) {
    t.diagnostic(`without the fsync at ${site}: ${finders[index] ?? 'NOTHING FOUND'}`);
  }
  assert.deepEqual(
    sites.filter((_, index) => finders[index] === undefined),
    [],
    'the power cuts do not notice these missing syncs',
  );
});
