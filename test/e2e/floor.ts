// What nothing can beat: the same control plane as plain static pods, on the same machine, in the same run.

import { createCluster } from '../cluster/create-cluster.ts';

/** Milliseconds from power on (before containerd and kubelet start) until /readyz answers 200. */
export async function measureFloor(): Promise<number> {
  const cluster = await createCluster({ plainStaticPods: true });
  try {
    const { master } = cluster;
    await master.powerOff();
    const { startedAt } = await master.powerOn();
    return (await cluster.waitForReady()) - startedAt;
  } finally {
    await cluster.close();
  }
}
