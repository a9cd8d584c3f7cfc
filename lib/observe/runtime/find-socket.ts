// Where the runtime listens: what the flag says, else what the kubelet was told, else the usual places.

import { statSync } from 'node:fs';
import { known, type Observed, unknown } from '../../types/observed.ts';

export const RUNTIME_SOCKETS: readonly string[] = [
  '/run/containerd/containerd.sock',
  '/var/run/crio/crio.sock',
  '/run/crio/crio.sock',
  '/var/run/cri-dockerd.sock',
  '/run/cri-dockerd.sock',
  '/run/k3s/containerd/containerd.sock',
];

export interface SocketHints {
  /** `--container-runtime-endpoint`; taken as it is, also when the runtime has not started yet. */
  readonly flag?: string | undefined;
  /** `containerRuntimeEndpoint` of the kubelet's config. */
  readonly kubeletEndpoint?: string | undefined;
  readonly places?: readonly string[];
}

/** The path without `unix://`. Unknown when nothing is named and no usual place holds a socket. */
export function findRuntimeSocket({
  flag,
  kubeletEndpoint,
  places = RUNTIME_SOCKETS,
}: SocketHints = {}): Observed<string> {
  const told = flag || kubeletEndpoint;
  if (told) {
    const path = told.replace(/^unix:(\/\/)?/, '');
    if (path.startsWith('/')) return known(path);
    return unknown(
      `runtime socket ${told} is not a unix socket path: name it with --container-runtime-endpoint /path`,
    );
  }
  const found = places.find((place) => isSocket(place));
  if (found !== undefined) return known(found);
  return unknown(
    `no runtime socket in any of ${places.join(', ')}: start the runtime, or name it with --container-runtime-endpoint`,
  );
}

/** Checks what a person named: a path that is no socket is a wrong one, one that is absent may still come. */
export function checkRuntimeSocket(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    return `runtime socket ${path} does not exist: start the runtime, or name another with --container-runtime-endpoint`;
  return stat.isSocket()
    ? undefined
    : `runtime socket ${path} is not a socket: name another with --container-runtime-endpoint`;
}

function isSocket(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
  } catch {
    return false; // a directory on the way cannot be read
  }
}
