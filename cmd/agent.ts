// The command line: `agent <subcommand>`. Each subcommand is one file, loaded only when it is called, so that a
// daemon carries nothing of the others.

import { Command } from 'commander';
import { UsageError } from '../lib/agent/options.ts';
import { VERSION } from './version.ts';

const SUBCOMMANDS: Record<string, () => Promise<{ register(program: Command): void }>> = {
  run: () => import('./run.ts'),
  recover: () => import('./recover.ts'),
  status: () => import('./status.ts'),
  verify: () => import('./verify.ts'),
  forget: () => import('./forget.ts'),
  compile: () => import('./compile.ts'),
  manifests: () => import('./manifests.ts'),
};

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('agent')
    .description('Brings a self-hosted Kubernetes control plane back after a full power loss')
    .version(VERSION)
    .showHelpAfterError("(see 'agent --help')");
  const called = SUBCOMMANDS[argv[2] ?? ''];
  const loaders = called === undefined ? Object.values(SUBCOMMANDS) : [called];
  for (const load of loaders) (await load()).register(program);
  await program.parseAsync(argv);
}

main(process.argv).catch((error: Error) => {
  // One clear line for what a person can mend; a stack only for what is a fault of ours.
  const known = error instanceof UsageError || error.name === 'IdentityError' || error.name === 'StoreError';
  process.stderr.write(`agent: ${known ? error.message : (error.stack ?? error.message)}\n`);
  process.exitCode = 1;
});
