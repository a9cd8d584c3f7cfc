// Is a parent that is absent from the list still wanted here? By its own word, and by its DaemonSet's.

import { pod } from './small-api.ts';
import { ASKS, affinity, controller, owned, refuse, selecting, tainted, testWanted } from './wanted-stage.ts';

testWanted([
  { name: 'the pod is still there', objects: [pod('p', { annotations: ASKS })], expected: 'wanted' },
  {
    name: 'the pod is there without the annotation',
    objects: [pod('p')],
    kind: 'DaemonSet',
    expected: 'not-here',
  },
  { name: 'the pod is gone and had no controller', expected: 'not-wanted' },
  {
    name: 'another pod has its name',
    objects: [pod('p', { uid: 'other', annotations: ASKS })],
    expected: 'not-wanted',
  },
  { name: 'the pod cannot be read: 500', override: refuse('/pods/p', 500), expected: /500: sorry/ },
  { name: 'the pod cannot be read: 401', override: refuse('/pods/p', 401), expected: /401: sorry/ },
  {
    name: 'a get is refused but the list shows the pod',
    objects: [pod('p', { annotations: ASKS })],
    override: refuse('/pods/p', 403),
    expected: 'wanted',
  },
  {
    name: 'a get is refused and the list is empty',
    override: refuse('/pods/p', 403),
    expected: 'not-wanted',
  },
  {
    name: 'get and list are refused',
    override: ({ path }) => (path.includes('/pods') ? { status: 403, body: {} } : undefined),
    expected: /403/,
  },
  { name: 'DaemonSet: exists', kind: 'DaemonSet', objects: [controller('DaemonSet')], expected: 'wanted' },
  {
    name: 'the pod is there and still its controller`s',
    objects: [pod('p', owned('DaemonSet', 'w'))],
    kind: 'DaemonSet',
    expected: 'wanted',
  },
  {
    name: 'the pod was adopted by another controller, its own is gone: a DaemonSet renamed around its pods',
    objects: [pod('p', owned('DaemonSet', 'renamed'))],
    kind: 'DaemonSet',
    expected: 'not-wanted',
  },
  {
    name: 'the pod stands alone after its controller went',
    objects: [pod('p', { annotations: ASKS })],
    kind: 'DaemonSet',
    expected: 'not-wanted',
  },
  {
    name: 'the pod stood alone and has a controller now',
    objects: [pod('p', owned('DaemonSet', 'w'))],
    expected: 'not-wanted',
  },
  {
    name: 'DaemonSet: recreated under its name',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', {}, { uid: 'another' })],
    expected: 'wanted',
  },
  {
    name: 'DaemonSet: a person tainted the node against it',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet'), tainted({ key: 'retired', effect: 'NoExecute' })],
    expected: 'not-here',
  },
  {
    name: 'DaemonSet: it tolerates the taint',
    kind: 'DaemonSet',
    objects: [
      controller('DaemonSet', selecting({ tolerations: [{ key: 'retired', operator: 'Exists' }] })),
      tainted({ key: 'retired', effect: 'NoExecute' }),
    ],
    expected: 'wanted',
  },
  {
    name: 'DaemonSet: a cordoned node passes',
    kind: 'DaemonSet',
    objects: [
      controller('DaemonSet'),
      tainted({ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }),
    ],
    expected: 'wanted',
  },
  {
    name: 'DaemonSet: its template names another node',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', selecting({ nodeName: 'n2' }))],
    expected: 'not-here',
  },
  { name: 'DaemonSet: gone', kind: 'DaemonSet', expected: 'not-wanted' },
  {
    name: 'DaemonSet: being deleted',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' })],
    expected: 'not-wanted',
  },
  {
    name: 'DaemonSet: its selector matches the node',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', selecting({ nodeSelector: { role: 'master' } }))],
    expected: 'wanted',
  },
  {
    name: 'DaemonSet: its selector does not match the node',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', selecting({ nodeSelector: { role: 'worker' } }))],
    expected: 'not-here',
  },
  {
    name: 'DaemonSet: its affinity excludes the node',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', selecting(affinity('NotIn', ['master'])))],
    expected: 'not-here',
  },
  {
    name: 'DaemonSet: its successors would not ask for a checkpoint',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet', { template: { metadata: {}, spec: {} } })],
    expected: 'not-here',
  },
  {
    name: 'DaemonSet: the node cannot be read',
    kind: 'DaemonSet',
    objects: [controller('DaemonSet')],
    override: refuse('/nodes/n1', 500),
    expected: /nodes\/n1: 500/,
  },
  {
    name: 'DaemonSet: forbidden',
    kind: 'DaemonSet',
    override: refuse('/daemonsets/w', 403),
    expected: /403: sorry/,
  },
  {
    name: 'DaemonSet: no second identity',
    kind: 'DaemonSet',
    serviceAccount: false,
    expected: /no service account is mounted/,
  },
]);
