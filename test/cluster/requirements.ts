// What this machine must be before anything is installed, built or started. The answer is one line
// for a person: what is missing and what to do. Nothing is changed here: the probes run in namespaces
// of their own, which end with them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';

const hierarchies = ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'pids'];
const controllersV2 = ['cpu', 'cpuset', 'memory', 'pids'];

export const cgroupMount = '/sys/fs/cgroup';

/** One unified hierarchy (v2) instead of one for each controller (v1). */
export function hasUnifiedCgroups(): boolean {
  return existsSync(join(cgroupMount, 'cgroup.controllers'));
}

/** The one thing that is missing for real masters on this machine, or undefined. */
export async function missingRequirement(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) {
    return 'a real cluster needs root (namespaces, mounts, cgroups): run as root';
  }
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  if (!/^ID=debian$/m.test(release) || !/^VERSION_ID="?12"?$/m.test(release)) {
    return 'a real cluster needs Debian 12 (bookworm): the last one with the source of Kubernetes 1.20';
  }
  if (!readFileSync('/proc/filesystems', 'utf8').includes('\toverlay')) {
    return 'a real cluster needs overlayfs in the kernel (modprobe overlay)';
  }
  const cgroups = missingCgroup();
  if (cgroups !== undefined) return `a real cluster needs the cgroup controller ${cgroups}`;
  const flags = ['--mount', '--net', '--uts', '--pid', '--fork', '--mount-proc', '--propagation', 'private'];
  const namespaces = await run(['unshare', ...flags, 'mount', '-t', 'tmpfs', 'none', '/run'], {
    mayFail: true,
  });
  if (namespaces.code !== 0) {
    return `a real cluster needs mount, net, uts and pid namespaces: ${namespaces.stderr.trim()}`;
  }
  return undefined;
}

/** As `missingRequirement`, for what can only be probed once iproute2 is there. */
export async function missingLinkType(): Promise<string | undefined> {
  const probe = 'ip link add name probe0 type bridge && ip link add name probe1 type veth peer name probe2';
  const { code, stderr } = await run(['unshare', '--net', 'sh', '-c', probe], { mayFail: true });
  return code === 0
    ? undefined
    : `a real cluster needs bridge and veth links in the kernel: ${stderr.trim()}`;
}

function missingCgroup(): string | undefined {
  if (hasUnifiedCgroups()) {
    const offered = readFileSync(join(cgroupMount, 'cgroup.controllers'), 'utf8').split(/\s+/);
    return controllersV2.find((controller) => !offered.includes(controller));
  }
  return hierarchies.find((controller) => !existsSync(join(cgroupMount, controller, 'tasks')));
}
