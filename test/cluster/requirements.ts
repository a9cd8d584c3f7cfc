// What this machine must be before anything is installed, built or started. The answer is one line
// for a person: what is missing and what to do. Nothing is changed here: the probes run in namespaces
// of their own, which end with them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './command.ts';
import { goEnvironment, newestGoLine } from './products.ts';

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
  if (!/^ID=debian$/m.test(release)) {
    return 'a real cluster needs Debian, whose packages give it runc, the CNI plugins and iproute2: run on Debian 12';
  }
  const go = await missingGo();
  if (go !== undefined) return go;
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

/** Whether the machine's Go can build them: the newest `go` line of products/ is what it must be. */
async function missingGo(): Promise<string | undefined> {
  const asked = ['go', 'env', 'GOVERSION'];
  const found = await run(asked, { mayFail: true, env: goEnvironment() }).catch(() => undefined);
  return missingGoVersion(found?.code === 0 ? found.stdout.trim() : undefined, newestGoLine());
}

/** `found` as `go env GOVERSION` prints it, such as `go1.26.8`; undefined when there is no Go. */
export function missingGoVersion(found: string | undefined, wanted: string): string | undefined {
  const order = (version: string): number => {
    const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
    return (major * 1000 + minor) * 1000 + patch;
  };
  if (found !== undefined && order(found.replace(/^go/, '')) >= order(wanted)) return undefined;
  const what = found === undefined ? 'no go was found' : `found ${found}`;
  return `a real cluster is built with Go ${wanted} or newer: install it and put it first in PATH (${what})`;
}

function missingCgroup(): string | undefined {
  if (hasUnifiedCgroups()) {
    const offered = readFileSync(join(cgroupMount, 'cgroup.controllers'), 'utf8').split(/\s+/);
    return controllersV2.find((controller) => !offered.includes(controller));
  }
  return hierarchies.find((controller) => !existsSync(join(cgroupMount, controller, 'tasks')));
}
