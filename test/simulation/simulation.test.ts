// Random histories of a simulated master, with the ten rules held against each at every step; and the same
// with bugs put in on purpose, every one of which must be noticed.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bundleWorker, type Mutant } from './bundle.ts';
import { KNOWN } from './known-histories.ts';
import { MUTANTS } from './mutants.ts';
import { runSchedules } from './run-schedules.ts';
import { storyOf } from './story.ts';

const SCHEDULES = 10_000;
/** A bug must show within so many. */
const SCHEDULES_A_MUTANT = 2_000;
const PROCESSES = availableParallelism();

let scratch = '';
before(() => {
  scratch = mkdtempSync(join(tmpdir(), 'checkpoint-agent-simulation-'));
});
after(() => rmSync(scratch, { recursive: true }));

describe('the simulated master', () => {
  it(`holds every rule in the known histories and in ${SCHEDULES} random ones`, async (test) => {
    const worker = join(scratch, 'worker.mjs');
    await bundleWorker(worker);
    const beganMs = performance.now();
    const run = await runSchedules({
      worker,
      first: 1,
      count: SCHEDULES,
      processes: PROCESSES,
      known: KNOWN,
    });
    const seconds = (performance.now() - beganMs) / 1_000;
    test.diagnostic(
      `${run.done} schedules in ${seconds.toFixed(0)} s, ${(run.cpuMs / run.done).toFixed(1)} ms of processor each: ` +
        `${(run.virtualMs / 86_400_000).toFixed(1)} simulated days, ${(run.calls / 1e6).toFixed(1)} million calls of the agent`,
    );
    assert.equal(run.failures.length, 0, run.failures.slice(0, 3).map(storyOf).join('\n'));
    const known = KNOWN.reduce((sum, { schedules }) => sum + schedules.length, 0);
    assert.equal(run.done, SCHEDULES + known);
  });

  it(`notices each of ${MUTANTS.length} bugs`, async (test) => {
    assert.ok(MUTANTS.length >= 20);
    const left = [...MUTANTS.entries()];
    const survivors: string[] = [];
    const hunt = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [number, mutant] = next;
        const caught = await catchMutant(join(scratch, `mutant-${number}.mjs`), mutant);
        if (caught === undefined) survivors.push(mutant.name);
        else test.diagnostic(`${mutant.name}: schedule ${caught.done}, ${caught.by}`);
      }
    };
    await Promise.all(Array.from({ length: PROCESSES }, hunt));
    assert.deepEqual(survivors, []);
  });
});

async function catchMutant(
  worker: string,
  mutant: Mutant,
): Promise<{ done: number; by: string } | undefined> {
  await bundleWorker(worker, mutant);
  const run = await runSchedules({
    worker,
    first: 1,
    count: SCHEDULES_A_MUTANT,
    processes: 1,
    known: KNOWN,
    untilFailure: true,
    isolate: false,
  });
  const [failure] = run.failures;
  return failure && { done: run.done, by: failure.failure.slice(0, 90) };
}
