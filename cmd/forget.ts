// `agent forget`: a person's word that a workload's checkpoint is no longer needed; the only way out of `held` besides
// its parent showing up.

import type { Command } from 'commander';
import { removeManifest } from '../lib/act/static-pod-file.ts';
import { becomeGuard } from '../lib/agent/guard.ts';
import { addNodeOptions, parseNodeOptions, UsageError } from '../lib/agent/options.ts';
import { resolveStaticPodDir } from '../lib/agent/places.ts';
import { readKubelet } from '../lib/observe/kubelet.ts';
import { createLog } from '../lib/status/log.ts';
import { askAgent } from '../lib/status/socket.ts';
import { openStore } from '../lib/store/open-store.ts';

export function register(program: Command): void {
  addNodeOptions(
    program
      .command('forget <namespace/name>')
      .description("remove a workload's checkpoint from this node, for good"),
  ).action(async (workload: string, raw: Record<string, unknown>) => {
    if (!/^[^/]+\/[^/]+$/.test(workload)) {
      throw new UsageError(
        `'${workload}' is not a workload; write it as 'agent status' does, such as kube-system/etcd`,
      );
    }
    const options = parseNodeOptions(raw);
    const query = `/forget?workload=${encodeURIComponent(workload)}`;
    const answer = await askAgent(options.runDir, 'POST', query);
    process.stdout.write(`${answer ?? (await forgetOnDisk(workload, raw))}\n`);
  });
}

async function forgetOnDisk(workload: string, raw: Record<string, unknown>): Promise<string> {
  const options = parseNodeOptions(raw);
  const lock = await becomeGuard(options, false, createLog('error'));
  try {
    const store = await openStore(options.stateDir, {});
    const key = store.workloads().find((w) => w.key === workload)?.key;
    if (key === undefined) throw new UsageError(`${workload}: no checkpoint of it in ${options.stateDir}`);
    const kubelet = await readKubelet(options.kubeletConfig);
    await removeManifest(resolveStaticPodDir(options.staticPodDir, kubelet), key);
    await store.removeWorkload(key);
    await store.close();
    return `${workload}: forgotten`;
  } finally {
    lock.release();
  }
}
