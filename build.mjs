// `npm run build`: bundles the agent into one ESM file. Bundling is the largest lever on its resident memory, and the
// one file is all that an image or a host needs besides Node.
import { chmodSync, statSync } from 'node:fs';
import { build } from 'esbuild';

const outfile = 'dist/agent.mjs';
await build({
  entryPoints: ['cmd/agent.ts'],
  outfile,
  absWorkingDir: import.meta.dirname,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  minifySyntax: true,
  // CommonJS packages inside call require().
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
const bundle = new URL(outfile, import.meta.url);
chmodSync(bundle, 0o755);
console.error(`build: ${outfile}, ${(statSync(bundle).size / 1024 / 1024).toFixed(1)} MiB`);
