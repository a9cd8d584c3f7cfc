// Model: how the kubelet turns its directory into pods (pkg/kubelet/config/file.go). Which files it reads, what it
// makes of names and UIDs, and its two ways with a torn file: an event only logs, the next relist removes the pod.

import { createHash } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { withDefaultedPorts } from './api-objects.ts';
import type { StaticPodFiles } from './static-pod-files.ts';

export class StaticPodConfig {
  /** Grows when what is desired may have changed. */
  revision = 0;
  private readonly parsed = new Map<string, { readonly content: string; readonly pod: V1Pod | undefined }>();
  private readonly files: StaticPodFiles;
  private readonly node: string;
  private readonly report: (problem: string) => void;
  /** By `namespace/name`: of two files with the same one, the last read wins. */
  private pods = new Map<string, V1Pod>();
  private readonly podOfFile = new Map<string, string>();

  constructor(files: StaticPodFiles, node: string, report: (problem: string) => void) {
    this.files = files;
    this.node = node;
    this.report = report;
  }

  desired(): readonly V1Pod[] {
    return [...this.pods.values()];
  }

  /** fileCheckFrequency: what does not parse now has no pod any more. */
  relist(): void {
    const before = this.desired();
    this.pods = new Map();
    this.podOfFile.clear();
    for (const name of [...this.files.list().keys()].sort()) this.take(name);
    const after = this.desired();
    if (after.length !== before.length || after.some((pod, i) => pod !== before[i])) this.revision += 1;
  }

  /** inotify. Removing one of two files of the same pod removes the pod, until the relist finds the other. */
  fileChanged(name: string): void {
    this.revision += 1;
    if (this.files.list().has(name)) {
      this.take(name);
      return;
    }
    const key = this.podOfFile.get(name);
    this.podOfFile.delete(name);
    if (key !== undefined) this.pods.delete(key);
  }

  private take(file: string): void {
    // Whatever does not begin with a dot is a manifest: x.json.bak and x~ too (kubeadm#2823).
    if (file.startsWith('.')) return;
    const content = this.files.list().get(file) ?? '';
    const pod = this.parse(content, file);
    if (pod === undefined) {
      this.report(`cannot read ${file} as a pod`);
      return;
    }
    const key = `${pod.metadata?.namespace}/${pod.metadata?.name}`;
    this.podOfFile.set(file, key);
    this.pods.set(key, pod);
  }

  /** Unchanged content gives the very same pod, so that a relist at rest is no change. */
  private parse(content: string, file: string): V1Pod | undefined {
    const last = this.parsed.get(file);
    if (last?.content === content) return last.pod;
    const pod = parsePod(content, file, this.node);
    this.parsed.set(file, { content, pod });
    return pod;
  }
}

function parsePod(content: string, file: string, node: string): V1Pod | undefined {
  let pod: V1Pod | undefined;
  try {
    // Truncated JSON cannot parse; truncated YAML can, as a smaller valid pod.
    pod = content.trimStart().startsWith('{') ? JSON.parse(content) : parse(content);
  } catch {
    return undefined;
  }
  const { metadata, spec } = pod ?? {};
  if (pod?.kind !== 'Pod' || metadata?.name === undefined || spec === undefined) return undefined;
  if (!Array.isArray(spec.containers) || spec.containers.length === 0) return undefined;
  const derivedUid = createHash('md5').update(`${content}host:${node}file:${file}`).digest('hex');
  return {
    ...pod,
    metadata: {
      ...metadata,
      name: `${metadata.name}-${node.toLowerCase()}`,
      namespace: metadata.namespace ?? 'default',
      uid: metadata.uid ?? derivedUid,
      annotations: { ...metadata.annotations, 'kubernetes.io/config.source': 'file' },
    },
    spec: {
      ...spec,
      nodeName: node,
      containers: spec.containers.map((container) =>
        withDefaultedPorts(container, spec.hostNetwork === true),
      ),
      tolerations: [...(spec.tolerations ?? []), { effect: 'NoExecute', operator: 'Exists' }],
    },
  };
}
