// `agent status`: what a person on call reads first. From the daemon when one runs, else from the disk and the runtime,
// with or without an API. Exit code 0 only when every workload could be recovered now.

import { hostname } from 'node:os';
import type { Command } from 'commander';
import { addNodeOptions, type NodeOptions, parseNodeOptions, UsageError } from '../lib/agent/options.ts';
import { resolveRuntimeSocket, resolveStaticPodDir } from '../lib/agent/places.ts';
import { remember } from '../lib/decide/decide.ts';
import { readBootId } from '../lib/observe/host.ts';
import { loadIdentity } from '../lib/observe/kubeconfig.ts';
import { readKubelet } from '../lib/observe/kubelet.ts';
import { createRuntimeSource } from '../lib/observe/runtime/source.ts';
import { readStaticPods } from '../lib/observe/static-pods.ts';
import { renderStatus } from '../lib/status/render.ts';
import { report, type StatusReport } from '../lib/status/report.ts';
import { askAgent } from '../lib/status/socket.ts';
import { readStore } from '../lib/store/read-store.ts';
import type { RuntimeView, StaticPodDirectory } from '../lib/types/observation.ts';
import { type Observed, unknown } from '../lib/types/observed.ts';

export function register(program: Command): void {
  addNodeOptions(
    program
      .command('status')
      .description('what is checkpointed on this node, and would it come back after a power loss'),
  )
    .option('-o, --output <format>', 'table or json', 'table')
    .action(async (raw) => {
      if (raw.output !== 'table' && raw.output !== 'json') {
        throw new UsageError(`--output: '${raw.output}' is neither table nor json`);
      }
      const status = await currentStatus(parseNodeOptions(raw));
      const text = raw.output === 'json' ? JSON.stringify(status, null, 2) : renderStatus(status, Date.now());
      process.stdout.write(`${text}\n`);
      process.exitCode = status.recoverable ? 0 : 1;
    });
}

async function currentStatus(options: NodeOptions): Promise<StatusReport> {
  const answer = await askAgent(options.runDir, 'GET', '/status').catch((error: Error) => {
    process.stderr.write(`agent: ${error.message}; reading from disk\n`);
    return undefined;
  });
  return answer === undefined ? statusFromDisk(options) : (JSON.parse(answer) as StatusReport);
}

/** Everything that can be known without a daemon; what cannot is unknown, and said. */
async function statusFromDisk(options: NodeOptions): Promise<StatusReport> {
  const store = await readStore(options.stateDir);
  const stored = store.workloads();
  const memory = remember(stored, store.node());
  return report({
    node: options.nodeName ?? (await nodeName(options)) ?? hostname(),
    source: 'disk',
    memory,
    settings: options.settings,
    failures: new Map(),
    findings: store.findings(),
    observation: {
      sinceLastPassMs: 0,
      wallClockMs: Date.now(),
      bootId: await readBootId(options.bootIdFile),
      api: { name: 'unasked' },
      node: unknown('not asked'),
      parents: unknown('not asked'),
      lastParents: [],
      compiled: new Map(),
      runtime: await runtimeView(options),
      probes: new Map(),
      wanted: new Map(),
      directory: await staticPods(options),
      stored,
      storedNode: store.node(),
    },
  });
}

async function nodeName(options: NodeOptions): Promise<string | undefined> {
  try {
    return await (await loadIdentity(options.kubeconfig)).nodeName();
  } catch {
    return undefined;
  }
}

async function runtimeView(options: NodeOptions): Promise<Observed<RuntimeView>> {
  try {
    const kubelet = await readKubelet(options.kubeletConfig);
    const source = createRuntimeSource(resolveRuntimeSocket(options.containerRuntimeEndpoint, kubelet));
    try {
      return await source.observe();
    } finally {
      source.close();
    }
  } catch (error) {
    return unknown((error as Error).message);
  }
}

async function staticPods(options: NodeOptions): Promise<Observed<StaticPodDirectory>> {
  try {
    const kubelet = await readKubelet(options.kubeletConfig);
    return await readStaticPods(resolveStaticPodDir(options.staticPodDir, kubelet));
  } catch (error) {
    return unknown((error as Error).message);
  }
}
