// What a person on call reads: which workloads would come back, which would not and why, and one verdict.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderMetrics } from '../../../lib/status/metrics.ts';
import { renderStatus } from '../../../lib/status/render.ts';
import { report, type StatusReport } from '../../../lib/status/report.ts';
import type { RevisionId } from '../../../lib/types/checkpoint.ts';
import type { Phase, WorkloadMemory } from '../../../lib/types/memory.ts';
import type { Observation, RuntimePod } from '../../../lib/types/observation.ts';
import { known, unknown } from '../../../lib/types/observed.ts';
import { DEFAULT_SETTINGS } from '../../../lib/types/settings.ts';
import type { StoredWorkload } from '../../../lib/types/store.ts';
import { ANNOTATION_OF, type WorkloadKey, workloadKey } from '../../../lib/types/workload.ts';

const ETCD = workloadKey('kube-system', 'etcd');
const API = workloadKey('kube-system', 'kube-apiserver');
const GOOD = 'aaaaaaaaaaaaaaaa' as RevisionId;
const NEW = 'bbbbbbbbbbbbbbbb' as RevisionId;
const IMAGE = 'registry.k8s.io/etcd:3';

function memory(phase: Phase, extra: Partial<WorkloadMemory> = {}): WorkloadMemory {
  return {
    phase,
    options: { overlap: false, allowSecretEnv: false, dropLabels: false },
    proven: { revision: GOOD, atMs: 1_000_000 },
    failedHandovers: 0,
    stoppedMs: 0,
    runningMs: 0,
    servingMs: 0,
    unservedMs: 0,
    backOffMs: 0,
    downMs: 0,
    ...extra,
  };
}

function stored(key: WorkloadKey, ...revisions: RevisionId[]): StoredWorkload {
  return {
    key,
    record: undefined,
    revisions: revisions.map((revision) => ({
      revision,
      createdAtMs: 0,
      manifest: { spec: { containers: [{ name: 'c', image: IMAGE }] } },
      materialDir: '/m',
      bytes: 1,
      tokens: [],
    })),
  };
}

function checkpointPod(key: WorkloadKey): RuntimePod {
  return {
    namespace: 'kube-system',
    name: 'x-n1',
    uid: 'u',
    sandboxId: 's',
    sandboxReady: true,
    createdAtMs: 0,
    labels: {},
    annotations: { [ANNOTATION_OF]: key },
    containers: [{ id: 'i', name: 'c', state: 'running', attempt: 0, createdAtMs: 0 }],
  };
}

function status(
  workloads: [WorkloadKey, WorkloadMemory][],
  extra: Partial<Observation> = {},
  failures: [string, string][] = [],
  changes: NonNullable<Parameters<typeof report>[0]['changes']> = new Map(),
): StatusReport {
  const observation: Observation = {
    sinceLastPassMs: 0,
    wallClockMs: 0,
    bootId: known('b'),
    api: { name: 'serving' },
    node: unknown('-'),
    parents: unknown('-'),
    lastParents: [],
    compiled: new Map(),
    runtime: known({ pods: [], images: new Set([IMAGE]) }),
    probes: new Map(),
    wanted: new Map(),
    directory: known({ ours: [], broken: [] }),
    stored: workloads.map(([key]) => stored(key, GOOD)),
    storedNode: {},
    ...extra,
  };
  return report({
    node: 'n1',
    source: 'disk',
    observation,
    memory: { workloads: new Map(workloads), apiAwayMs: 0, apiServingMs: 0 },
    settings: DEFAULT_SETTINGS,
    failures: new Map(failures),
    changes,
    findings: [],
  });
}

describe('the report', () => {
  it('says recoverable when every workload has an intact proven revision and its images', () => {
    const { recoverable, verdict } = status([[ETCD, memory({ name: 'standby' })]]);
    assert.equal(recoverable, true);
    assert.equal(verdict, 'RECOVERABLE: all 1 workloads would come back after a power loss');
  });

  it('names the workloads that would not come back', () => {
    const { proven: _, ...unproven } = memory({ name: 'none' }, { candidate: NEW });
    const { recoverable, verdict } = status([
      [API, unproven],
      [ETCD, memory({ name: 'standby' })],
    ]);
    assert.equal(recoverable, false);
    assert.match(verdict, /^NOT RECOVERABLE: kube-system\/kube-apiserver would not come back/);
  });

  it('is not recoverable when nothing is checkpointed', () => {
    assert.equal(status([]).recoverable, false);
  });

  it('counts the predecessor of a damaged proven revision as proven, and not a mere candidate', () => {
    const fallback = memory({ name: 'standby' }, { proven: { revision: NEW, atMs: 1 }, previous: GOOD });
    assert.equal(status([[ETCD, fallback]]).workloads[0]?.recoverable, true);
    const candidate = memory({ name: 'standby' }, { proven: { revision: NEW, atMs: 1 }, candidate: GOOD });
    assert.equal(status([[ETCD, candidate]]).workloads[0]?.recoverable, false);
  });

  it('warns of an image that is not on the node', () => {
    const { workloads } = status([[ETCD, memory({ name: 'standby' })]], {
      runtime: known({ pods: [], images: new Set() }),
    });
    assert.equal(workloads[0]?.onPowerLoss, 'at risk: an image is not on this node');
    assert.equal(workloads[0]?.recoverable, false);
  });

  it('says what runs now, and that it cannot be known without a runtime', () => {
    const workload: [WorkloadKey, WorkloadMemory] = [
      ETCD,
      memory({ name: 'active', revision: GOOD, reason: 'outage' }),
    ];
    const running = status([workload], {
      runtime: known({ pods: [checkpointPod(ETCD)], images: new Set([IMAGE]) }),
    });
    assert.equal(running.workloads[0]?.runs, 'checkpoint');
    const silent = status([workload], { runtime: unknown('socket gone') });
    assert.equal(silent.workloads[0]?.runs, 'unknown');
    assert.equal(silent.runtime, 'unknown: socket gone');
  });

  it('does not promise a held workload that is not active', () => {
    const { workloads } = status([[ETCD, memory({ name: 'held', reason: 'another cluster' })]]);
    assert.equal(workloads[0]?.recoverable, false);
    assert.equal(workloads[0]?.note, 'another cluster');
  });

  it('says without a daemon or an API that secrets may be exposed', () => {
    const options = { overlap: false, allowSecretEnv: true, dropLabels: false };
    const { risks } = status([[ETCD, memory({ name: 'standby' }, { options })]]).workloads[0] ?? {};
    assert.match(risks?.[0] ?? '', /^checkpoint-agent\.io\/allow-secret-env: /);
    assert.deepEqual(status([[ETCD, memory({ name: 'standby' })]]).workloads[0]?.risks, []);
  });

  it('lists torn manifests and failing actions as problems', () => {
    const { problems } = status(
      [],
      { directory: known({ ours: [], broken: [{ file: '/etc/x.json', problem: 'is not complete JSON' }] }) },
      [['activate kube-system/etcd', 'disk full']],
    );
    assert.deepEqual(problems, ['activate kube-system/etcd: disk full', '/etc/x.json: is not complete JSON']);
  });
});

describe('the table', () => {
  it('shows risks below the notes', () => {
    const options = { overlap: false, allowSecretEnv: true, dropLabels: false };
    const text = renderStatus(status([[ETCD, memory({ name: 'standby' }, { options })]]), 0);
    assert.match(text, /\n\nRisks:\n {2}kube-system\/etcd: checkpoint-agent\.io\/allow-secret-env: /);
  });

  it('shows each workload, its notes and the verdict', () => {
    const text = renderStatus(
      status([[ETCD, memory({ name: 'standby' }, { note: 'kept for a reason' })]]),
      1_000_000 + 11_000_000,
    );
    assert.equal(
      text,
      [
        'Node n1: no agent runs; read from disk',
        'API serving',
        'Runtime answers',
        '',
        'WORKLOAD          STATE    REVISION    PROVEN          RUNS NOW  ON POWER LOSS',
        'kube-system/etcd  standby  aaaaaaaaaa  yes, 3h3m ago   nothing   is activated'.replace(
          '  nothing',
          ' nothing',
        ),
        '',
        'Notes:',
        '  kube-system/etcd: kept for a reason',
        '',
        'RECOVERABLE: all 1 workloads would come back after a power loss',
      ]
        .join('\n')
        .replace('PROVEN          ', 'PROVEN         '),
    );
  });
});

describe('what to do', () => {
  const lines = (extra: Partial<Observation>, phase: Phase = { name: 'standby' }): string =>
    renderStatus(status([[ETCD, memory(phase)]], extra), 0);

  it('is said for an API that is away and for a runtime that does not answer', () => {
    const text = lines({
      api: { name: 'away', cause: 'refused', detail: 'ECONNREFUSED', failedProbes: 9 },
      runtime: unknown('no answer within 2000 ms'),
    });
    assert.match(text, /^API away: .*ECONNREFUSED/m);
    assert.match(text, /^Runtime unknown: no answer within 2000 ms$/m);
    assert.match(text, /^What to do:\n {2}API: .*\n {2}runtime: .*systemctl status/m);
  });

  it('is said for a workload that is held: why, and how it is released', () => {
    const text = lines({}, { name: 'held', reason: 'the UID changed; `agent forget` releases' });
    assert.match(text, /^API serving another or an emptied cluster/m);
    assert.match(text, /agent forget NAMESPACE\/NAME/);
    assert.match(text, /kube-system\/etcd: the UID changed; `agent forget` releases/);
  });
});

describe('the last decisions', () => {
  it('are shown with their age, or as the disk remembers them', () => {
    const workloads: [WorkloadKey, WorkloadMemory][] = [
      [ETCD, memory({ name: 'standby' })],
      [API, memory({ name: 'active', revision: GOOD, reason: 'first boot pass' })],
    ];
    const changes = new Map([[ETCD, { reason: 'its parent serves', atMs: 1_000_000 }]]);
    const text = renderStatus(status(workloads, {}, [], changes), 1_240_000);
    assert.match(text, /^Last decisions:\n {2}kube-system\/etcd: 4m ago: its parent serves\n/m);
    assert.match(text, /^ {2}kube-system\/kube-apiserver: first boot pass$/m);
  });
});

describe('the metrics', () => {
  it('carry the phase and whether each workload is recoverable', async () => {
    const text = await renderMetrics(status([[ETCD, memory({ name: 'standby' })]]));
    assert.match(text, /checkpoint_agent_workload_phase\{workload="kube-system\/etcd",phase="standby"\} 1/);
    assert.match(text, /checkpoint_agent_workload_phase\{workload="kube-system\/etcd",phase="active"\} 0/);
    assert.match(text, /checkpoint_agent_recoverable 1/);
  });

  it('claim nothing before the first look', async () => {
    assert.doesNotMatch(await renderMetrics(undefined), /checkpoint_agent_recoverable \d/);
  });
});
