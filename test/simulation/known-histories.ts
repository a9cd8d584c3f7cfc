// Histories in which the agent went wrong once, or would with a bug that seldom shows, or that chance does not come by:
// played again at every run.

import type { History } from './faults.ts';

interface Known extends History {
  readonly what: string;
}

export const KNOWN: readonly Known[] = [
  {
    what: 'a read-only disk was asked to write as fast as it could refuse, and the record of the boot was never written',
    setup: 'usual',
    schedules: [
      {
        seed: 4,
        faults: [
          { atMs: 1_866, type: 'power-loss', offMs: 3_516, agentMs: 4_632 },
          { atMs: 7_731, type: 'disk-error', forMs: 8_000, code: 'EROFS' },
          { atMs: 14_000, type: 'clock-jump', offsetMs: 1_000 },
        ],
      },
    ],
  },
  {
    what: 'a process that died between a withdrawal and its record activated beside a parent that served',
    setup: 'five',
    schedules: [
      {
        seed: 2,
        faults: [
          { atMs: 1_000, type: 'power-loss', offMs: 1_000, agentMs: 1_000 },
          { atMs: 8_000, type: 'agent-crash-at-call', downMs: 8_000, of: 'unlink', calls: 1 },
        ],
      },
    ],
  },
  {
    what: 'a process that died between withdrawals and their records placed a checkpoint again, and yet another beside it',
    setup: 'old',
    schedules: [
      {
        seed: 2_182,
        faults: [
          { atMs: 9_495, type: 'power-loss', offMs: 3_004, agentMs: 2_173 },
          { atMs: 10_013, type: 'agent-crash-at-call', downMs: 4_411, of: 'stopSandbox', calls: 2 },
        ],
      },
    ],
  },
  {
    what: 'a controller-manager that dies again and again is stood in for, although the API answers',
    setup: 'five',
    schedules: [
      {
        seed: 907,
        faults: [
          { atMs: 6_081, type: 'update', workload: 'kube-controller-manager', content: 'leaky' },
          {
            atMs: 32_186,
            type: 'power-loss-at-call',
            offMs: 1_175,
            agentMs: 4_461,
            of: 'unlinkNow',
            calls: 4,
          },
        ],
      },
    ],
  },
  {
    what: 'a process that started during an outage held it against the one parent that it found in a handover',
    setup: 'usual',
    schedules: [
      {
        seed: 5_632,
        faults: [
          { atMs: 3_146, type: 'agent-crash-at-call', downMs: 5_932, of: 'stopSandbox', calls: 2 },
          { atMs: 19_952, type: 'update', workload: 'kube-controller-manager', content: 'missing' },
          { atMs: 25_469, type: 'daemonset-deleted', workload: 'etcd', againMs: 10_588 },
        ],
      },
    ],
  },
  {
    what: 'content that died for want of an API, three times before it was proven, was refused its ports for good',
    setup: 'sharing',
    schedules: [
      {
        seed: 31_748,
        faults: [
          { atMs: 338, type: 'secret-change', workload: 'kube-controller-manager' },
          { atMs: 2_090, type: 'api-frozen', forMs: 46_872 },
          { atMs: 10_702, type: 'daemonset-deleted', workload: 'etcd', againMs: 98_136 },
          { atMs: 24_595, type: 'controllers-forbidden', forMs: 156_340 },
        ],
      },
    ],
  },
  ...[40_000, 41_000, 42_000].map(
    (atMs): Known => ({
      what: 'a pod that a person deleted in its handover was held against its content',
      setup: 'usual',
      schedules: [
        {
          seed: 41,
          faults: [
            { atMs: 2_000, type: 'update', workload: 'kube-scheduler', content: 'good' },
            { atMs: 2_500, type: 'pod-deleted', workload: 'kube-scheduler' },
            { atMs, type: 'pod-deleted', workload: 'kube-scheduler' },
          ],
        },
      ],
    }),
  ),
  ...(
    [
      ['usual', 'etcd', 6_000],
      ['usual', 'etcd', 6_080],
      ['pod', 'kube-apiserver', 5_360],
    ] as const
  ).map(
    ([setup, workload, atMs]): Known => ({
      what: 'a kubelet died between making a container and starting it, with no API to tell the next one',
      setup,
      schedules: [
        {
          seed: 7,
          faults: [
            { atMs: 5_000, type: 'container-killed', workload },
            { atMs, type: 'kubelet-restart', downMs: 8_000 },
          ],
        },
      ],
    }),
  ),
  {
    what: 'the etcd that a starting apiserver needed waited for that apiserver to start, and the API was away for 28 s',
    setup: 'usual',
    schedules: [
      {
        seed: 5,
        faults: [
          { atMs: 1_000, type: 'update', workload: 'kube-apiserver', content: 'good' },
          { atMs: 4_000, type: 'update', workload: 'etcd', content: 'good' },
        ],
      },
    ],
  },
  {
    what: 'a process that started just after etcd had gone did not end the apiserver that hung for want of it',
    setup: 'pod',
    schedules: [
      {
        seed: 9_805,
        faults: [
          { atMs: 4_324, type: 'update', workload: 'checkpoint-agent', content: 'good' },
          { atMs: 4_691, type: 'update', workload: 'etcd', content: 'good' },
        ],
      },
    ],
  },
  {
    what: 'an apiserver that was stopped for a while was ended, since a scheduler waited for it',
    setup: 'usual',
    schedules: [
      {
        seed: 4_283,
        faults: [
          { atMs: 14_610, type: 'pod-deleted', workload: 'kube-scheduler' },
          { atMs: 20_070, type: 'api-frozen', forMs: 28_718 },
        ],
      },
    ],
  },
  ...[4, 6].map(
    (seed): Known => ({
      what: 'a handover that began before the kubelet had listed the services cost the API half a minute',
      setup: 'usual',
      schedules: [{ seed, faults: [{ atMs: 1_000, type: 'power-loss', offMs: 1_000, agentMs: 9_000 }] }],
    }),
  ),
  ...(['usual', 'pod'] as const).map(
    (setup): Known => ({
      what: 'a kubelet that had reached an API for a moment, and none in the 14 minutes after, ended itself and was started again',
      setup,
      schedules: [
        {
          seed: 3,
          faults: [
            { atMs: 1_000, type: 'power-loss', offMs: 1_000, agentMs: 1_000 },
            { atMs: 10_500, type: 'network-cut', forMs: 900_000 },
            // Until then nothing is mended.
            { atMs: 905_000, type: 'clock-jump', offsetMs: 1_000 },
          ],
        },
      ],
    }),
  ),
  {
    what: 'a checkpoint that a read-only disk had kept from being withdrawn was, with its parent gone meanwhile',
    setup: 'outside',
    schedules: [
      {
        seed: 7,
        faults: [
          { atMs: 1_000, type: 'power-loss', offMs: 1_000, agentMs: 1_000 },
          { atMs: 16_500, type: 'disk-error', forMs: 12_000, code: 'EROFS' },
          { atMs: 22_500, type: 'pod-deleted', workload: 'kube-controller-manager' },
          // Until then nothing is mended.
          { atMs: 40_000, type: 'clock-jump', offsetMs: 1_000 },
        ],
      },
    ],
  },
  {
    what: 'so was one whose handover had begun',
    setup: 'outside',
    schedules: [
      {
        seed: 7,
        faults: [
          { atMs: 1_000, type: 'power-loss', offMs: 1_000, agentMs: 1_000 },
          { atMs: 17_400, type: 'disk-error', forMs: 8_000, code: 'ENOSPC' },
          { atMs: 17_900, type: 'container-killed', workload: 'kube-scheduler' },
          { atMs: 18_900, type: 'container-killed', workload: 'kube-scheduler' },
          { atMs: 19_900, type: 'pod-deleted', workload: 'kube-scheduler' },
        ],
      },
    ],
  },
  {
    what: 'a power loss brought a manifest back, more than a minute after a process had withdrawn it and died, and its revision was gone',
    setup: 'outside',
    schedules: [
      {
        seed: 2_064_109,
        faults: [
          { atMs: 8_475, type: 'power-loss', offMs: 486, agentMs: 704 },
          { atMs: 10_880, type: 'update', workload: 'kube-controller-manager', content: 'leaky' },
          { atMs: 12_410, type: 'agent-crash-at-call', downMs: 1_499, of: 'unlink', calls: 3 },
        ],
      },
      {
        seed: 2_064_110,
        faults: [{ atMs: 9_391, type: 'secret-change', workload: 'kube-controller-manager' }],
      },
      {
        seed: 2_064_112,
        faults: [{ atMs: 18_177, type: 'power-loss', offMs: 4_437, agentMs: 5_766 }],
      },
    ],
  },
];
