// `node --import tsx test/bench/footprint.ts`: resident memory and processor time of `agent run` beside an empty Node,
// against the embedded world: after a minute at rest with five workloads, under load, and after a power loss.
// `--seconds N` is how long each is watched, `--agent FILE` another bundle than dist/agent.mjs.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { AgentProcess } from '../demo/agent-process.ts';
import { type Embedded, startEmbedded } from '../world/embedded.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    agent: { type: 'string', default: join(import.meta.dirname, '../../dist/agent.mjs') },
  },
});
const watchedMs = Number(values.seconds) * 1_000;
if (!(watchedMs > 0)) throw new Error(`--seconds: '${values.seconds}' is not a number of seconds`);

/** The kernel counts processor time in hundredths of a second. */
const MS_A_TICK = 10;

interface Use {
  readonly rssMib: number;
  readonly cpuMs: number;
}

function useOf(pid: number): Use {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  const rssKib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { rssMib: rssKib / 1024, cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_A_TICK };
}

function print(title: string, { rssMib }: Use, cpuShare?: number): void {
  const cpu = cpuShare === undefined ? '' : `  ${(cpuShare * 100).toFixed(2)} % of a core`;
  console.log(`${title.padEnd(28)} ${rssMib.toFixed(1)} MiB${cpu}`);
}

async function watch(title: string, pid: number, { api }: Embedded): Promise<void> {
  const [before, asked, beganMs] = [useOf(pid), api.requests.length, performance.now()];
  await sleep(watchedMs);
  const after = useOf(pid);
  print(title, after, (after.cpuMs - before.cpuMs) / (performance.now() - beganMs));
  const requests = api.requests.slice(asked).filter(({ url }) => !url.includes('watch=1'));
  console.log(`  requests to the apiserver, watches aside: ${requests.length}`);
}

async function emptyNode(): Promise<void> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await sleep(2_000);
  print('an empty Node', useOf(child.pid ?? 0));
  child.kill();
}

/** Ten status updates a second, and one a second of a secret's metadata: events that change nothing on disk. */
async function load({ run, world: { store } }: Embedded): Promise<void> {
  for (let i = 0, endMs = performance.now() + watchedMs; performance.now() < endMs; i++, await sleep(100)) {
    run(() => {
      const pod = store.list('pods')[i % 5];
      if (pod !== undefined) store.put('pods', { ...pod, status: { ...pod.status, message: `${i}` } });
      const secret = i % 10 === 0 ? store.list('secrets')[0] : undefined;
      if (secret === undefined) return;
      const annotations = { ...secret.metadata?.annotations, touched: `${i}` };
      store.put('secrets', { ...secret, metadata: { ...secret.metadata, annotations } });
    });
  }
}

async function recoverable(agent: AgentProcess): Promise<void> {
  while (!(await agent.isRecoverable())) {
    if (agent.ended !== undefined) throw new Error(`${agent.ended}\n${agent.logTail(20)}`);
    await sleep(200);
  }
}

const disk = mkdtempSync(join(tmpdir(), 'footprint-'));
const world = await startEmbedded({ dir: disk, timeFactor: 0.2 });
const agent = new AgentProcess(
  [process.execPath, values.agent],
  world.paths,
  world.nodeName,
  join(disk, 'agent.log'),
);
try {
  await emptyNode();
  agent.start();
  await recoverable(agent);
  print('started', useOf(agent.pid));
  await watch('at rest', agent.pid, world);
  await load(world);
  print('under load', useOf(agent.pid));
  await watch('at rest after load', agent.pid, world);
  await agent.kill();
  world.powerOff();
  world.powerOn();
  agent.start();
  await recoverable(agent);
  await sleep(watchedMs / 2);
  await watch('at rest after a power loss', agent.pid, world);
} finally {
  await agent.kill();
  await world.close();
  rmSync(disk, { recursive: true, force: true });
}
