// What the kubelet itself was told, from its config file: whether the directory the agent writes to is the one the
// kubelet reads, and where its runtime listens. Settings by flag or drop-in are not seen: then a field is absent.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { known, type Observed, unknown } from '../types/observed.ts';

export const KUBELET_CONFIG = '/var/lib/kubelet/config.yaml';

export interface KubeletFacts {
  readonly file: string;
  readonly staticPodPath?: string;
  readonly containerRuntimeEndpoint?: string;
}

export async function readKubelet(file: string = KUBELET_CONFIG): Promise<Observed<KubeletFacts>> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'failed';
    return unknown(`kubelet config ${file} cannot be read (${code}); name it with --kubelet-config`);
  }
  let config: unknown;
  try {
    config = parse(text);
  } catch {
    return unknown(`kubelet config ${file} is not YAML; name the right file with --kubelet-config`);
  }
  if (
    typeof config !== 'object' ||
    config === null ||
    (config as { kind?: unknown }).kind !== 'KubeletConfiguration'
  ) {
    return unknown(
      `kubelet config ${file}: kind is not KubeletConfiguration; name the right file with --kubelet-config`,
    );
  }
  const { staticPodPath, containerRuntimeEndpoint } = config as Record<string, unknown>;
  return known({
    file,
    ...(typeof staticPodPath === 'string' && staticPodPath !== '' ? { staticPodPath } : {}),
    ...(typeof containerRuntimeEndpoint === 'string' && containerRuntimeEndpoint !== ''
      ? { containerRuntimeEndpoint }
      : {}),
  });
}

/** What is wrong with writing static pods to `dir`, in one line; undefined when nothing is known against it. */
export function checkStaticPodDir(kubelet: Observed<KubeletFacts>, dir: string): string | undefined {
  if (!kubelet.known || kubelet.value.staticPodPath === undefined) return undefined;
  const { staticPodPath, file } = kubelet.value;
  if (resolve(staticPodPath) === resolve(dir)) return undefined;
  return `--static-pod-dir ${dir} is not the kubelet's: ${file} says staticPodPath: ${staticPodPath}; name that one`;
}
