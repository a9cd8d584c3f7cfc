// Parents that use every source a checkpoint can carry, all at once. Three of them, since what the kubelet does depends on
// the pod: fsGroup and several users on the pod network; one user on the host's; a pod without a controller, which shows
// secrets in its environment by its own wish.

import { join } from 'node:path';
import { CHECKPOINT_ANNOTATION, OPTION_ALLOW_SECRET_ENV } from '../../lib/types/workload.ts';
import { type Image, writeImage } from '../cluster/image-archive.ts';
import {
  environment,
  type Fields,
  listingDirectory,
  namespace,
  subPaths,
  volumeSources,
} from './kitchen-sink-sources.ts';

export interface Sink {
  /** Of the workload, in `namespace`. */
  readonly name: string;
  readonly containers: readonly string[];
  readonly object: object;
}

const programs = ['cat', 'cut', 'env', 'find', 'grep', 'id', 'mv', 'sha256sum', 'sleep', 'sort', 'tr'];

/** This machine's own programs, and the script that writes the listing. */
export function sinkImage(): Promise<Image> {
  return writeImage({
    name: 'kitchen-sink',
    files: {
      ...Object.fromEntries(programs.map((name) => [`/usr/bin/${name}`, `/usr/bin/${name}`])),
      '/bin/sh': '/bin/dash',
      '/listing.sh': join(import.meta.dirname, 'kitchen-sink-listing.sh'),
    },
  });
}

export function sinks({ reference }: Image): Sink[] {
  const container = (name: string, extra: Fields = {}): Fields => containerOf(reference, name, extra);
  const exposed = 'kitchen-sink-exposed';
  return [
    daemonSet('kitchen-sink', ['init', 'root', 'user'], {
      securityContext: { fsGroup: 2000, supplementalGroups: [3000] },
      initContainers: [container('init', { args: ['init', 'once'] })],
      containers: [
        container('root'),
        container('user', { securityContext: { runAsUser: 1000, runAsGroup: 1001 } }),
      ],
      hostAliases: [{ ip: '192.0.2.1', hostnames: ['alias.test'] }],
    }),
    daemonSet('kitchen-sink-plain', ['plain'], {
      hostNetwork: true,
      securityContext: { runAsUser: 1000 },
      containers: [container('plain')],
    }),
    pod('sink-alone', ['alone'], {
      containers: [
        container('alone', {
          env: [
            { name: 'WORD', valueFrom: { secretKeyRef: { name: exposed, key: 'PASSWORD' } } },
            ...environment,
          ],
          envFrom: [{ prefix: 'S_', secretRef: { name: exposed } }],
        }),
      ],
    }),
  ];
}

function containerOf(image: string, name: string, extra: Fields): Fields {
  return {
    name,
    image,
    command: ['/bin/sh', '/listing.sh'],
    args: [name],
    workingDir: '/sink',
    env: environment,
    envFrom: [
      { prefix: 'P_', configMapRef: { name: 'kitchen-sink-env' } },
      { configMapRef: { name: 'kitchen-sink-env' } },
      { configMapRef: { name: 'not-there', optional: true } },
      { secretRef: { name: 'not-there', optional: true } },
    ],
    resources: { requests: { cpu: '50m', memory: '16Mi' }, limits: { memory: '64Mi' } },
    volumeMounts: [
      ...Object.keys(volumeSources(name)).map((volume) => ({ name: volume, mountPath: `/sink/${volume}` })),
      ...subPaths,
      { name: 'out', mountPath: '/out' },
    ],
    ...extra,
  };
}

/** What a pod and a pod template have in common. Resource files are of the last container. */
function template(name: string, containers: readonly string[], spec: Fields) {
  const out = { hostPath: { path: listingDirectory, type: 'Directory' } };
  const volumes = { ...volumeSources(containers.at(-1) ?? ''), out };
  return {
    metadata: {
      labels: { sink: name },
      annotations: { [CHECKPOINT_ANNOTATION]: 'true', quoted: 'say "hello" \\ $(HOME)\nand é' },
    },
    spec: {
      serviceAccountName: 'kitchen-sink',
      tolerations: [{ operator: 'Exists' }],
      terminationGracePeriodSeconds: 1,
      volumes: Object.entries(volumes).map(([volume, source]) => ({ name: volume, ...source })),
      ...spec,
    },
  };
}

function daemonSet(name: string, containers: readonly string[], spec: Fields): Sink {
  const made = template(name, containers, spec);
  const object = {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace, labels: made.metadata.labels },
    spec: { selector: { matchLabels: made.metadata.labels }, template: made },
  };
  return { name, containers, object };
}

function pod(name: string, containers: readonly string[], spec: Fields): Sink {
  const { metadata, spec: whole } = template(name, containers, spec);
  const annotations = { ...metadata.annotations, [OPTION_ALLOW_SECRET_ENV]: 'true' };
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name, namespace, annotations },
    spec: whole,
  };
  return { name, containers, object };
}
