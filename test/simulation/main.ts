// `npm run simulate -- --schedules N --seed S`: a long run by hand. Tells of each failure the least that leads to it,
// and the story of that.

import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { bundleWorker } from './bundle.ts';
import { runSchedules } from './run-schedules.ts';
import { storyOf } from './story.ts';

function wholeNumber(text: string): number {
  if (!/^[1-9][0-9]{0,9}$/.test(text)) throw new InvalidArgumentError('it must be a whole number from 1 on');
  return Number(text);
}

async function main(): Promise<void> {
  const { schedules, seed, processes } = new Command('simulate')
    .description('plays random histories of a simulated master and holds the ten rules against each')
    .option('--schedules <count>', 'how many', wholeNumber, 2_000)
    .option(
      '--seed <seed>',
      'the first one; one schedule with the seed of a failure plays it again, after those before it on its machine',
      wholeNumber,
      1,
    )
    .option('--processes <count>', 'at a time', wholeNumber, availableParallelism())
    .parse()
    .opts<{ schedules: number; seed: number; processes: number }>();
  const scratch = mkdtempSync(join(tmpdir(), 'checkpoint-agent-simulation-'));
  try {
    const worker = join(scratch, 'worker.mjs');
    await bundleWorker(worker);
    const beganMs = performance.now();
    let toldMs = beganMs;
    const run = await runSchedules({
      worker,
      first: seed,
      count: schedules,
      processes: Math.min(processes, schedules),
      onFailure: (failure) => console.log(storyOf(failure)),
      onProgress(done, failures) {
        if (performance.now() - toldMs < 5_000) return;
        toldMs = performance.now();
        const perSecond = done / ((toldMs - beganMs) / 1_000);
        console.error(`${done} of ${schedules}, ${failures} failed, ${perSecond.toFixed(0)} a second`);
      },
    });
    const seconds = (performance.now() - beganMs) / 1_000;
    const [days, cpu] = [run.virtualMs / 86_400_000, run.cpuMs / run.done];
    console.log(
      `${run.done} schedules, ${run.failures.length} failed; ${days.toFixed(1)} simulated days in ${seconds.toFixed(0)} s, ${cpu.toFixed(1)} ms of processor each`,
    );
    process.exitCode = run.failures.length === 0 ? 0 : 1;
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

await main();
