// Puts the simulation and the agent's sources together into one file for a worker process; with a mutant, one of those
// sources is changed on its way. The tree itself is never touched.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');

/** A plausible bug: one place of one file written otherwise. */
export interface Mutant {
  readonly name: string;
  /** Below the root of the project. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Errors: the mutant's patch no longer applies. */
export async function bundleWorker(outfile: string, mutant?: Mutant): Promise<void> {
  // Outside of the build, whose errors would be printed as well.
  const patched = mutant === undefined ? undefined : await mutated(mutant);
  const patching: Plugin = {
    name: 'mutant',
    setup(setup) {
      if (patched === undefined) return;
      const path = join(ROOT, mutant?.file ?? '');
      setup.onLoad({ filter: /\.ts$/ }, (loaded) =>
        loaded.path === path ? { contents: patched, loader: 'ts' } : undefined,
      );
    },
  };
  await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    plugins: [patching],
    // CommonJS packages inside call require().
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
}

async function mutated({ name, file, from, to }: Mutant): Promise<string> {
  const text = await readFile(join(ROOT, file), 'utf8');
  const places = text.split(from).length - 1;
  if (places !== 1) {
    const remedy = 'write it for the source as it is now (test/simulation/mutants.ts)';
    throw new Error(`mutant '${name}': what it changes is in ${file} ${places} times, not once: ${remedy}`);
  }
  return text.replace(from, () => to);
}
