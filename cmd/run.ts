// `agent run`: the daemon. Looks, decides and acts until it is told to end or to yield to another instance.

import type { Command } from 'commander';
import type { Logger } from 'pino';
import {
  createLoop,
  findPlaces,
  type NodePlaces,
  type NodeSources,
  openSources,
} from '../lib/agent/assemble.ts';
import { becomeGuard, END, guardAgain, YIELD } from '../lib/agent/guard.ts';
import { collectAtRest } from '../lib/agent/heap.ts';
import {
  addDaemonOptions,
  addNodeOptions,
  type NodeOptions,
  parseNodeOptions,
  UsageError,
} from '../lib/agent/options.ts';
import { remember } from '../lib/decide/decide.ts';
import { watchHints } from '../lib/observe/hints.ts';
import { EventQueue } from '../lib/status/event-queue.ts';
import { CaptureEvents, reportChange, reportRecalled } from '../lib/status/events.ts';
import { createLog } from '../lib/status/log.ts';
import { renderMetrics } from '../lib/status/metrics.ts';
import { report } from '../lib/status/report.ts';
import { serveSocket } from '../lib/status/socket.ts';
import { openStore } from '../lib/store/open-store.ts';
import type { WorkloadKey } from '../lib/types/workload.ts';
import { VERSION } from './version.ts';

/** The first question to the API is quick: after a boot every tenth of a second counts. */
const FIRST_PROBE_MS = 1_000;

/** A watched directory that was removed and made anew is noticed after this long. */
const HINTS_REARM_MS = 20_000;

export function register(program: Command): void {
  addDaemonOptions(addNodeOptions(program.command('run').description('guard this node: the daemon')))
    .option('--take-over', 'ask the present guard of this node to yield')
    .action((raw) => run(raw));
}

async function run(raw: Record<string, unknown>): Promise<void> {
  const options = parseNodeOptions(raw);
  const log = createLog(options.logLevel);
  const places = await findPlaces(options);
  let node = openSources(options, places);
  // Works before it asks for the guard's place: a broken new version leaves the last good one on guard.
  const runtime = await node.runtime.observe();
  if (raw.takeOver === true && !runtime.known) {
    throw new UsageError(`--container-runtime-endpoint: ${places.runtimeSocket}: ${runtime.reason}`);
  }
  let lock = await becomeGuard(options, raw.takeOver === true, log);
  const isStandBy = lock.inherited;
  // Before it is the guard there is nothing to finish: a signal ends the process at once.
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort(signal));
  for (;;) {
    await guard({ options, places, node, log, signal: stopping.signal, isStandBy });
    lock.release();
    log.info('ended');
    if (stopping.signal.aborted) return;
    const again = await guardAgain(options, log, stopping.signal);
    if (again === undefined) return;
    lock = again;
    node = openSources(options, places);
  }
}

interface Duty {
  readonly options: NodeOptions;
  readonly places: NodePlaces;
  readonly node: NodeSources;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly isStandBy: boolean;
}

/** Until told to end, or to yield. The lock must be held. */
async function guard({ options, places, node, log, signal, isStandBy }: Duty): Promise<void> {
  const store = await openStore(options.stateDir, { log });
  const startedAtMs = Date.now();
  log.info({ version: VERSION, node: places.nodeName, stateDir: options.stateDir }, 'guard of this node');

  node.api.start();
  const firstProbe = node.api.probe(FIRST_PROBE_MS);
  const events = new EventQueue(node.api, Date.now);
  reportRecalled(remember(store.workloads(), store.node()), events);
  const changes = new Map<WorkloadKey, { reason: string; atMs: number }>();
  const captureEvents = new CaptureEvents(events, log);
  const loop = createLoop({
    options,
    places,
    sources: node.sources,
    store,
    log,
    onChange: (change, snapshot) => {
      changes.set(change.workload, { reason: change.reason, atMs: Date.now() });
      reportChange(change, snapshot, events);
    },
    onLook: (observation) => captureEvents.look(observation),
  });
  const status = () => {
    const snapshot = loop.snapshot();
    if (snapshot === undefined) return undefined;
    const agent = { pid: process.pid, version: VERSION, startedAtMs };
    return report({
      ...snapshot,
      node: places.nodeName,
      source: 'daemon',
      agent,
      settings: options.settings,
      changes,
      findings: store.findings(),
    });
  };
  const socket = await serveSocket(options.runDir, {
    status,
    metrics: () => renderMetrics(status()),
    yield: () => {
      log.info('another instance asks to take over');
      loop.leave(YIELD);
    },
    forget: (name) => loop.forget(name),
  });
  node.api.onChange(() => {
    loop.heard();
    void events.flush();
  });
  const hints = watchHints({ directories: [places.staticPodDir], files: places.identity.files }, () =>
    loop.kick(),
  );
  const collecting = collectAtRest(() => loop.snapshot()?.memory);
  const rearming = setInterval(() => void hints.rearm(), HINTS_REARM_MS);
  // At once for a person who pressed Ctrl-C, and for a stand-by: another revision of it was placed, which the kubelet
  // of a real node had started already, and two checkpoints of the agent were there for as long as the first one stayed.
  const stop = (): void => (isStandBy || signal.reason === 'SIGINT' ? loop.stop() : loop.leave(END));
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();

  await firstProbe;
  await loop.run();
  signal.removeEventListener('abort', stop);
  clearInterval(rearming);
  clearInterval(collecting);
  await hints.close();
  await socket.close();
  await node.close();
  await store.close();
}
