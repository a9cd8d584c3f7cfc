// Every type of volume, and every source of a projected volume, in the newest API: carried as it is, turned into
// material (files beside the manifest), or refused with what a person can do. Drives volumes.ts.
// What the kubelet itself allows is stated again, independently, in kubelet-acceptance.ts.

export interface VolumeRow {
  readonly type: string;
  readonly treatment: 'kept' | 'material' | 'refused';
  readonly why: string;
}

const kept = (type: string, why: string): VolumeRow => ({ type, treatment: 'kept', why });
const material = (type: string, why: string): VolumeRow => ({ type, treatment: 'material', why });
const refused = (type: string, why: string): VolumeRow => ({ type, treatment: 'refused', why });

const ATTACHED =
  'is attached by a controller through the API, which is away when it is needed; use a hostPath or nfs';
const REMOVED = 'no kubelet of today knows this type; mount it on the host and use a hostPath';
/** The plugin is attachable: with enableControllerAttachDetach (the default) the kubelet waits for node.status. */
const WAITS =
  'kept, but a kubelet with enableControllerAttachDetach (the default) waits for the API to report it attached; ' +
  'set that to false on this node, or use a hostPath or nfs';

export const VOLUME_TYPES: readonly VolumeRow[] = [
  refused('awsElasticBlockStore', ATTACHED),
  refused('azureDisk', ATTACHED),
  refused(
    'azureFile',
    'needs a Secret from the API at start; mount the share on the host and use a hostPath',
  ),
  // The plugins of cephfs and rbd were taken out in 1.31 (kubernetes#124544, #124546); the API still takes the fields.
  refused('cephfs', REMOVED),
  refused('cinder', ATTACHED),
  material('configMap', "the ConfigMap's files are carried beside the manifest and mounted read-only"),
  refused('csi', 'needs the CSIDriver from the API at start; use a hostPath'),
  material('downwardAPI', 'kept where the value is the same in a static pod, else its files are carried'),
  kept('emptyDir', 'made by the kubelet'),
  refused(
    'ephemeral',
    'is a PersistentVolumeClaim, which needs the API at start; use an emptyDir or a hostPath',
  ),
  kept('fc', WAITS),
  kept('flexVolume', 'mounted by the kubelet itself, when no secretRef is set'),
  refused('flocker', REMOVED),
  refused('gcePersistentDisk', ATTACHED),
  refused(
    'gitRepo',
    'is cloned from the network at start and kubelets no longer do it; use an image or a hostPath',
  ),
  refused('glusterfs', 'needs Endpoints from the API at start; mount it on the host and use a hostPath'),
  kept('hostPath', 'the host keeps it'),
  kept('image', 'the runtime keeps it; never pulled when it is there'),
  kept('iscsi', WAITS),
  kept('nfs', 'mounted by the kubelet itself'),
  refused('persistentVolumeClaim', 'needs the API at start; use a hostPath'),
  refused('photonPersistentDisk', REMOVED),
  refused('portworxVolume', 'needs its CSI driver through the API at start; use a hostPath'),
  material('projected', 'its files are carried beside the manifest and mounted read-only'),
  refused('quobyte', REMOVED),
  refused('rbd', REMOVED),
  refused('scaleIO', REMOVED),
  material('secret', "the Secret's files are carried beside the manifest and mounted read-only"),
  refused('storageos', REMOVED),
  refused('vsphereVolume', ATTACHED),
];

export const PROJECTED_SOURCES: readonly VolumeRow[] = [
  material('clusterTrustBundle', 'the certificates of the bundles are carried'),
  material('configMap', "the ConfigMap's files are carried"),
  material('downwardAPI', 'kept where the value is the same in a static pod, else its files are carried'),
  // The agent could ask for a certificate of its own, as it does for tokens. Its key would then lie on a disk, which is
  // what this source is there to avoid, and by default it is valid for a day: after a longer loss of power it is of no use.
  refused(
    'podCertificate',
    'has a key that is made by the kubelet and kept in memory only, and soon runs out; use a certificate from a Secret',
  ),
  material('secret', "the Secret's files are carried"),
  material('serviceAccountToken', 'the token is requested while the API answers, and carried'),
];

export function volumeRow(rows: readonly VolumeRow[], type: string): VolumeRow | undefined {
  return rows.find((row) => row.type === type);
}
