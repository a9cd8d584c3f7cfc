// One cluster's share of this machine: a number, and with it a data directory, a subnet, a bridge and
// a cgroup. The share is held, and cleared at the end, by a janitor: a process that outlives ours by
// a moment and cleans up however we ended (close, exception, Ctrl-C, kill -9). It owns the share by a
// lock, so no two runs clean or use the same one. Killed with us, it leaves work for its successor.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { plainEnvironment } from './command.ts';

const dataRoot = '/var/lib/checkpoint-agent-test';
const shares = 8;

export interface Claim {
  readonly name: string;
  readonly directory: string;
  /** Three octets of the subnet: `10.250.0`. */
  readonly subnet: string;
  /** Of the pods of the node with this number, as a /24. */
  podSubnet(node: number): string;
  readonly bridge: string;
  /** Below every hierarchy's root, without a leading slash. */
  readonly cgroup: string;
  /** Remembers a process that must not outlive this cluster. */
  readonly processesFile: string;
  /** Ends the janitor, which clears everything; returns when nothing is left. */
  release(): Promise<void>;
}

// $1 data directory, $2 cgroup, $3 bridge, $4 lock file. Needs nothing but Debian's essential packages.
const janitor = `
directory=$1 cgroup=$2 bridge=$3
exec 9>"$4"
flock -n 9 || { echo busy; exit 0; }
# Nothing for a dead process that nobody has reaped.
start_time() { sed -n 's/.*) \\([^Z].*\\)/\\1/p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
clear() {
  if [ -e "$directory/processes" ]; then
    while read -r pid started; do
      # The start time tells the process from a later one with its number.
      [ "$(start_time "$pid")" = "$started" ] && kill -9 "$pid"
      while [ "$(start_time "$pid")" = "$started" ]; do sleep 0.02; done
    done <"$directory/processes"
  fi
  # A cable whose machine died with half open connections stays for half a minute, if nobody pulls it.
  for link in /sys/class/net/"$bridge"-* /sys/class/net/"$bridge"; do
    [ -e "$link" ] && ip link del "\${link##*/}"
  done
  for attempt in $(seq 100); do
    left=$(find /sys/fs/cgroup/$cgroup /sys/fs/cgroup/*/$cgroup -depth -type d 2>/dev/null)
    [ -z "$left" ] && break
    # A cgroup can be removed a moment after its last process was reaped.
    rmdir $left 2>/dev/null || sleep 0.05
  done
  rm -rf "$directory"
  rmdir "$(dirname "$directory")" 2>/dev/null
}
clear
# Another share's janitor may remove the parent just now.
until mkdir -p "$directory"; do sleep 0.01; done
echo claimed
cat >/dev/null
clear
`;

/** The first free share; what a killed run left of it is gone when this returns. */
export async function claimShare(): Promise<Claim> {
  await mkdir('/run/lock', { recursive: true });
  for (let number = 0; number < shares; number += 1) {
    const claim = await tryClaim(number);
    if (claim !== undefined) return claim;
  }
  throw new Error(`${shares} test clusters run on this machine already: end one of them`);
}

async function tryClaim(number: number): Promise<Claim | undefined> {
  const name = `c${number}`;
  const directory = join(dataRoot, name);
  const bridge = `cpa-${name}`;
  const cgroup = `checkpoint-agent-test-${name}`;
  const lock = `/run/lock/checkpoint-agent-test-${name}`;
  const child = spawn('bash', ['-c', janitor, 'janitor', directory, cgroup, bridge, lock], {
    // In a session of its own: Ctrl-C reaches us, not the janitor.
    detached: true,
    env: plainEnvironment,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  if ((await firstLine(child)) !== 'claimed') return undefined;
  letGo(child);
  return {
    name,
    directory,
    bridge,
    cgroup,
    subnet: `10.250.${number}`,
    podSubnet: (node) => `10.250.${100 + number * 10 + node}`,
    processesFile: join(directory, 'processes'),
    async release() {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.ref();
      child.stdin?.end();
      if (child.exitCode === null && child.signalCode === null) await ended;
    },
  };
}

/** A cluster that was never closed must not keep this process from ending: its end closes it. */
export function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    if (stream instanceof Socket) stream.unref();
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => resolve(''));
    child.stdout?.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()));
  });
}
