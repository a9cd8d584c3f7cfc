// `npm run bench`: recovery, handover and footprint on the real cluster, each beside its floor in the same run. As root on
// Debian. `--minutes N` is the window after power on in which the API's absence is summed up (default 15), `--path
// stand-by` or `--path oneshot` leaves the other way to recover out (default both).

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Cluster } from '../cluster/cluster.ts';
import { createCluster } from '../cluster/create-cluster.ts';
import type { Master } from '../cluster/master.ts';
import { missingRequirement } from '../cluster/requirements.ts';
import { daemonReport, deployAgent, isAtRest, recoverCommand, workloads } from '../e2e/agent-on-cluster.ts';
import { measureFloor } from '../e2e/floor.ts';
import { awayInWords, OneMaster, seconds } from '../e2e/one-master.ts';
import { permitOverlap } from '../e2e/overlap.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '15' }, path: { type: 'string', default: 'both' } },
});
const windowMs = Number(values.minutes) * 60_000;
if (!(windowMs > 0)) throw new Error(`--minutes: '${values.minutes}' is not a number of minutes`);
if (!['both', 'stand-by', 'oneshot'].includes(values.path)) {
  throw new Error(`--path: '${values.path}' is none of both, stand-by, oneshot`);
}

async function atRest(cluster: Cluster): Promise<void> {
  await cluster.waitUntil('all parents serve and all checkpoints stand by', 300_000, async () =>
    isAtRest(await daemonReport(cluster.master), workloads),
  );
}

async function powerLoss(
  cluster: Cluster,
  title: string,
  before: string[][],
  floorMs: number,
): Promise<void> {
  const { master } = cluster;
  console.log(`${title}: power off and on, then ${values.minutes} minutes of watching`);
  await master.powerOff();
  const api = cluster.apiAvailability();
  const { startedAt } = await master.powerOn({ beforeKubelet: before });
  const readyMs = (await cluster.waitForReady()) - startedAt;
  await atRest(cluster);
  const handedOverMs = Date.now() - startedAt;
  await sleep(Math.max(0, startedAt + windowMs - Date.now()));
  const availability = await api.stop();
  console.log(
    `  API ready after power on        ${seconds(readyMs)} (${(readyMs / floorMs).toFixed(2)} x the floor)`,
  );
  console.log(
    `  API away in ${values.minutes} minutes         floor + ${seconds(availability.downMs - floorMs)}: ${awayInWords(availability, startedAt)}`,
  );
  console.log(`  all parents serve again after   ${seconds(handedOverMs)}`);
}

/** Resident memory and processor time of every process of the agent on the node; the pattern does not match its own grep. */
async function footprint(master: Master): Promise<void> {
  const { stdout } = await master.exec(['sh', '-c', "grep -ls '[a]gent.mjs' /proc/[0-9]*/cmdline || true"]);
  const pids = stdout
    .trim()
    .split('\n')
    .flatMap((path) => path.match(/\d+/) ?? []);
  const look = async () =>
    Promise.all(
      pids.map(async (pid) => {
        const { stdout: text } = await master.exec([
          'sh',
          '-c',
          `cat /proc/${pid}/stat; grep VmRSS /proc/${pid}/status; tr '\\0' ' ' < /proc/${pid}/cmdline`,
        ]);
        const fields = text.slice(text.lastIndexOf(') ') + 2).split(' ');
        return {
          standsBy: text.includes('flock --no-fork'),
          rssKib: Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0),
          ticks: Number(fields[11]) + Number(fields[12]),
        };
      }),
    );
  const before = await look();
  const beganAt = performance.now();
  await sleep(60_000);
  const after = await look();
  const elapsedS = (performance.now() - beganAt) / 1000;
  for (const [index, { standsBy, rssKib, ticks }] of after.entries()) {
    const share = (ticks - (before[index]?.ticks ?? 0)) / 100 / elapsedS;
    console.log(
      `  ${standsBy ? 'stand-by' : 'guard   '}  ${(rssKib / 1024).toFixed(1)} MiB resident, ${(share * 100).toFixed(2)} % of a core at rest`,
    );
  }
}

const missing = await missingRequirement();
if (missing !== undefined) throw new Error(missing);
const version = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
console.log(`checkpoint-agent ${version}, Node ${process.version}`);
for (const permitPortSharing of [false, true]) {
  const { readyMs: floorMs, apiserverMs } = await measureFloor();
  console.log(`floor (plain static pods): API ready ${seconds(floorMs)} after power on`);
  console.log(`  an apiserver that starts with all else at rest is ready after ${seconds(apiserverMs)}`);
  const cluster = await createCluster({ permitPortSharing });
  try {
    await deployAgent(cluster, []);
    await cluster.pivot();
    await atRest(cluster);
    if (permitPortSharing) {
      await permitOverlap(new OneMaster(cluster));
      await atRest(cluster);
    }
    const sharing = permitPortSharing ? ', port sharing' : '';
    if (values.path !== 'oneshot') await powerLoss(cluster, `stand-by only${sharing}`, [], floorMs);
    if (values.path !== 'stand-by') {
      await powerLoss(cluster, `oneshot unit${sharing}`, [recoverCommand(cluster.master)], floorMs);
    }
    if (!permitPortSharing) {
      console.log('at rest, 5 workloads, over 60 s:');
      await footprint(cluster.master);
    }
  } finally {
    await cluster.close();
  }
}
