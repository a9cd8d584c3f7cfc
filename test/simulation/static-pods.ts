// The static pod directory on the model disk, as the kubelet and as the agent read it. Read once for each change.

import type { V1Pod } from '@kubernetes/client-node';
import type { ActiveManifest, StaticPodDirectory } from '../../lib/types/observation.ts';
import {
  ANNOTATION_OF,
  ANNOTATION_REVISION,
  type WorkloadKey,
  workloadKey,
} from '../../lib/types/workload.ts';
import type { ModelDisk } from '../crash/model-disk.ts';
import type { HostPaths, StaticPodFiles } from '../world/static-pod-files.ts';
import { nodeAt, STATE_DIR, STATIC_POD_DIR } from './disk.ts';

const OUR_FILE = /^checkpoint-agent_([^_]+)_([^_]+)\.json$/;
export const isOurFile = (name: string): boolean => OUR_FILE.test(name);
const utf8 = new TextDecoder();

export interface OurManifest {
  readonly file: string;
  readonly workload: WorkloadKey;
  /** Undefined when it is none of our manifests. */
  readonly pod: V1Pod | undefined;
}

export class StaticPods implements StaticPodFiles {
  /** Grows with every change. */
  version = 0;
  private readonly disk: ModelDisk;
  private readonly listeners = new Set<(name: string) => void>();
  private readonly texts = new WeakMap<Uint8Array, string>();
  private readonly parsed = new Map<string, V1Pod | undefined>();
  private listed: { version: number; files: Map<string, string> } | undefined;
  private read: { version: number; directory: StaticPodDirectory } | undefined;

  constructor(disk: ModelDisk) {
    this.disk = disk;
  }

  /** inotify; also called for what came back from a power cut. */
  changed(name: string): void {
    this.version += 1;
    if (!name.startsWith('.')) for (const listener of this.listeners) listener(name);
  }

  onChange(listener: (name: string) => void): void {
    this.listeners.add(listener);
  }

  list(): ReadonlyMap<string, string> {
    if (this.listed?.version === this.version) return this.listed.files;
    const files = new Map<string, string>();
    const directory = nodeAt(this.disk, STATIC_POD_DIR);
    if (directory?.type === 'directory') {
      for (const [name, node] of directory.entries)
        if (node.type === 'file') files.set(name, this.text(node.data));
    }
    this.listed = { version: this.version, files };
    return files;
  }

  /** Everything under our file names that a kubelet would read. */
  ours(): OurManifest[] {
    const found: OurManifest[] = [];
    for (const [file, text] of this.list()) {
      const match = OUR_FILE.exec(file);
      if (match === null) continue;
      found.push({ file, workload: workloadKey(match[1] ?? '', match[2] ?? ''), pod: this.parse(text) });
    }
    return found;
  }

  /** As lib/observe/static-pods.ts reads it. */
  directory(): StaticPodDirectory {
    if (this.read?.version === this.version) return this.read.directory;
    const ours: ActiveManifest[] = [];
    const broken: { file: string; problem: string }[] = [];
    for (const { file, workload, pod } of this.ours()) {
      const revision = pod?.metadata?.annotations?.[ANNOTATION_REVISION];
      const uid = pod?.metadata?.uid;
      const path = `${STATIC_POD_DIR}/${file}`;
      if (
        revision === undefined ||
        uid === undefined ||
        pod?.metadata?.annotations?.[ANNOTATION_OF] !== workload
      ) {
        broken.push({ file: path, problem: 'is none of our manifests' });
      } else {
        ours.push({ workload, revision: revision as ActiveManifest['revision'], uid, file: path });
      }
    }
    const directory = { ours, broken };
    this.read = { version: this.version, directory };
    return directory;
  }

  private text(data: Uint8Array): string {
    const known = this.texts.get(data);
    if (known !== undefined) return known;
    const text = utf8.decode(data);
    this.texts.set(data, text);
    return text;
  }

  private parse(text: string): V1Pod | undefined {
    if (!this.parsed.has(text)) {
      let pod: V1Pod | undefined;
      try {
        pod = JSON.parse(text);
      } catch {
        pod = undefined;
      }
      this.parsed.set(text, pod?.kind === 'Pod' ? pod : undefined);
    }
    return this.parsed.get(text);
  }
}

/** Host paths as the kubelet checks them: material is on the model disk, everything else is there. */
export function hostPathsOn(disk: ModelDisk): HostPaths {
  return {
    kind(path) {
      if (!path.startsWith(STATE_DIR)) return 'directory';
      const node = nodeAt(disk, path);
      return node === undefined || node.type === 'symlink' ? 'absent' : node.type;
    },
  };
}
