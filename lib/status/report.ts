// What the agent knows, as one value for people and machines. Pure: from an observation and the memory. It says for
// every workload what runs now and what would happen on power loss, and gives one verdict.

import { factsOf, hasImages, type WorkloadFacts } from '../decide/facts.ts';
import { bestRevision } from '../decide/revisions.ts';
import type { CompileOutcome } from '../types/checkpoint.ts';
import type { Memory, WorkloadMemory } from '../types/memory.ts';
import type { Observation } from '../types/observation.ts';
import type { Observed } from '../types/observed.ts';
import type { Settings } from '../types/settings.ts';
import type { StoreFinding } from '../types/store.ts';
import { OPTION_ALLOW_SECRET_ENV, type WorkloadKey } from '../types/workload.ts';
import { apiWords } from './api-words.ts';

export type Runs = 'parent' | 'checkpoint' | 'both' | 'nothing' | 'unknown';

export interface WorkloadReport {
  readonly workload: WorkloadKey;
  readonly state: string;
  /** The revision that would be activated. */
  readonly revision?: string;
  readonly proven: boolean;
  /** When it was proven, in milliseconds since the epoch. */
  readonly provenAtMs?: number;
  readonly candidate?: string;
  readonly runs: Runs;
  readonly parent?: string;
  readonly onPowerLoss: string;
  readonly recoverable: boolean;
  readonly note?: string;
  /** Why its parent cannot be carried as it is now; an older proven revision stays in place. */
  readonly refusals: readonly string[];
  /** What its checkpoint shows, or does otherwise than the parent: secrets in env, fields of a newer API, and the like. */
  readonly risks: readonly string[];
  /** The last decision about it, in words; its time is absent where a process before this one made it. */
  readonly why?: { readonly reason: string; readonly atMs?: number };
}

export interface StatusReport {
  readonly node: string;
  /** Where this comes from: the daemon, or the disk because no daemon answers. */
  readonly source: 'daemon' | 'disk';
  readonly agent?: { readonly pid: number; readonly version: string; readonly startedAtMs: number };
  /** Begins with the state's name: serving, denied, away, not asked. */
  readonly api: string;
  readonly runtime: string;
  /** What a person can do about the API or the runtime, where there is something to do. */
  readonly advice: readonly string[];
  readonly workloads: readonly WorkloadReport[];
  /** What needs a person's eye: damaged files, actions that fail. */
  readonly problems: readonly string[];
  readonly recoverable: boolean;
  readonly verdict: string;
}

export interface ReportInput {
  readonly node: string;
  readonly source: StatusReport['source'];
  readonly agent?: StatusReport['agent'];
  readonly observation: Observation;
  readonly memory: Memory;
  readonly settings: Settings;
  readonly failures: ReadonlyMap<string, string>;
  /** The last change of each workload that this process knows of. */
  readonly changes?: ReadonlyMap<WorkloadKey, { readonly reason: string; readonly atMs: number }>;
  readonly findings: readonly StoreFinding[];
}

const RUNTIME_ADVICE =
  'nothing is activated, withdrawn or removed until it answers; see `systemctl status containerd` (or crio)';

export function report(input: ReportInput): StatusReport {
  const { observation, memory, settings } = input;
  const workloads = [...memory.workloads]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, workload]) => {
      const facts = factsOf(key, observation, workload, settings.settleMs);
      return reportWorkload(workload, facts, observation, input.changes?.get(key));
    });
  const problems = [
    ...input.findings.map((f) => `${f.path}: ${f.problem}; ${f.action}`),
    ...[...input.failures].map(([action, message]) => `${action}: ${message}`),
    ...(observation.directory.known
      ? observation.directory.value.broken.map((b) => `${b.file}: ${b.problem}`)
      : [`static pod directory: ${observation.directory.reason}`]),
  ];
  const held = workloads.some(({ state }) => state === 'held');
  const api = apiWords(observation.api, held);
  const lost = workloads.filter((w) => !w.recoverable);
  const recoverable = workloads.length > 0 && lost.length === 0;
  return {
    node: input.node,
    source: input.source,
    ...(input.agent === undefined ? {} : { agent: input.agent }),
    api: api.words,
    runtime: observation.runtime.known ? 'answers' : `unknown: ${observation.runtime.reason}`,
    advice: [
      ...(api.advice === undefined ? [] : [`API: ${api.advice}`]),
      ...(observation.runtime.known ? [] : [`runtime: ${RUNTIME_ADVICE}`]),
    ],
    workloads,
    problems,
    recoverable,
    verdict: verdict(workloads, lost),
  };
}

function verdict(workloads: readonly WorkloadReport[], lost: readonly WorkloadReport[]): string {
  if (workloads.length === 0) {
    return 'NOT RECOVERABLE: no workload of this node is checkpointed';
  }
  if (lost.length === 0)
    return `RECOVERABLE: all ${workloads.length} workloads would come back after a power loss`;
  return `NOT RECOVERABLE: ${lost.map((w) => w.workload).join(', ')} would not come back after a power loss`;
}

function reportWorkload(
  memory: WorkloadMemory,
  facts: WorkloadFacts,
  observation: Observation,
  change: { readonly reason: string; readonly atMs: number } | undefined,
): WorkloadReport {
  const revision = bestRevision(memory, facts);
  const proven =
    revision !== undefined && (revision === memory.proven?.revision || revision === memory.previous);
  const outlook = foresee(memory, facts, observation, revision, proven);
  const provenAtMs = revision === memory.proven?.revision ? memory.proven?.atMs : undefined;
  const note = memory.note ?? (memory.phase.name === 'held' ? memory.phase.reason : undefined);
  const decided = memory.phase.name === 'active' ? { reason: memory.phase.reason } : undefined;
  const why = change ?? decided;
  return {
    workload: facts.key,
    state: memory.phase.name,
    ...(revision === undefined ? {} : { revision }),
    proven,
    ...(provenAtMs === undefined ? {} : { provenAtMs }),
    ...(memory.candidate === undefined ? {} : { candidate: memory.candidate }),
    runs: whatRuns(facts),
    ...(memory.parent === undefined ? {} : { parent: memory.parent.name }),
    ...outlook,
    ...(note === undefined ? {} : { note }),
    ...captureOf(memory, observation.compiled.get(facts.key)),
    ...(why === undefined
      ? {}
      : { why: { reason: why.reason, ...('atMs' in why ? { atMs: why.atMs } : {}) } }),
  };
}

/** While the parent cannot be compiled (no API, no daemon), the record still knows that it may expose secrets. */
function captureOf(
  { options }: WorkloadMemory,
  compiled: Observed<CompileOutcome> | undefined,
): ReturnType<typeof captureWords> {
  if (compiled?.known === true || !options.allowSecretEnv) return captureWords(compiled);
  const exposed = `${OPTION_ALLOW_SECRET_ENV}: secret values of env may stand in its manifest, and in the mirror pod`;
  return { refusals: [], risks: [exposed] };
}

/** What compiling the present parent had to say, one line each; nothing while that is not known. */
export function captureWords(
  compiled: Observed<CompileOutcome> | undefined,
): Pick<WorkloadReport, 'refusals' | 'risks'> {
  if (compiled?.known !== true) return { refusals: [], risks: [] };
  const words = ({ field, why }: { field: string; why: string }): string => `${field}: ${why}`;
  const outcome = compiled.value;
  return outcome.ok
    ? { refusals: [], risks: outcome.checkpoint.notes.filter(({ risk }) => risk).map(words) }
    : { refusals: outcome.refusals.map(words), risks: [] };
}

function whatRuns({ parentRuns, checkpointRuns }: WorkloadFacts): Runs {
  if (!parentRuns.known || !checkpointRuns.known) return 'unknown';
  const parent = parentRuns.value === 'running';
  const checkpoint = checkpointRuns.value === 'running';
  if (parent && checkpoint) return 'both';
  return parent ? 'parent' : checkpoint ? 'checkpoint' : 'nothing';
}

function foresee(
  memory: WorkloadMemory,
  facts: WorkloadFacts,
  observation: Observation,
  revision: string | undefined,
  proven: boolean,
): Pick<WorkloadReport, 'onPowerLoss' | 'recoverable'> {
  if (revision === undefined) return { onPowerLoss: 'lost: no checkpoint yet', recoverable: false };
  if (memory.phase.name === 'held' && memory.phase.active === undefined) {
    return { onPowerLoss: 'held: not activated', recoverable: false };
  }
  const stored = observation.stored
    .find((w) => w.key === facts.key)
    ?.revisions.find((r) => r.revision === revision);
  const images = observation.runtime.known ? observation.runtime.value.images : undefined;
  if (stored !== undefined && images !== undefined && !hasImages(images, stored.manifest)) {
    return { onPowerLoss: 'at risk: an image is not on this node', recoverable: false };
  }
  if (!proven) return { onPowerLoss: 'activates an unproven copy', recoverable: false };
  const active = memory.phase.name === 'active' || memory.phase.name === 'held';
  return { onPowerLoss: active ? 'starts with the kubelet' : 'is activated', recoverable: true };
}
