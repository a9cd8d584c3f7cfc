// Every field of a pod's metadata, of PodSpec and of Container in the newest API (1.37): what a checkpoint does with
// it, and why. The table drives apply-table.ts; `rewritten` rows have code that is named in the reason.
// What a kubelet itself demands of a static pod is stated again, independently, in kubelet-acceptance.ts.

import type { Shape } from './shape.ts';

export type Treatment = 'kept' | 'dropped' | 'rewritten' | 'refused';

export interface FieldRow {
  readonly field: string;
  readonly shape: Shape;
  readonly treatment: Treatment;
  readonly why: string;
  /** Who hears that it was dropped: nobody, since that changes nothing; who asks (absent); everybody, since it may matter. */
  readonly told?: 'nobody' | 'everybody';
}

const row = (field: string, shape: Shape, treatment: Treatment, why: string): FieldRow => ({
  field,
  shape,
  treatment,
  why,
});
const kept = (field: string, shape: Shape, why = 'means the same in a static pod'): FieldRow =>
  row(field, shape, 'kept', why);
const bookkeeping = (field: string, shape: Shape): FieldRow => ({
  ...row(field, shape, 'dropped', "the API's own bookkeeping"),
  told: 'nobody',
});
const atRisk = (field: string, shape: Shape, why: string): FieldRow => ({
  ...row(field, shape, 'dropped', why),
  told: 'everybody',
});

export const METADATA_FIELDS: readonly FieldRow[] = [
  row('name', 'string', 'rewritten', "the workload's name; the kubelet appends the node's (metadata.ts)"),
  row('namespace', 'string', 'rewritten', 'kept, `default` when empty (metadata.ts)'),
  row('labels', 'map of strings', 'rewritten', 'kept for Services, without controller hashes (metadata.ts)'),
  row(
    'annotations',
    'map of strings',
    'rewritten',
    'kept without what the kubelet and we write (metadata.ts)',
  ),
  bookkeeping('creationTimestamp', 'string'),
  bookkeeping('deletionGracePeriodSeconds', 'integer'),
  bookkeeping('deletionTimestamp', 'string'),
  bookkeeping('finalizers', 'list of strings'),
  bookkeeping('generateName', 'string'),
  bookkeeping('generation', 'integer'),
  bookkeeping('managedFields', 'list of objects'),
  bookkeeping('ownerReferences', 'list of objects'),
  bookkeeping('resourceVersion', 'string'),
  bookkeeping('selfLink', 'string'),
  bookkeeping('uid', 'string'),
];

export const POD_SPEC_FIELDS: readonly FieldRow[] = [
  kept('activeDeadlineSeconds', 'integer'),
  row(
    'affinity',
    'object',
    'dropped',
    'offline the Node has no role labels, so required node affinity rejects the pod for good; the rest is ignored',
  ),
  row('automountServiceAccountToken', 'boolean', 'dropped', 'a static pod has no service account'),
  row('containers', 'list of objects', 'rewritten', 'see CONTAINER_FIELDS (containers.ts)'),
  kept('dnsConfig', 'object'),
  kept('dnsPolicy', 'string'),
  kept('enableServiceLinks', 'boolean'),
  row('ephemeralContainers', 'list of objects', 'dropped', 'the kubelet refuses a static pod that has them'),
  {
    ...row('evictionResponders', 'list of objects', 'dropped', 'nobody evicts a static pod'),
    told: 'nobody',
  },
  kept('hostAliases', 'list of objects'),
  kept('hostIPC', 'boolean'),
  kept('hostNetwork', 'boolean'),
  kept('hostPID', 'boolean'),
  kept('hostUsers', 'boolean'),
  row('hostname', 'string', 'rewritten', 'kept; else a pod with a name of its own keeps it (pod-spec.ts)'),
  kept('hostnameOverride', 'string'),
  atRisk(
    'imagePullSecrets',
    'list of objects',
    'a static pod may name no Secret; since 1.35 an image pulled with one may be refused to a static pod ' +
      '(kubelet setting imagePullCredentialsVerificationPolicy: set NeverVerify, or allow the image)',
  ),
  row('initContainers', 'list of objects', 'rewritten', 'see CONTAINER_FIELDS (containers.ts)'),
  { ...row('nodeName', 'string', 'dropped', 'the kubelet sets its own'), told: 'nobody' },
  row(
    'nodeSelector',
    'map of strings',
    'dropped',
    'offline the Node has no role labels, and the kubelet rejects the pod for good',
  ),
  kept('os', 'object'),
  row('overhead', 'map of strings', 'dropped', 'refused by admission without runtimeClassName'),
  row('preemptionPolicy', 'string', 'rewritten', 'kept or dropped together with priority (pod-spec.ts)'),
  row('priority', 'integer', 'rewritten', 'kept or dropped together with its class (pod-spec.ts)'),
  row('priorityClassName', 'string', 'rewritten', 'kept or dropped together with priority (pod-spec.ts)'),
  row('readinessGates', 'list of objects', 'dropped', 'nobody meets them for a static pod'),
  row('resourceClaims', 'list of objects', 'rewritten', 'refused when a container uses one (pod-spec.ts)'),
  row('resources', 'object', 'rewritten', 'requests to zero (resources.ts)'),
  kept('restartPolicy', 'string'),
  atRisk(
    'runtimeClassName',
    'string',
    "the kubelet reads the RuntimeClass from the API, which fails offline; the runtime's default is used",
  ),
  { ...row('schedulerName', 'string', 'dropped', 'nobody schedules a static pod'), told: 'nobody' },
  row('schedulingGates', 'list of objects', 'dropped', 'the kubelet refuses a static pod that has them'),
  row('schedulingGroup', 'object', 'dropped', 'nobody schedules a static pod'),
  kept('securityContext', 'object'),
  { ...row('serviceAccount', 'string', 'dropped', 'old name of serviceAccountName'), told: 'nobody' },
  row(
    'serviceAccountName',
    'string',
    'dropped',
    'the kubelet refuses a static pod that names an API object; mounted tokens are carried as files',
  ),
  kept('setHostnameAsFQDN', 'boolean'),
  kept('shareProcessNamespace', 'boolean'),
  kept('subdomain', 'string'),
  kept('terminationGracePeriodSeconds', 'integer'),
  kept('tolerations', 'list of objects'),
  row('topologySpreadConstraints', 'list of objects', 'dropped', 'nobody schedules a static pod'),
  row('volumes', 'list of objects', 'rewritten', 'see volume-table.ts (volumes.ts)'),
  row('workloadRef', 'object', 'dropped', 'names an API object, for the scheduler only'),
];

export const CONTAINER_FIELDS: readonly FieldRow[] = [
  kept('args', 'list of strings'),
  row('command', 'list of strings', 'rewritten', 'kept; a stand-by waits on its lock first (standby.ts)'),
  row('env', 'list of objects', 'rewritten', 'references become literals (env.ts)'),
  row('envFrom', 'list of objects', 'rewritten', 'becomes literals before env (env.ts)'),
  kept('image', 'string'),
  row('imagePullPolicy', 'string', 'rewritten', 'never needs the registry (containers.ts)'),
  row('lifecycle', 'object', 'rewritten', 'named ports become numbers (ports.ts)'),
  row('livenessProbe', 'object', 'rewritten', 'named ports become numbers (ports.ts)'),
  kept('name', 'string'),
  row('ports', 'list of objects', 'rewritten', 'dropped on the host network (ports.ts)'),
  row('readinessProbe', 'object', 'rewritten', 'named ports become numbers (ports.ts)'),
  kept('resizePolicy', 'list of objects'),
  row('resources', 'object', 'rewritten', 'requests to zero (resources.ts)'),
  kept('restartPolicy', 'string'),
  kept('restartPolicyRules', 'list of objects'),
  kept('securityContext', 'object'),
  row('startupProbe', 'object', 'rewritten', 'named ports become numbers (ports.ts)'),
  kept('stdin', 'boolean'),
  kept('stdinOnce', 'boolean'),
  kept('terminationMessagePath', 'string'),
  kept('terminationMessagePolicy', 'string'),
  kept('tty', 'boolean'),
  row(
    'volumeDevices',
    'list of objects',
    'refused',
    'block devices come from a PersistentVolumeClaim, which needs the API at start; use a hostPath of type BlockDevice',
  ),
  row('volumeMounts', 'list of objects', 'rewritten', 'read-only where material is mounted (containers.ts)'),
  kept('workingDir', 'string'),
];
