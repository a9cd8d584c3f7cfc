// The node's own part of the cgroup tree, the root of everything its kubelet makes. A power loss ends
// the tree, as it would on a machine of its own.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cgroupMount, hasUnifiedCgroups } from './requirements.ts';
import { waitUntil } from './wait-until.ts';

/** Makes `cgroup` (no leading slash) in every hierarchy, fit to hold containers. */
export async function createNodeCgroup(cgroup: string): Promise<void> {
  for (const hierarchy of await hierarchies()) await createBelow(hierarchy, cgroup);
}

async function createBelow(hierarchy: string, cgroup: string): Promise<void> {
  const path = join(hierarchy, cgroup);
  const parent = dirname(path);
  if (parent !== hierarchy) await createBelow(hierarchy, dirname(cgroup));
  if (hasUnifiedCgroups()) {
    const offered = (await readFile(join(parent, 'cgroup.controllers'), 'utf8')).trim().split(' ');
    await writeFile(join(parent, 'cgroup.subtree_control'), offered.map((name) => `+${name}`).join(' '));
  }
  // Recursive only so that it may be there already: the masters of a cluster start side by side.
  await mkdir(path, { recursive: true });
  // In v1 a new cpuset is empty, and no process can enter it until it has cpus and memory.
  for (const file of hasUnifiedCgroups() ? [] : ['cpuset.cpus', 'cpuset.mems']) {
    if (!existsSync(join(path, file))) continue;
    await writeFile(join(path, file), await readFile(join(parent, file), 'utf8'));
  }
}

/** Removes the tree; its processes are dead already. */
export async function removeNodeCgroup(cgroup: string): Promise<void> {
  for (const hierarchy of await hierarchies()) {
    const path = join(hierarchy, cgroup);
    // The kernel lets go of a cgroup a moment after its last process is gone.
    await waitUntil(`the cgroup ${path} can be removed`, () => removeTree(path), {
      timeoutMs: 10_000,
      intervalMs: 20,
    });
  }
}

async function removeTree(path: string): Promise<true> {
  if (!existsSync(path)) return true;
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeTree(join(path, entry.name));
  }
  await rmdir(path);
  return true;
}

async function hierarchies(): Promise<string[]> {
  if (hasUnifiedCgroups()) return [cgroupMount];
  const names = await readdir(cgroupMount, { withFileTypes: true });
  return names
    .filter((entry) => entry.isDirectory() && existsSync(join(cgroupMount, entry.name, 'cgroup.procs')))
    .map((entry) => join(cgroupMount, entry.name));
}
