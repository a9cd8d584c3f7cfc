// What must be true a bounded time after the last fault: the control plane serves from its own pods, and nothing of the
// checkpoints is left in the way.

import { isOurTemporary } from '../../lib/store/temporary-name.ts';
import { ANNOTATION_OF, workloadKey } from '../../lib/types/workload.ts';
import { isReady, isUpToDate } from '../world/controllers-model.ts';
import type { Machine } from './machine.ts';
import { coreOf, STAND_BY } from './workload-names.ts';

/** Why it is not so yet; undefined when it is. */
export function unrest(machine: Machine): string | undefined {
  if (machine.rules.truth.clusterReplaced) return unheld(machine);
  const { world, node, agent, staticPods } = machine;
  const answer = world.availability.answerTo(node.name);
  if (answer !== 'serving') return `the API is ${answer}`;
  const wanted = new Set<string>();
  const pods = world.store.list('pods');
  for (const daemonSet of world.store.list('daemonsets')) {
    const { metadata } = daemonSet;
    wanted.add(workloadKey(metadata?.namespace ?? '', metadata?.name ?? ''));
    const own = pods.filter((pod) => pod.metadata?.ownerReferences?.[0]?.uid === metadata?.uid);
    if (own.length !== 1 || !own.every(isReady))
      return `${metadata?.name} has ${own.length} pods that are not ready`;
    // What was ordered and has not begun yet would fall into the next schedule.
    if (own.some((pod) => pod.metadata?.deletionTimestamp !== undefined || !isUpToDate(pod, daemonSet)))
      return `the pod of ${metadata?.name} is to be replaced`;
  }
  const [manifest] = staticPods.ours().filter(({ workload }) => workload !== STAND_BY);
  if (manifest !== undefined) return `${manifest.file} is still there`;
  const temporary = [...staticPods.list().keys()].find(isOurTemporary);
  if (temporary !== undefined) return `${temporary} was left behind`;
  for (const { ready, annotations } of node.runtime.sandboxes.values()) {
    if (ready && annotations[ANNOTATION_OF] !== undefined && annotations[ANNOTATION_OF] !== STAND_BY)
      return `a checkpoint of ${annotations[ANNOTATION_OF]} still runs`;
  }
  const memory = agent?.loop?.snapshot()?.memory;
  if (agent?.store === undefined || memory === undefined) return 'the agent is not up';
  for (const { key } of agent.store.workloads()) if (!wanted.has(key)) return `${key} is still kept`;
  for (const key of wanted) {
    const workload = [...memory.workloads].find(([name]) => name === key)?.[1];
    if (workload?.phase.name !== (key === STAND_BY ? 'active' : 'standby'))
      return `${key} is ${workload?.phase.name}: ${workload?.note ?? ''}`;
    if (workload.candidate !== undefined) return `${key} has a candidate that is not proven`;
  }
  if (agent.store.node().bootId !== node.bootId) return 'the boot is not written down';
  const [failure] = agent.loop?.snapshot()?.failures ?? [];
  return failure === undefined ? undefined : `a failure is still shown: ${failure.join(': ')}`;
}

/**
 * In another cluster everything is held: nothing is forgotten, and what keeps the API alive stays. Where the kubelet has
 * stopped all that the other API did not name there may be no API, and then it is a person's decision (`agent forget`).
 */
function unheld({ agent, node, world }: Machine): string | undefined {
  const memory = agent?.loop?.snapshot()?.memory;
  if (agent?.store === undefined || memory === undefined) return 'the agent is not up';
  const core = coreOf(world.availability.etcdOutside);
  for (const key of core.map((name) => workloadKey('kube-system', name))) {
    const stored = agent.store.workloads().find((workload) => workload.key === key);
    if (stored === undefined || stored.revisions.length === 0) return `${key} is forgotten`;
    const { phase } = memory.workloads.get(key) ?? {};
    const serving = world.availability.answerTo(node.name) === 'serving';
    if (serving && phase?.name !== 'held') return `${key} is ${phase?.name}`;
  }
  return undefined;
}
