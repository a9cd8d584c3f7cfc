// What nothing can beat: the same control plane as plain static pods, on the same machine, in the same run.

import { createCluster } from '../cluster/create-cluster.ts';
import { OneMaster } from './one-master.ts';

/** Milliseconds from power on (before containerd and kubelet start) until /readyz answers 200. */
export async function measureFloor(): Promise<number> {
  const cluster = await createCluster({ plainStaticPods: true });
  try {
    const { master } = cluster;
    await master.powerOff();
    // Watched like what is measured against it: the watching costs the node some of its processor.
    const watched = new OneMaster(cluster).watch();
    const { startedAt } = await master.powerOn();
    const readyMs = (await cluster.waitForReady()) - startedAt;
    await watched.stop();
    return readyMs;
  } finally {
    await cluster.close();
  }
}
