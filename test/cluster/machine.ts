// One machine, as far as an operating system's processes can tell: its own process table, mounts,
// network and host name, made by `unshare`. All of it hangs on the machine's first process:
// - power loss is SIGKILL of that process: the kernel kills everything on the machine in one instant,
//   and all mounts and addresses go with it. What `disk` holds stays, what /run holds is lost.
// - it waits on a pipe that this process holds, so it cannot outlive us, however we end.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { letGo } from './claim.ts';
import { type CommandOptions, type CommandResult, plainEnvironment, run } from './command.ts';
import { type DaemonOptions, type MachineProcess, onlyChild, startProcess } from './machine-process.ts';

/** Directories of the machine that are on its own disk. /etc as a whole is an overlay on the host's. */
export const persistentPaths = [
  '/etc/kubernetes',
  '/etc/containerd',
  '/etc/cni',
  '/opt',
  '/var/log',
  // Last: it hides the directory that all of them come from.
  '/var/lib',
];

const firstProcess = `
set -eu
name=$1 directory=$2 boot_id=$3; shift 3
hostname "$name"
# As systemd does: mounts made by the kubelet reach the containers that ask for it.
mount --make-rshared /
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$directory/etc/upper,workdir=$directory/etc/work" /etc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lock
echo "$boot_id" >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
# The kubelet sets these. They belong to the host's kernel, so it gets files to write to instead.
for tunable in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \\
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=/run/tunables/\${tunable%=*}
  mkdir -p "\${file%/*}"
  echo "\${tunable#*=}" >"$file"
  mount --bind "$file" "/proc/sys/\${tunable%=*}"
done
echo 1 >/proc/sys/net/ipv4/ip_forward
for path in "$@"; do
  mkdir -p "$path"
  mount --bind "$directory/disk$path" "$path"
done
echo up
# bash, since it reaps what the machine's daemons leave behind. It ends with the pipe.
while read -r _; do :; done
`;

export class Machine {
  readonly name: string;
  readonly directory: string;
  private readonly processesFile: string;
  private readonly env: NodeJS.ProcessEnv;
  private first: { readonly pid: number; readonly unshare: ChildProcess } | undefined;

  /** `path` is the PATH of everything that runs on the machine. */
  constructor(name: string, directory: string, processesFile: string, path: string) {
    this.env = { ...plainEnvironment, PATH: path };
    this.name = name;
    this.directory = directory;
    this.processesFile = processesFile;
  }

  get isOn(): boolean {
    return this.first !== undefined;
  }

  /** The host's id of the machine's first process: the way in, for nsenter and /proc/<pid>/root. */
  get pid(): number {
    if (this.first === undefined) throw new Error(`${this.name} has no power`);
    return this.first.pid;
  }

  /** The machine with its kernel and its disk, and no daemon yet. Returns its new boot id. */
  async switchOn(): Promise<string> {
    if (this.first !== undefined) throw new Error(`${this.name} has power already`);
    for (const path of persistentPaths) await mkdir(join(this.directory, 'disk', path), { recursive: true });
    await mkdir(join(this.directory, 'etc', 'upper'), { recursive: true });
    // An overlay's work directory that a power loss left behind is not always usable again.
    await rm(join(this.directory, 'etc', 'work'), { recursive: true, force: true });
    await mkdir(join(this.directory, 'etc', 'work'));
    const bootId = randomUUID();
    const flags = [
      '--mount',
      '--net',
      '--uts',
      '--pid',
      '--fork',
      '--mount-proc',
      '--propagation',
      'private',
    ];
    const script = [
      'bash',
      '-c',
      firstProcess,
      'init',
      this.name,
      this.directory,
      bootId,
      ...persistentPaths,
    ];
    const unshare = spawn('unshare', [...flags, '--kill-child', ...script], {
      // In a session of its own: Ctrl-C ends it through the pipe, at one instant with all the others.
      detached: true,
      cwd: '/',
      env: plainEnvironment,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    unshare.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    unshare.stdin.on('error', () => {});
    await new Promise<void>((resolve, reject) => {
      unshare.stdout.once('data', () => resolve());
      unshare.once('error', reject);
      unshare.once('exit', () => reject(new Error(`${this.name} does not come up: ${said.trim()}`)));
    });
    letGo(unshare);
    const pid = await onlyChild(unshare.pid ?? 0);
    this.first = { pid, unshare };
    await appendFile(this.processesFile, `${pid} ${await startTime(pid)}\n`);
    return bootId;
  }

  /** At once, everything. Returns when the kernel has cleared the last process away. */
  async powerOff(): Promise<void> {
    const first = this.first;
    if (first === undefined) return;
    this.first = undefined;
    const gone = new Promise<void>((resolve) => first.unshare.once('exit', () => resolve()));
    if (first.unshare.exitCode !== null || first.unshare.signalCode !== null) return;
    first.unshare.ref();
    process.kill(first.pid, 'SIGKILL');
    await gone;
  }

  /** Runs a command on the machine to its end. */
  exec(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return run([...this.enter(), ...argv], { env: this.env, ...options });
  }

  /** Starts a daemon on the machine; what it writes goes to the end of `logFile`. */
  start(
    argv: readonly string[],
    logFile: string,
    options: Omit<DaemonOptions, 'env'> = {},
  ): Promise<MachineProcess> {
    return startProcess([...this.enter(), ...argv], logFile, { env: this.env, ...options });
  }

  private enter(): readonly string[] {
    return ['nsenter', '--target', String(this.pid), '--mount', '--uts', '--net', '--pid', '--'];
  }
}

async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(') ') + 2).split(' ')[19] ?? '';
}
