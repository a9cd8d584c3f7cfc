// `agent recover`: the first boot pass, once, then ends. Run before the kubelet (systemd/checkpoint-agent-recover.service)
// it makes recovery as fast as plain static pods.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { createLoop, findPlaces, openSources } from '../lib/agent/assemble.ts';
import { becomeGuard } from '../lib/agent/guard.ts';
import { addDaemonOptions, addNodeOptions, parseDurationMs, parseNodeOptions } from '../lib/agent/options.ts';
import { createLog } from '../lib/status/log.ts';
import { openStore } from '../lib/store/open-store.ts';

const FIRST_PROBE_MS = 1_000;
const BETWEEN_PASSES_MS = 50;

export function register(program: Command): void {
  addDaemonOptions(
    addNodeOptions(
      program.command('recover').description('the first pass after a boot, once; for before the kubelet'),
    ),
  )
    .option('--wait <duration>', 'how long the runtime may take to answer', '60s')
    .action((raw) => recover(raw));
}

async function recover(raw: Record<string, unknown>): Promise<void> {
  const options = parseNodeOptions(raw);
  const log = createLog(options.logLevel);
  const deadlineMs = Date.now() + parseDurationMs('--wait', String(raw.wait));
  const places = await findPlaces(options);
  const lock = await becomeGuard(options, false, log);
  const store = await openStore(options.stateDir, { log });
  const node = openSources(options, places);
  try {
    const loop = createLoop({ options, places, sources: node.sources, store, log });
    const bootId = await node.sources.readBootId();
    if (bootId.known && store.node().bootId === bootId.value) {
      log.info('the first pass of this boot was done before; nothing to do');
      return;
    }
    for (;;) {
      // Asked before every pass: a first pass without an answer would decide nothing.
      await node.api.probe(FIRST_PROBE_MS);
      const { observation, memory } = await loop.pass();
      await loop.settled();
      if (observation.bootId.known && memory.bootId === observation.bootId.value) {
        const active = [...memory.workloads].filter(([, w]) => w.phase.name === 'active').map(([key]) => key);
        log.info({ active }, 'first boot pass done');
        return;
      }
      if (Date.now() > deadlineMs) {
        const reason = observation.runtime.known ? 'the API gave no answer' : observation.runtime.reason;
        log.error(`gave up after --wait ${raw.wait}: ${reason}; the agent's stand-by goes on trying`);
        process.exitCode = 1;
        return;
      }
      await sleep(BETWEEN_PASSES_MS);
    }
  } finally {
    await node.close();
    await store.close();
    lock.release();
  }
}
