// Runs groups of tests one after the other, counts all that ran, and ends with the figures and one line of counts. What
// `npm test` and `npm run soak` have in common.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Figures, figuresTable, recorded } from './e2e/figures.ts';

export const root = join(import.meta.dirname, '..');

export interface TestGroup {
  readonly title: string;
  /** Test files, as paths from the root. */
  readonly files: readonly string[];
  /** How many of them at a time; default 1. */
  readonly concurrency?: number;
  /** A command that runs the command that follows it. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface GroupResult {
  readonly passed: number;
  readonly failed: number;
  readonly figures: readonly Figures[];
}

export class Runner {
  private passed = 0;
  private failed = 0;
  private readonly scratch = mkdtempSync(join(tmpdir(), 'checkpoint-agent-test-'));
  private readonly startedMs = performance.now();

  constructor() {
    writeFileSync(this.figuresFile, '');
  }

  private get figuresFile(): string {
    return join(this.scratch, 'figures.jsonl');
  }

  /** One command that passes or fails as a whole. */
  check(title: string, argv: readonly string[]): void {
    const [program = '', ...args] = argv;
    this.headline(title);
    const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    if (status === 0) this.passed += 1;
    else this.failed += 1;
  }

  /** Adds the counts of one group; a runner that ends badly without a failed test is a failure. */
  run({ title, files, concurrency = 1, wrapper = [], env = {} }: TestGroup): void {
    this.headline(`${title}: ${files.length} files`);
    const tap = join(this.scratch, `${title.replaceAll(/\W+/g, '-')}.tap`);
    const reporters = [
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=tap',
      `--test-reporter-destination=${tap}`,
    ];
    const node = [process.execPath, '--import', 'tsx', '--test', `--test-concurrency=${concurrency}`];
    const [program = '', ...args] = [...wrapper, ...node, ...reporters, ...files];
    const { status } = spawnSync(program, args, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, FIGURES_FILE: this.figuresFile, ...env },
    });
    const summary = readFileSync(tap, 'utf8');
    const count = (name: string): number =>
      Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(summary)?.[1] ?? 0);
    const failed = count('fail') + count('cancelled') + count('skipped') + count('todo');
    this.passed += count('pass');
    this.failed += failed === 0 && status !== 0 ? 1 : failed;
  }

  /** A group that this machine cannot run. On a developer's laptop that is said; in CI it is a failure. */
  couldNotRun(title: string, why: string): void {
    console.error(`\n!! DID NOT RUN: ${title}: ${why}`);
    if (process.env.CI !== undefined) this.failed += 1;
  }

  /** Prints the figures. */
  finish(): GroupResult {
    const figures = recorded(this.figuresFile);
    rmSync(this.scratch, { recursive: true, force: true });
    if (figures.length > 0) console.log(`\n${figuresTable(figures)}`);
    console.log(`\nAll of it took ${this.minutes()} minutes.`);
    return { passed: this.passed, failed: this.failed, figures };
  }

  private headline(title: string): void {
    console.log(`\n== ${title} (${this.minutes()} minutes so far)`);
  }

  private minutes(): string {
    return ((performance.now() - this.startedMs) / 60_000).toFixed(1);
  }
}

/** The last line of every run, and its exit code: a run in which nothing passed has failed. */
export function sayCounts({ passed, failed }: { passed: number; failed: number }): void {
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

export function writeJson(file: string, value: object): void {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), `${JSON.stringify(value, undefined, 2)}\n`);
}

/** The test files of a folder below test/, as paths from the root. */
export function testFiles(folder: string): string[] {
  const names = readdirSync(join(root, 'test', folder), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', folder, name))
    .sort();
}
