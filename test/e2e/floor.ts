// What nothing can beat: the same control plane as plain static pods, on the same machine, in the same run.

import { type ClusterOptions, createCluster } from '../cluster/create-cluster.ts';
import { OneMaster } from './one-master.ts';

/** In milliseconds. */
export interface Floor {
  /** From power on (before containerd and kubelet start) until /readyz answers 200. */
  readonly readyMs: number;
  /** From an apiserver's process to its /readyz, with all else at rest: what a handover of the only one costs at least. */
  readonly apiserverMs: number;
}

export async function measureFloor(options: Pick<ClusterOptions, 'log'> = {}): Promise<Floor> {
  const cluster = await createCluster({ ...options, plainStaticPods: true });
  try {
    const { master } = cluster;
    await master.powerOff();
    const one = new OneMaster(cluster);
    // Watched like what is measured against it: the watching costs the node some of its processor.
    const watched = one.watch();
    const { startedAt } = await master.powerOn();
    const readyMs = (await cluster.waitForReady()) - startedAt;
    await one.nodeIsReady();
    const apiserverMs = await measureApiserverStart(one);
    await watched.stop();
    return { readyMs, apiserverMs };
  } finally {
    await cluster.close();
  }
}

/** Killed for the first time, it is started anew as soon as the kubelet sees it. */
async function measureApiserverStart(one: OneMaster): Promise<number> {
  const before = await one.processes('^kube-apiserver');
  await one.signal('KILL', before);
  const startedAt = await one.cluster.waitUntil('another apiserver starts', 60_000, async () => {
    const now = await one.processes('^kube-apiserver');
    return now.some((pid) => !before.includes(pid)) && Date.now();
  });
  return (await one.cluster.waitForReady()) - startedAt;
}
