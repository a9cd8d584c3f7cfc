// The same story on the real cluster (test/cluster): real kubelet, containerd and control plane, the agent as its own
// DaemonSet. Needs root and Debian; the first run builds Kubernetes and takes minutes. Loaded only for --cluster.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster/cluster.ts';
import { createCluster } from '../cluster/create-cluster.ts';
import {
  agentStatus,
  deployAgent,
  isAtRest,
  ourManifests,
  statusTable,
  workloads,
} from '../e2e/agent-on-cluster.ts';
import { type Floor, measureFloor } from '../e2e/floor.ts';
import { seconds } from '../e2e/one-master.ts';
import { Timeline } from './timeline.ts';

/** Runs the demo; resolves to the exit code. The cluster is gone when it returns, also when `interrupted` fires. */
export async function clusterDemo(interrupted: AbortSignal): Promise<number> {
  const timeline = new Timeline();
  let cluster: Cluster | undefined;
  try {
    const log = (line: string): void => timeline.quiet(line);
    timeline.step('for comparison: the same control plane as plain static pods, which nothing can beat');
    const floor = await Promise.race([measureFloor({ log }), whenAborted(interrupted)]);
    timeline.good(`after a power loss its API is ready ${seconds(floor.readyMs)} after power on`);

    timeline.step('a real master: containerd, kubelet and control plane start');
    cluster = await createCluster({ log });
    const told = tell(timeline, cluster, floor);
    // Interrupted, the story's next look at the cluster fails on its own; nobody waits for it.
    told.catch(() => undefined);
    await Promise.race([told, whenAborted(interrupted)]);
    return 0;
  } catch (error) {
    timeline.bad(interrupted.aborted ? 'interrupted' : (error as Error).message);
    return interrupted.aborted ? 130 : 1;
  } finally {
    await cluster?.close();
  }
}

async function tell(timeline: Timeline, cluster: Cluster, floor: Floor): Promise<void> {
  const { master } = cluster;
  const atRest = async () => isAtRest((await agentStatus(master)).report, workloads);
  timeline.step('the control plane becomes self-hosted; the agent is deployed as a DaemonSet');
  await deployAgent(cluster, []);
  await cluster.pivot();
  await cluster.waitUntil('every workload has a proven checkpoint', 90_000, atRest, 500);
  timeline.good('checkpointed');
  timeline.block(await statusTable(master));

  timeline.step('power off: all processes, /run and the memory are gone; the disk stays');
  await master.powerOff();
  await sleep(500);

  timeline.step('power on: containerd and kubelet start; there is no API, and nobody to ask for one');
  const api = cluster.apiAvailability();
  const { startedAt } = await master.powerOn();
  const since = (atMs: number) => `${seconds(atMs - startedAt)} after power on`;
  await cluster.waitUntil('the checkpoints are in the static pod directory', 60_000, async () => {
    return (await ourManifests(master)).length >= workloads.length;
  });
  timeline.good(`activated, ${since(Date.now())}`);
  const readyAt = await cluster.waitForReady();
  timeline.good(
    `recovered, ${since(readyAt)}: the API is ready (plain static pods: ${seconds(floor.readyMs)})`,
  );
  timeline.block(await statusTable(master));

  timeline.step('the pods of before return; each takes over from its checkpoint');
  await cluster.waitUntil('every pod runs again and only the stand-by is left active', 300_000, atRest, 500);
  const { downMs, downIntervals } = await api.stop();
  const pieces = downIntervals.map(({ from, to }) => seconds(to - from));
  timeline.good(`handed over, ${since(Date.now())}`);
  timeline.good(`the API was away for ${seconds(downMs)} in all: ${pieces.join(' + ')}`);
  timeline.block(await statusTable(master));
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true });
  });
}
