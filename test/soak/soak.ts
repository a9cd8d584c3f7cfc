// `npm run soak -- [PART…] [--kubernetes MINOR] [--etcd MINOR] [--containerd MINOR]`: what takes too long for `npm test`,
// with the agent built before it. The latest result of each part on each set of versions is kept in test/soak/results.json.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import {
  askedVersions,
  defaultVersions,
  pinnedVersions,
  productsDirectory,
  type Versions,
} from '../cluster/products.ts';
import { missingRequirement as missingForCluster } from '../cluster/requirements.ts';
import { missingRequirement as missingForVirtualMachine } from '../powercut/debian-parts.ts';
import { type GroupResult, Runner, root, sayCounts, writeJson } from '../run-groups.ts';

const RESULTS = 'test/soak/results.json';

const PARTS = {
  'main-story': 'pivot, power loss, handover, update and bad update: the story of the support matrix',
  updates: 'ten updates of everything, with power losses at random moments (SEED=n: the same again)',
  boots: 'twenty power losses in a row (BOOTS=n: as many)',
  simulation: 'many random histories of the simulated master',
  powercut: 'five hundred power cuts of a virtual machine',
} as const;
type Part = keyof typeof PARTS;

/** Part → its latest result; by versions, since a part of the cluster is asked for other ones. */
type Results = Record<string, Partial<Record<Part, GroupResult & { date: string; node: string }>>>;

const minors = (product: keyof Versions): Option =>
  new Option(`--${product} <minor>`, `default ${defaultVersions[product]}`).choices(
    readdirSync(join(productsDirectory, product)).sort(),
  );

const program = new Command('soak')
  .description(
    'runs what takes too long for `npm test`; without a part all of them, or main-story for other versions',
  )
  .argument(
    '[parts...]',
    Object.entries(PARTS)
      .map((part) => part.join(': '))
      .join('; '),
  )
  .addOption(minors('kubernetes'))
  .addOption(minors('etcd'))
  .addOption(minors('containerd'))
  .parse();

const asked = program.opts<Partial<Versions>>();
const parts = (program.args.length > 0 ? program.args : defaultParts()) as Part[];
const unknown = parts.find((part) => !(part in PARTS));
if (unknown !== undefined) {
  console.error(`soak: there is no part ${unknown}: ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}

function defaultParts(): string[] {
  return Object.keys(asked).length > 0 ? ['main-story'] : Object.keys(PARTS);
}

/** How the cluster's processes are told which versions to be made of. */
const environment = Object.fromEntries(
  Object.entries(asked).map(([product, minor]) => [`CLUSTER_${product.toUpperCase()}`, minor]),
);
const versions = pinnedVersions(askedVersions({ ...process.env, ...environment }));

async function runPart(part: Part): Promise<GroupResult> {
  const runner = new Runner();
  const needsVirtualMachine = part === 'powercut';
  const lacking =
    part === 'simulation'
      ? undefined
      : await (needsVirtualMachine ? missingForVirtualMachine() : missingForCluster());
  const node = [process.execPath, '--import', 'tsx'];
  if (lacking !== undefined) runner.couldNotRun(part, lacking);
  else if (part === 'simulation') {
    runner.check('40 000 schedules', [...node, 'test/simulation/main.ts', '--schedules', '40000']);
  } else if (part === 'powercut') {
    runner.check('500 power cuts', [...node, 'test/powercut/powercut.ts', '--cuts', '500']);
  } else runner.run({ title: part, files: [`test/soak/${part}.test.ts`], env: environment });
  return runner.finish();
}

const total = { passed: 0, failed: 0 };
for (const part of parts) {
  const result = await runPart(part);
  total.passed += result.passed;
  total.failed += result.failed;
  const results = JSON.parse(readFileSync(join(root, RESULTS), 'utf8')) as Results;
  const { kubernetes, etcd, containerd } = versions;
  const on = `Kubernetes ${kubernetes}, etcd ${etcd}, containerd ${containerd}`;
  results[on] = {
    ...results[on],
    [part]: { date: new Date().toISOString().slice(0, 10), node: process.version, ...result },
  };
  writeJson(RESULTS, results);
}
console.log(`\nThe latest results: ${RESULTS}`);
sayCounts(total);
