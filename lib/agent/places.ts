// The two places of a node that must be the kubelet's own: its static pod directory and its runtime's socket. Flags
// come first, then what the kubelet was told; what contradicts the kubelet is refused.

import { statSync } from 'node:fs';
import { checkStaticPodDir, type KubeletFacts } from '../observe/kubelet.ts';
import { findRuntimeSocket } from '../observe/runtime/find-socket.ts';
import type { Observed } from '../types/observed.ts';
import { UsageError } from './options.ts';

/**
 * The static pod directory to use, checked against the kubelet's own configuration where that can be read.
 * Errors: UsageError when it is not known, not a directory, or not the one the kubelet reads.
 */
export function resolveStaticPodDir(flag: string | undefined, kubelet: Observed<KubeletFacts>): string {
  const dir = flag ?? (kubelet.known ? kubelet.value.staticPodPath : undefined);
  if (dir === undefined) {
    const why = kubelet.known ? `${kubelet.value.file} names no staticPodPath` : kubelet.reason;
    throw new UsageError(
      `--static-pod-dir: not given, and ${why}; give the directory that the kubelet reads static pods from`,
    );
  }
  const wrong = checkStaticPodDir(kubelet, dir);
  if (wrong !== undefined) throw new UsageError(wrong);
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new UsageError(
      `--static-pod-dir: ${dir} is not a directory; create it, or give the kubelet's staticPodPath`,
    );
  }
  return dir;
}

/** The runtime's socket. It may not be there yet: a runtime may start after us. Errors: UsageError when none is named or found. */
export function resolveRuntimeSocket(flag: string | undefined, kubelet: Observed<KubeletFacts>): string {
  const socket = findRuntimeSocket({
    flag,
    kubeletEndpoint: kubelet.known ? kubelet.value.containerRuntimeEndpoint : undefined,
  });
  if (!socket.known) throw new UsageError(socket.reason);
  return socket.value;
}
