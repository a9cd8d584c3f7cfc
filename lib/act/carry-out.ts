// Carries one action out. Each is idempotent; what fails is reported, and decided again from what is seen next.

import { wouldKubeletAccept } from '../compile/kubelet-acceptance.ts';
import { renderManifest, serialize } from '../compile/render.ts';
import type { Action } from '../types/action.ts';
import type { Observed } from '../types/observed.ts';
import type { StoreWriter } from '../types/store.ts';
import { type ManifestFiles, placeManifest, removeManifest } from './static-pod-file.ts';

export interface Hands {
  readonly store: StoreWriter;
  readonly staticPodDir: string;
  /** Left out: the real file system. */
  readonly files?: ManifestFiles;
  /** A pod that is added again under the same UID may not start (kubernetes#105543), so every activation has a new one. */
  newUid(): string;
  wallClockMs(): number;
  /** Ends a sandbox and everything in it, at once. */
  stopSandbox(id: string): Promise<Observed<true>>;
  /** Ends containers at once; the kubelet starts others in their place, without a back-off. */
  removeContainers(ids: readonly string[]): Promise<Observed<true>>;
  /** Removes what has ended of a pod, so that the kubelet starts it with no back-off; ending a sandbox makes it look. */
  endBackOff(podUid: string, sandboxId?: string): Promise<Observed<true>>;
}

/** Errors: an Error that names the file or object and what is wrong with it. */
export async function carryOut(action: Action, hands: Hands): Promise<void> {
  const { store } = hands;
  switch (action.type) {
    case 'store-revision':
      return store.addRevision(action.checkpoint, hands.wallClockMs());
    case 'save-record':
      return store.putRecord(action.workload, action.record);
    case 'save-node':
      return store.putNode(action.record);
    case 'activate':
      return activate(action, hands);
    case 'withdraw':
      return withdraw(action, hands);
    case 'remove-revision':
      return store.removeRevision(action.workload, action.revision);
    case 'remove-workload':
      return store.removeWorkload(action.workload);
    case 'hurry-parent':
      return orThrow(await hands.stopSandbox(action.sandboxId), `sandbox ${action.sandboxId}`);
    case 'restart-parent':
      return orThrow(
        await hands.endBackOff(action.uid, action.sandboxId),
        `pod ${action.uid} of ${action.workload}`,
      );
    case 'restart-server':
      return orThrow(await hands.removeContainers(action.containers), `containers of ${action.workload}`);
  }
}

function orThrow(answer: Observed<true>, what: string): void {
  if (!answer.known) throw new Error(`${what}: ${answer.reason}`);
}

/**
 * The manifest first, or the kubelet would start the pod again. The kubelet's own end of a pod came 0.1 to 0.5 s later
 * on a real node, and the parent's container binds its ports 0.35 s after its sandbox was begun; a parent that finds
 * them taken sits in a back-off of 10 s and more. A stop that fails is left to the kubelet.
 */
async function withdraw(action: Action & { type: 'withdraw' }, hands: Hands): Promise<void> {
  const removed = removeManifest(hands.staticPodDir, action.workload, hands.files);
  await Promise.all([removed, ...action.stopSandboxes.map((id) => hands.stopSandbox(id))]);
}

/** Everything is checked before: a kubelet without an API cannot take an activated manifest back (kubernetes#116880). */
async function activate(action: Action & { type: 'activate' }, hands: Hands): Promise<void> {
  const { workload, revision } = action;
  const stored = hands.store
    .workloads()
    .find((w) => w.key === workload)
    ?.revisions.find((r) => r.revision === revision);
  if (stored === undefined || !(await hands.store.verify(workload, revision))) {
    throw new Error(
      `${workload}: revision ${revision.slice(0, 12)} is not intact on disk; run 'agent verify'`,
    );
  }
  const manifest = renderManifest(stored.manifest, {
    uid: hands.newUid(),
    materialDir: stored.materialDir,
    workload,
    revision,
  });
  const problems = wouldKubeletAccept(manifest);
  if (problems.length > 0) {
    throw new Error(`${workload}: the kubelet would refuse its manifest: ${problems.join('; ')}`);
  }
  await placeManifest(hands.staticPodDir, workload, serialize(manifest), hands.files);
}
