// Histories in which the agent once went wrong, or a rule of the simulation did: played again at every run.

import type { Schedule } from './faults.ts';

export const KNOWN: readonly (Schedule & { readonly what: string })[] = [
  {
    what: 'a read-only disk was asked to write as fast as it could refuse, and the record of the boot was never written',
    seed: 4,
    setup: 'usual',
    faults: [
      { atMs: 1_866, type: 'power-loss', offMs: 3_516, agentMs: 4_632 },
      { atMs: 7_731, type: 'disk-error', forMs: 3_663, code: 'EROFS' },
    ],
  },
  {
    what: 'a process that died between a withdrawal and its record activated beside a parent that served',
    seed: 3478,
    setup: 'five',
    faults: [
      { atMs: 5_488, type: 'power-loss', offMs: 3_713, agentMs: 3_499 },
      { atMs: 26_050, type: 'agent-crash-at-call', downMs: 5_331, calls: 37 },
    ],
  },
  {
    what: 'a pod that a person deleted in its handover was held against its content',
    seed: 12444,
    setup: 'usual',
    faults: [
      { atMs: 6_114, type: 'network-cut', forMs: 4_777 },
      { atMs: 13_868, type: 'update', workload: 'etcd', content: 'good' },
      { atMs: 14_449, type: 'daemonset-deleted', workload: 'kube-scheduler', againMs: 97_161 },
      { atMs: 21_605, type: 'pod-deleted', workload: 'etcd' },
    ],
  },
];
