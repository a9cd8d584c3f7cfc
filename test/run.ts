// `npm test`, with the agent built before it: type check, lint and dead code; the tests of the pure parts and of the
// sources; then, as root on Debian, faults of real file systems, the power cuts of a virtual machine and the end-to-end
// tests on the real cluster. `npm test PART` runs one of checks, unit, simulation, faults, powercut, e2e. The last line
// counts everything that ran.

import { askedVersions, pinnedVersions } from './cluster/products.ts';
import { missingRequirement as missingForCluster } from './cluster/requirements.ts';
import { IN_PRIVATE_MOUNTS, missingRequirement as missingForMounts } from './faults/private-mounts.ts';
import { missingRequirement as missingForVirtualMachine } from './powercut/debian-parts.ts';
import { Runner, sayCounts, testFiles, writeJson } from './run-groups.ts';

const PARTS = ['checks', 'unit', 'simulation', 'faults', 'powercut', 'e2e'] as const;
type Part = (typeof PARTS)[number];

const only = process.argv[2];
if (only !== undefined && !PARTS.some((part) => part === only)) {
  console.error(`npm test ${only}: there is no such part; one of ${PARTS.join(', ')}, or none for all`);
  process.exit(2);
}
const wants = (part: Part): boolean => only === undefined || only === part;
const runner = new Runner();

if (wants('checks')) {
  runner.check('type check', ['tsc', '--noEmit']);
  runner.check('lint: Biome, with the rules of import', ['biome', 'check', '.']);
  runner.check('dead code: knip', ['knip']);
}
if (wants('unit')) {
  const files = ['unit', 'integration', 'crash'].flatMap(testFiles);
  runner.run({ title: 'unit and integration', files, concurrency: 2 });
}
// It runs worker processes of its own.
if (wants('simulation')) runner.run({ title: 'simulation', files: testFiles('simulation') });

/** Groups that need more than Node. */
const demanding = [
  {
    part: 'faults',
    title: 'faults of real file systems',
    missing: missingForMounts,
    wrapper: IN_PRIVATE_MOUNTS,
  },
  { part: 'powercut', title: 'power cuts of a virtual machine', missing: missingForVirtualMachine },
  { part: 'e2e', title: 'end to end on the real cluster', missing: missingForCluster },
] as const;
for (const { part, title, missing, ...rest } of demanding) {
  if (!wants(part)) continue;
  const lacking = await missing();
  if (lacking === undefined) runner.run({ title, files: testFiles(part), ...rest });
  else runner.couldNotRun(title, lacking);
}

const result = runner.finish();
const file = 'dist/figures.json';
writeJson(file, {
  date: new Date().toISOString(),
  node: process.version,
  ...pinnedVersions(askedVersions()),
  ...result,
});
console.log(`Figures and counts as JSON: ${file}`);
sayCounts(result);
