// Lets every component that can share its ports (`--permit-port-sharing`) overlap with its checkpoint.

import { components } from '../cluster/pod-template.ts';
import type { OneMaster } from './one-master.ts';

/** An update of all but etcd; resolves when the new content is proven. */
export async function permitOverlap(one: OneMaster): Promise<void> {
  const template = { metadata: { annotations: { 'checkpoint-agent.io/overlap': 'true' } } };
  const sharing = components.filter((component) => component !== 'etcd');
  const before = new Map<string, string | undefined>();
  for (const name of sharing) before.set(name, (await one.workload(`kube-system/${name}`))?.revision);
  for (const name of sharing) await one.updateTemplate(name, template);
  await one.report('the new content is proven', 300_000, (report) =>
    sharing.every((name) => {
      const w = report?.workloads.find(({ workload }) => workload === `kube-system/${name}`);
      return w?.proven === true && w.candidate === undefined && w.revision !== before.get(name);
    }),
  );
}
