// `npm run powercut -- --cuts 500`: power cuts of a virtual machine in which the real store works on a real disk. Half of
// the cuts are on ext4, half on xfs, one machine of each at a time. Exit code 1 when anything acknowledged was lost.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PowerCutError } from './boot.ts';
import { Campaign } from './campaign.ts';
import { debianParts, missingRequirement } from './debian-parts.ts';
import { type FileSystem, makeGuestImages } from './guest-images.ts';
import type { Mutation } from './protocol.ts';
import { workDirectory } from './work-directory.ts';

const MUTATIONS: readonly string[] = ['none', 'no-fsync', 'no-flush'] satisfies Mutation[];

const { values } = parseArgs({
  options: {
    cuts: { type: 'string', default: '25' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    /** To see that the power cut finds it. */
    mutation: { type: 'string', default: 'none' },
  },
});
function refuse(why: string): never {
  console.error(`powercut: ${why}`);
  process.exit(2);
}

const cuts = Number(values.cuts);
const seed = Number(values.seed);
if (!Number.isSafeInteger(cuts) || cuts < 1)
  refuse(`--cuts: '${values.cuts}' is not a whole number from 1 on`);
if (!Number.isSafeInteger(seed)) refuse(`--seed: '${values.seed}' is not a whole number`);
if (!MUTATIONS.includes(values.mutation)) refuse(`--mutation: one of ${MUTATIONS.join(', ')}`);
const missing = await missingRequirement();
if (missing !== undefined) refuse(`no virtual machine here: ${missing}`);

const directory = workDirectory();
const log = (line: string): void => console.log(line);
const images = await makeGuestImages(await debianParts(log), directory);
const startedMs = performance.now();
log(`${cuts} power cuts, seed ${seed}: again with --seed ${seed}`);

async function campaign(fileSystem: FileSystem, share: number, seed: number): Promise<number> {
  if (share === 0) return 0;
  mkdirSync(join(directory, fileSystem));
  const mutation = values.mutation as Mutation;
  const begun = await Campaign.begin({
    images,
    directory: join(directory, fileSystem),
    fileSystem,
    seed,
    mutation,
  });
  await begun.run(share, log);
  return begun.operations;
}

try {
  // The mutations need mount options of ext4.
  const onXfs = values.mutation === 'none' ? Math.floor(cuts / 2) : 0;
  const operations = await Promise.all([
    campaign('ext4', cuts - onXfs, seed),
    campaign('xfs', onXfs, seed + 1),
  ]);
  const total = operations.reduce((sum, each) => sum + each, 0);
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  log(
    `nothing lost: ${total} acknowledged operations survived ${cuts} power cuts, ${seconds} s, seed ${seed}`,
  );
} catch (error) {
  if (!(error instanceof PowerCutError)) throw error;
  console.error(`LOST, seed ${seed}: ${error.message}`);
  process.exit(1);
}
