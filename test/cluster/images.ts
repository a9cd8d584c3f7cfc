// The images that masters run: the pod sandbox's pause, the four of the control plane, and the agent.
import { realpath } from 'node:fs/promises';
import { type Image, writeImage } from './image-archive.ts';
import type { Programs } from './products.ts';

export interface ClusterImages {
  readonly pause: Image;
  readonly etcd: Image;
  readonly 'kube-apiserver': Image;
  readonly 'kube-controller-manager': Image;
  readonly 'kube-scheduler': Image;
}

export async function clusterImages(programs: Programs): Promise<ClusterImages> {
  const controlPlane = (name: string): Promise<Image> =>
    writeImage({ name, files: { [`/usr/bin/${name}`]: programs.file(name) } });
  return {
    pause: await writeImage({
      name: 'pause',
      files: { '/pause': programs.file('pause') },
      entrypoint: ['/pause'],
    }),
    etcd: await controlPlane('etcd'),
    'kube-apiserver': await controlPlane('kube-apiserver'),
    'kube-controller-manager': await controlPlane('kube-controller-manager'),
    'kube-scheduler': await controlPlane('kube-scheduler'),
  };
}

/**
 * The agent's image with the layout of the Dockerfile (distroless nodejs, the bundle, flock), assembled
 * from this machine's files: its base image cannot be pulled where no registry can be reached.
 * `node` is the node binary to put in; default: the one that runs this.
 */
export async function agentImage(bundle: string, node = process.execPath): Promise<Image> {
  return writeImage({
    name: 'checkpoint-agent',
    files: {
      '/nodejs/bin/node': await realpath(node),
      '/agent.mjs': bundle,
      '/usr/bin/flock': '/usr/bin/flock',
    },
    path: '/nodejs/bin:/usr/bin:/bin',
  });
}
