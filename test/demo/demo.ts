// `npm run demo`: the main job, shown. On the embedded world by default; `-- --cluster` on the real cluster.

import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { cluster: { type: 'boolean', default: false } } });
const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // Once: a second Ctrl-C ends the process at once.
  process.once(signal, () => interruption.abort());
}

if (values.cluster) {
  const { clusterDemo } = await import('./cluster-demo.ts');
  process.exitCode = await clusterDemo(interruption.signal);
} else {
  const { embeddedDemo } = await import('./embedded-demo.ts');
  process.exitCode = await embeddedDemo(interruption.signal);
}

// Interrupted, the story's last look at a cluster that is gone would hold the process until its own time is up.
process.exit();
