// `npm test`: builds the agent, runs the tests of the pure parts and of the sources, then, as root on Debian, faults of
// real file systems, the power cuts of a virtual machine and the end-to-end tests on the real cluster. The last line
// counts everything that ran.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingRequirement as missingForCluster } from './cluster/requirements.ts';
import { IN_PRIVATE_MOUNTS, missingRequirement as missingForMounts } from './faults/private-mounts.ts';
import { missingRequirement as missingForVirtualMachine } from './powercut/debian-parts.ts';

interface Count {
  passed: number;
  failed: number;
}

const root = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'checkpoint-agent-test-'));
const total: Count = { passed: 0, failed: 0 };

function testFiles(folder: string): string[] {
  const names = readdirSync(join(root, 'test', folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', folder, name))
    .sort();
}

/** Runs one group of test files and adds its counts; a runner that ends badly without a failed test is a failure. */
function runGroup(
  title: string,
  files: readonly string[],
  concurrency: number,
  wrapper: readonly string[] = [],
): void {
  console.log(`\n== ${title}: ${files.length} files`);
  const tap = join(scratch, `${title.replaceAll(/\W+/g, '-')}.tap`);
  const reporters = [
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${tap}`,
  ];
  const node = [process.execPath, '--import', 'tsx', '--test', `--test-concurrency=${concurrency}`];
  const [program = '', ...args] = [...wrapper, ...node, ...reporters, ...files];
  const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  const summary = readFileSync(tap, 'utf8');
  const count = (name: string): number =>
    Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(summary)?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  total.passed += count('pass');
  total.failed += failed === 0 && status !== 0 ? 1 : failed;
}

const unit = ['unit', 'integration', 'crash'].flatMap(testFiles);
const only = process.argv[2];
const wants = (part: string): boolean => only === undefined || only === part;
if (wants('unit')) runGroup('unit and integration', unit, 2);
// It runs worker processes of its own.
if (wants('simulation')) runGroup('simulation', testFiles('simulation'), 1);

/** Groups that need more than Node: `npm test <folder>` runs one of them. */
const demanding = [
  {
    folder: 'faults',
    title: 'faults of real file systems',
    missing: missingForMounts,
    wrapper: IN_PRIVATE_MOUNTS,
  },
  { folder: 'powercut', title: 'power cuts of a virtual machine', missing: missingForVirtualMachine },
  { folder: 'e2e', title: 'end to end on the real cluster', missing: missingForCluster },
];
for (const { folder, title, missing, wrapper } of demanding) {
  if (!wants(folder)) continue;
  const lacking = await missing();
  if (lacking === undefined) {
    runGroup(title, testFiles(folder), 1, wrapper);
  } else {
    console.error(`\n!! DID NOT RUN: ${title}: ${lacking}`);
    // On a developer's laptop that is said; in CI it is a failure.
    if (process.env.CI !== undefined) total.failed += 1;
  }
}

rmSync(scratch, { recursive: true, force: true });
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
