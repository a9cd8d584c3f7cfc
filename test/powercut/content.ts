// What the store holds, as plain text that two sides can compare: what the host expects after so many operations, and
// what the guest finds on the disk after a boot. The guest reads every file by itself, beside the store's own digests.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { CompiledCheckpoint, MaterialVolume, RevisionId } from '../../lib/types/checkpoint.ts';
import type { WorkloadRecord } from '../../lib/types/memory.ts';
import type { NodeRecord, StoreReader } from '../../lib/types/store.ts';
import type { WorkloadKey } from '../../lib/types/workload.ts';
import { type Operation, operation } from './operations.ts';

/** By `<revision>/<volume>/<path>`: so much of a SHA-256 as a serial line carries quickly. */
type Files = Record<string, string>;

interface Workload {
  record: WorkloadRecord | undefined;
  readonly revisions: Map<RevisionId, Files>;
}

/** Sorted, so that equal contents are equal texts. */
export type Content = readonly string[];

function digest(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

function contentOf(node: NodeRecord, workloads: Iterable<[WorkloadKey, Workload]>): Content {
  const lines = [`node ${node.bootId ?? '-'}`];
  for (const [key, { record, revisions }] of workloads) {
    if (record !== undefined) lines.push(`${key} record ${record.failedHandovers} ${digest(text(record))}`);
    for (const [revision, files] of revisions) {
      const names = Object.keys(files).sort();
      const all = names.map((name) => `${name}=${files[name]}`).join(' ');
      lines.push(`${key} revision ${Number.parseInt(revision, 16)} ${all}`);
    }
  }
  return lines.sort();
}

/** Keys in one order, however the object was made. */
function text(value: object): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

const volumeFiles = ({ name, files }: MaterialVolume): Files =>
  Object.fromEntries(files.map(({ path, content }) => [`${name}/${path}`, digest(content)]));

function revisionFiles({ manifest, volumes }: CompiledCheckpoint): Files {
  return Object.assign({ manifest: digest(text(manifest)) }, ...volumes.map(volumeFiles)) as Files;
}

/** What the operations so far have left behind. */
export class ExpectedContent {
  private readonly workloads = new Map<WorkloadKey, Workload>();
  private node: NodeRecord = {};
  private done = 0;
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** After operation `number` and all before it. Only forwards. */
  advanceTo(number: number): void {
    for (; this.done < number; this.done += 1) this.apply(operation(this.seed, this.done + 1));
  }

  content(): Content {
    return contentOf(this.node, this.workloads);
  }

  private apply(next: Operation): void {
    switch (next.name) {
      case 'addRevision':
        this.at(next.checkpoint.workload).revisions.set(
          next.checkpoint.revision,
          revisionFiles(next.checkpoint),
        );
        break;
      case 'putRecord':
        this.at(next.key).record = next.record;
        break;
      case 'putNode':
        this.node = next.record;
        break;
      case 'refreshVolume':
        Object.assign(this.at(next.key).revisions.get(next.revision) ?? {}, volumeFiles(next.volume));
        break;
      case 'removeRevision':
        this.at(next.key).revisions.delete(next.revision);
        break;
      case 'removeWorkload':
        this.workloads.delete(next.key);
    }
  }

  private at(key: WorkloadKey): Workload {
    const found = this.workloads.get(key) ?? { record: undefined, revisions: new Map() };
    this.workloads.set(key, found);
    return found;
  }
}

/** What is on the disk, by the paths that a pod reads: through `..data`. */
export function contentOnDisk(store: StoreReader): Content {
  const workloads = store.workloads().map(({ key, record, revisions }): [WorkloadKey, Workload] => {
    const found = revisions.map(({ revision, manifest, materialDir }): [RevisionId, Files] => {
      const files: Files = { manifest: digest(text(manifest)) };
      for (const path of mountedFiles(materialDir))
        files[path] = digest(readFileSync(join(materialDir, path)));
      return [revision, files];
    });
    return [key, { record, revisions: new Map(found) }];
  });
  return contentOf(store.node(), workloads);
}

function mountedFiles(materialDir: string): string[] {
  return readdirSync(materialDir).flatMap((volume) => {
    const shown = join(materialDir, volume, '..data');
    const names = readdirSync(shown, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => statSync(join(shown, name)).isFile()).map((name) => join(volume, name));
  });
}
