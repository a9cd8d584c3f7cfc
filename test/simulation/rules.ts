// The ten rules of ARCHITECTURE.md, watched at every step of a history. What always holds: each is judged on what is
// true in the models (what runs, what stands on the disk, what the API holds), never on what the agent believes.

import type { V1Pod } from '@kubernetes/client-node';
import { wouldKubeletAccept } from '../../lib/compile/kubelet-acceptance.ts';
import type { RevisionId } from '../../lib/types/checkpoint.ts';
import type { WorkloadRecord } from '../../lib/types/memory.ts';
import { DEFAULT_SETTINGS } from '../../lib/types/settings.ts';
import type { StoreWriter } from '../../lib/types/store.ts';
import { ANNOTATION_OF, ANNOTATION_REVISION, type WorkloadKey } from '../../lib/types/workload.ts';
import { SECRET_MARKER } from '../world/control-plane.ts';
import { TOKEN_MARKER } from '../world/tokens.ts';
import { ApiAbsence } from './api-absence.ts';
import { FOREIGN_FILES, STATE_DIR, STATIC_POD_DIR } from './disk.ts';
import { GroundTruth } from './ground-truth.ts';
import type { Machine } from './machine.ts';
import { materialOf, sameMaterial } from './material.ts';
import { isOurFile, type OurManifest } from './static-pods.ts';
import { STAND_BY } from './workload-names.ts';

/** What has served for so long is not to be taken for dead. */
const SERVED_MS = 5_000;
/** A withdrawal that a full disk held up is made good when it can be, and the parent may have gone meanwhile. */
const JUST_NOW_MS = 2_000;
const SECRETS = [SECRET_MARKER, TOKEN_MARKER].flatMap((text) => [
  Buffer.from(text),
  // As the API carries it; the first bytes suffice, whatever follows them.
  Buffer.from(Buffer.from(text).toString('base64').slice(0, 12)),
]);

export class Rules {
  /** The first rule that was broken. */
  failure: string | undefined;
  readonly truth: GroundTruth;
  readonly absence: ApiAbsence;
  private readonly machine: Machine;
  private readonly records = new Map<WorkloadKey, WorkloadRecord>();
  /** Being written: after a crash it may be there, or what was before. */
  private readonly writing = new Map<WorkloadKey, WorkloadRecord | undefined>();
  private readonly contents = new Map<RevisionId, V1Pod>();
  private readonly usedUids = new Set<string>();
  private placed = new Map<string, OurManifest>();
  private readonly material = new Map<string, ReadonlyMap<string, string>>();
  private seenRuntime = -1;

  constructor(machine: Machine) {
    this.machine = machine;
    this.truth = new GroundTruth(machine);
    this.absence = new ApiAbsence(machine, (what) => this.broken('availability', what));
  }

  broken(rule: string, what: string): void {
    this.machine.world.story.tell('RULE BROKEN', `${rule}: ${what}`);
    this.failure ??= `${rule}: ${what}`;
  }

  /** After every step of the world. */
  look(): void {
    this.truth.look();
    this.absence.look();
    const { runtime } = this.machine.node;
    if (runtime.revision === this.seenRuntime) return;
    this.seenRuntime = runtime.revision;
    const running = new Map<string, string>();
    for (const container of runtime.containers.values()) {
      if (container.state !== 'running') continue;
      const of = runtime.sandboxes.get(container.sandboxId)?.annotations[ANNOTATION_OF];
      if (of === undefined) continue;
      const other = running.get(of);
      running.set(of, container.podUid);
      if (other !== undefined && other !== container.podUid) {
        this.broken('rule 2', `two checkpoints of ${of} run: ${other} and ${container.podUid}`);
      }
    }
  }

  /** The agent has changed what the kubelet sees: this name. */
  lookAtStaticPods(name: string): void {
    if (!isOurFile(name))
      this.broken('rule 5', `${STATIC_POD_DIR}/${name} is none of ours, or not for the kubelet`);
    const now = new Map(this.machine.staticPods.ours().map((manifest) => [manifest.file, manifest]));
    for (const [file, manifest] of now) {
      const before = this.placed.get(file);
      if (before?.pod === manifest.pod) continue;
      this.checkPlaced(manifest);
      const revision = manifest.pod?.metadata?.annotations?.[ANNOTATION_REVISION];
      if (revision !== undefined && before?.pod?.metadata?.annotations?.[ANNOTATION_REVISION] === revision) {
        this.broken('rule 10', `${manifest.workload} is active already, and its manifest is written again`);
      }
    }
    for (const [file, manifest] of this.placed) if (!now.has(file)) this.checkWithdrawn(manifest);
    this.placed = now;
  }

  /** What the power cut left is what a kubelet is about to read. */
  powerWent(): void {
    this.placed = new Map(this.machine.staticPods.ours().map((manifest) => [manifest.file, manifest]));
    for (const manifest of this.placed.values()) {
      const uid = manifest.pod?.metadata?.uid ?? '';
      this.checkComplete(manifest);
      const before = this.material.get(uid);
      const after = manifest.pod && materialOf(this.machine.disk, manifest.pod);
      if (before && after && !sameMaterial(before, after)) {
        this.broken(
          'rule 4',
          `the power cut left ${manifest.file} with other material than it was placed with`,
        );
      }
    }
    this.checkForeign();
  }

  checkForeign(): void {
    const files = this.machine.staticPods.list();
    for (const [name, text] of Object.entries(FOREIGN_FILES)) {
      if (files.get(name) !== text) this.broken('rule 5', `${name} is not what it was`);
    }
  }

  written(path: string, bytes: Uint8Array): void {
    const inState = path.startsWith(`${STATE_DIR}/`);
    if (!inState && !/^\/etc\/kubernetes\/manifests\/\.?checkpoint-agent[-_][^/]*$/.test(path)) {
      this.broken('rule 5', `${path} is written to`);
    }
    if (inState && /\/volumes\/[^/]+\/\.\.\d+\//.test(path)) return;
    if (holdsSecret(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) {
      this.broken('rule 9', `a secret is written to ${path}`);
    }
  }

  said(text: string): void {
    if (holdsSecret(Buffer.from(text))) this.broken('rule 9', `a secret is said: ${text.slice(0, 60)}`);
  }

  /** The agent makes the kubelet start a parent anew. */
  restarted(uid: string): void {
    if (this.truth.servedMs(uid) >= SERVED_MS) this.broken('rule 1', `${uid} is restarted while it serves`);
  }

  /** The agent ends an apiserver that answers nobody. */
  serverEnded(): void {
    const forMs = this.truth.etcdServedMs();
    if (forMs >= SERVED_MS)
      this.broken('rule 1', `an apiserver is ended, and its etcd has served for ${forMs} ms`);
  }

  /** The store as the agent uses it: what is acknowledged must be there when it opens again (rules 3, 6, 7 and 8). */
  watched(store: StoreWriter): StoreWriter {
    this.checkOpened(store);
    return {
      workloads: () => store.workloads(),
      node: () => store.node(),
      findings: () => store.findings(),
      readVolume: (...args) => store.readVolume(...args),
      refreshVolume: (...args) => store.refreshVolume(...args),
      verify: (...args) => store.verify(...args),
      putNode: (record) => store.putNode(record),
      close: () => store.close(),
      addRevision: (checkpoint, atMs) => {
        this.contents.set(checkpoint.revision, checkpoint.manifest);
        return store.addRevision(checkpoint, atMs);
      },
      putRecord: async (key, record) => {
        this.checkProven(key, record.proven?.revision);
        this.writing.set(key, record);
        await store.putRecord(key, record);
        this.writing.delete(key);
        this.records.set(key, record);
      },
      removeRevision: (key, revision) => {
        const { proven, previous } = this.records.get(key) ?? {};
        if (revision === proven?.revision || revision === previous) {
          this.broken(
            'rule 3',
            `${key}: revision ${revision.slice(0, 8)} is removed, which its record needs`,
          );
        }
        return store.removeRevision(key, revision);
      },
      removeWorkload: async (key) => {
        this.checkRemoval(key);
        this.writing.set(key, undefined);
        await store.removeWorkload(key);
        this.writing.delete(key);
        this.records.delete(key);
      },
    };
  }

  private checkOpened(store: StoreWriter): void {
    const shown = new Map(store.workloads().map((workload) => [workload.key, workload]));
    for (const { key, revisions } of shown.values()) {
      for (const { revision, manifest } of revisions) this.contents.set(revision, manifest);
      if (!this.records.has(key) && this.writing.size === 0) continue;
    }
    for (const key of new Set([...this.records.keys(), ...this.writing.keys()])) {
      const found = JSON.stringify(shown.get(key)?.record);
      const allowed = [JSON.stringify(this.records.get(key))];
      if (this.writing.has(key)) allowed.push(JSON.stringify(this.writing.get(key)));
      if (!allowed.some((text) => sameJson(text, found))) {
        this.broken('rule 6', `the record of ${key} is ${found}, and was ${allowed.join(' or ')}`);
      }
    }
    this.records.clear();
    this.writing.clear();
    for (const { key, record } of shown.values()) if (record !== undefined) this.records.set(key, record);
  }

  private checkProven(key: WorkloadKey, revision: RevisionId | undefined): void {
    const manifest = revision === undefined ? undefined : this.contents.get(revision);
    const fault = manifest && badContent(manifest);
    if (fault !== undefined) this.broken('rule 3', `${key}: content with ${fault} counts as proven`);
  }

  private checkRemoval(key: WorkloadKey): void {
    const forMs = this.truth.unwantedMs(key);
    if (this.truth.replacementSpoke)
      this.broken('rule 8', `${key} is removed on the word of another cluster`);
    else if (forMs === undefined) this.broken('rule 1', `${key} is removed, and is wanted here`);
    else if (forMs < DEFAULT_SETTINGS.graceMs) {
      this.broken('rule 7', `${key} is removed ${forMs} ms after it ceased to be wanted`);
    }
  }

  private checkPlaced(manifest: OurManifest): void {
    const { workload, pod } = manifest;
    this.checkComplete(manifest);
    if (pod === undefined) return;
    const uid = pod.metadata?.uid ?? '';
    this.material.set(uid, materialOf(this.machine.disk, pod) ?? new Map());
    if (this.usedUids.has(uid)) this.broken('rule 10', `${workload} is activated again under the UID ${uid}`);
    this.usedUids.add(uid);
    const fault = badContent(pod);
    if (fault !== undefined) this.broken('rule 3', `${workload}: content with ${fault} is activated`);
    if (workload === STAND_BY) return;
    const serving = this.truth.servingParent(workload, SERVED_MS);
    if (serving !== undefined)
      this.broken('rule 1', `${workload} is activated while its parent ${serving} serves`);
  }

  /** Something must take the place of what is withdrawn, unless nothing is wanted there. */
  private checkWithdrawn({ workload }: OurManifest): void {
    if (this.truth.replacementSpoke) {
      this.broken('rule 8', `${workload} is withdrawn on the word of another cluster`);
      return;
    }
    const unwantedMs = this.truth.unwantedMs(workload);
    if (unwantedMs !== undefined && unwantedMs >= DEFAULT_SETTINGS.graceMs) return;
    if (!this.truth.hadLiveParent(workload, JUST_NOW_MS)) {
      this.broken('rule 1', `${workload} is withdrawn, and nothing is there to take its place`);
    }
  }

  private checkComplete({ file, workload, pod }: OurManifest): void {
    if (pod === undefined) {
      this.broken('rule 4', `${STATIC_POD_DIR}/${file} does not parse`);
      return;
    }
    const { annotations } = pod.metadata ?? {};
    if (annotations?.[ANNOTATION_OF] !== workload || annotations?.[ANNOTATION_REVISION] === undefined) {
      this.broken('rule 4', `${file} does not say whose checkpoint it is`);
    }
    const [problem] = wouldKubeletAccept(pod);
    if (problem !== undefined) this.broken('rule 4', `${file}: ${problem}`);
    const material = materialOf(this.machine.disk, pod);
    if (material === undefined) this.broken('rule 4', `${file}: a volume that it mounts is not there`);
    for (const [path, text] of material ?? []) {
      if (!this.truth.wasEver(text)) this.broken('rule 4', `${file}: ${path} holds what no object ever held`);
    }
  }
}

function holdsSecret(bytes: Buffer): boolean {
  return SECRETS.some((secret) => bytes.includes(secret));
}

/** What can never serve, or not for the proving time. */
function badContent(pod: V1Pod): string | undefined {
  const words = (pod.spec?.containers ?? []).flatMap(({ args = [], image = '' }) => [...args, image]);
  return words.find((word) => /^--no-such-flag|^--crash-after-ms|:missing$/.test(word));
}

function sameJson(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(text: string): unknown {
  return JSON.parse(text, (_, value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
