// `agent verify`: every digest on the disk checked now, read-only, also while the agent runs. Findings one a line, and
// a verdict. Exit code 0 only when everything is intact.

import type { Command } from 'commander';
import { UsageError } from '../lib/agent/options.ts';
import { DEFAULT_STATE_DIR } from '../lib/store/layout.ts';
import { type VerifyReport, verifyStore } from '../lib/store/verify-store.ts';

interface Options {
  readonly stateDir: string;
  readonly output: string;
}

const REVISION_SHOWN = 12;

export function register(program: Command): void {
  program
    .command('verify')
    .description('check every stored file against its digest, without changing anything')
    .option('--state-dir <dir>', 'where checkpoints are kept', DEFAULT_STATE_DIR)
    .option('-o, --output <format>', 'text or json', 'text')
    .action(async ({ stateDir, output }: Options) => {
      if (output !== 'text' && output !== 'json') {
        throw new UsageError(`--output: '${output}' is neither text nor json`);
      }
      const report = await verifyStore(stateDir);
      process.stdout.write(output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : render(report));
      process.exitCode = report.intact ? 0 : 1;
    });
}

export function render(report: VerifyReport): string {
  const lines = report.workloads.map(({ workload, proven, revisions, bytes }) => {
    const shown = proven === undefined ? 'none proven' : `proven ${proven.slice(0, REVISION_SHOWN)}`;
    return `${workload}: ${revisions.length} intact, ${shown}, ${bytes} bytes`;
  });
  lines.push(...report.findings.map(({ path, problem, action }) => `DAMAGED ${path}: ${problem}; ${action}`));
  lines.push(...report.quarantined.map((path) => `put away earlier: ${path}`));
  const count = report.findings.length;
  lines.push(report.intact ? `all intact in ${report.stateDir}` : `${count} findings in ${report.stateDir}`);
  return `${lines.join('\n')}\n`;
}
