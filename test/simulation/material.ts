// The files that a manifest of ours mounts from the state directory, read as a container would read them.

import type { V1Pod } from '@kubernetes/client-node';
import type { Inode } from '../crash/inodes.ts';
import type { ModelDisk } from '../crash/model-disk.ts';
import { TOKEN_MARKER } from '../world/tokens.ts';
import { nodeAt, STATE_DIR } from './disk.ts';

/** Path to content; undefined when a volume is not there or has no `..data`. */
export function materialOf(disk: ModelDisk, pod: V1Pod): ReadonlyMap<string, string> | undefined {
  const found = new Map<string, string>();
  for (const { name, hostPath } of pod.spec?.volumes ?? []) {
    if (!hostPath?.path.startsWith(`${STATE_DIR}/`)) continue;
    const data = nodeAt(disk, `${hostPath.path}/..data`);
    if (data?.type !== 'directory') return undefined;
    collect(data, name, found);
  }
  return found;
}

function collect(node: Inode, path: string, found: Map<string, string>): void {
  if (node.type === 'file') found.set(path, Buffer.from(node.data).toString('latin1'));
  if (node.type !== 'directory') return;
  for (const [name, child] of node.entries) collect(child, `${path}/${name}`, found);
}

/** The same, but for tokens, which are renewed in place. */
export function sameMaterial(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([path, text]) => {
    const other = b.get(path);
    return other === text || (text.startsWith(TOKEN_MARKER) && other?.startsWith(TOKEN_MARKER) === true);
  });
}
