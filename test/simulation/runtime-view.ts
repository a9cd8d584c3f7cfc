// The container runtime as the agent sees it: the model's records put together by the source's own code, once for each
// change. A runtime that is silent costs the deadline and is unknown.

import { toPods } from '../../lib/observe/runtime/pods.ts';
import type { RuntimeView } from '../../lib/types/observation.ts';
import { known, type Observed, unknown } from '../../lib/types/observed.ts';
import type { RuntimeModel } from '../world/runtime-model.ts';

const CONTAINER_STATE = { created: 0, running: 1, exited: 2 } as const;

export class RuntimeViews {
  private readonly runtime: RuntimeModel;
  private last: { revision: number; view: Observed<RuntimeView> } | undefined;

  private readonly wallClockMs: (atMs: number) => number;

  constructor(runtime: RuntimeModel, wallClockMs: (atMs: number) => number) {
    this.runtime = runtime;
    this.wallClockMs = wallClockMs;
  }

  now(): Observed<RuntimeView> {
    const { runtime } = this;
    if (!runtime.up) return unknown('the runtime: connection refused');
    if (this.last?.revision === runtime.revision) return this.last.view;
    const sandboxes = [...runtime.sandboxes.values()].map((s) => ({
      id: s.id,
      metadata: { name: s.name, uid: s.uid, namespace: s.namespace, attempt: s.attempt },
      state: s.ready ? 0 : 1,
      created_at: this.wallClockMs(s.createdAtMs) * 1e6,
      labels: s.labels,
      annotations: s.annotations,
    }));
    const containers = [...runtime.containers.values()].map((c) => ({
      id: c.id,
      pod_sandbox_id: c.sandboxId,
      metadata: { name: c.name, attempt: c.attempt },
      state: CONTAINER_STATE[c.state],
      created_at: this.wallClockMs(c.createdAtMs) * 1e6,
    }));
    const view = known({ pods: toPods(sandboxes, containers), images: new Set(runtime.images) });
    this.last = { revision: runtime.revision, view };
    return view;
  }
}
