// How the demo starts the agent: the bundle that ships, built by `npm run demo` before.

import { join } from 'node:path';

export const agentCommand: readonly string[] = [
  process.execPath,
  join(import.meta.dirname, '../../dist/agent.mjs'),
];
