// A parent that cannot be carried, seen from outside the agent as it ships: status, metric and Event say so, the older
// proven revision stays, and when the reason is gone so is the complaint.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { StatusReport, WorkloadReport } from '../../../lib/status/report.ts';
import { askAgent } from '../../../lib/status/socket.ts';
import { AgentProcess } from '../../demo/agent-process.ts';
import { type Embedded, startEmbedded } from '../../world/embedded.ts';

const bundle = join(import.meta.dirname, '../../../dist/agent.mjs');
const scheduler = 'kube-system/kube-scheduler';

async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  for (const end = performance.now() + seconds * 1000; !(await holds()); await delay(20)) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
  }
}

describe('a parent whose Secret was deleted', { timeout: 120_000 }, () => {
  let disk: string;
  let world: Embedded;
  let agent: AgentProcess;
  let proven: string | undefined;

  before(async () => {
    disk = mkdtempSync(join(tmpdir(), 'agent-refusals-'));
    world = await startEmbedded({ dir: disk, timeFactor: 0.2 });
    agent = new AgentProcess(
      [process.execPath, bundle],
      world.paths,
      world.nodeName,
      join(disk, 'agent.log'),
    );
    agent.start();
    await until('every workload has a proven checkpoint', () => agent.isRecoverable(), 60);
    proven = (await reported()).revision;
  });
  after(async () => {
    await agent.kill();
    await world.close();
    rmSync(disk, { recursive: true, force: true });
  });

  async function reported(): Promise<WorkloadReport> {
    const answer = await askAgent(world.paths.runDir, 'GET', '/status');
    const { workloads } = JSON.parse(answer ?? '{}') as StatusReport;
    const found = workloads.find(({ workload }) => workload === scheduler);
    assert.ok(found !== undefined, 'the scheduler is reported');
    return found;
  }

  const metric = async (name: string): Promise<string | undefined> => {
    const text = (await askAgent(world.paths.runDir, 'GET', '/metrics')) ?? '';
    return new RegExp(`^checkpoint_agent_${name}\\{workload="${scheduler}"\\} (\\d+)$`, 'm').exec(text)?.[1];
  };
  const events = (reason: string): { message?: string; involvedObject?: { name?: string } }[] =>
    world
      .run(() => [...world.api.events] as Record<string, object>[])
      .filter((event) => (event as { reason?: string }).reason === reason);

  it('is refused in words, in status, as a metric and as one Event on it; what was proven stays', async () => {
    const { store } = world.world;
    const secret = world.run(() => store.get('secrets', 'kube-system', 'kube-scheduler'));
    assert.ok(secret !== undefined);
    assert.equal(await metric('workload_refusals'), '0');
    world.run(() => store.remove('secrets', 'kube-system', 'kube-scheduler'));
    await until('the refusal is reported', async () => (await reported()).refusals.length > 0);
    await until('the Event is there', () => events('CheckpointRefused').length > 0);

    const expected =
      'spec.volumes[0].secret: Secret kube-system/kube-scheduler does not exist; create it, or set optional: true';
    const status = await reported();
    assert.deepEqual(status.refusals, [expected]);
    assert.equal(status.note, `cannot be carried: ${expected}`);
    assert.equal(await metric('workload_refusals'), '1');
    const [event, ...more] = events('CheckpointRefused');
    assert.deepEqual([event?.message, event?.involvedObject?.name, more], [expected, status.parent, []]);
    assert.deepEqual([status.revision, status.proven, status.recoverable], [proven, true, true]);

    world.run(() => store.put('secrets', secret));
    await until('the complaint is gone', async () => (await reported()).refusals.length === 0);
    assert.equal(await metric('workload_refusals'), '0');
    assert.equal((await reported()).revision, proven);
  });

  it('with a field of a newer API is carried, which is said once', async () => {
    const { store } = world.world;
    const { parent } = await reported();
    world.run(() => {
      const pod = store.get('pods', 'kube-system', parent ?? '');
      assert.ok(pod?.spec !== undefined);
      store.put('pods', { ...pod, spec: { ...pod.spec, warpFactor: 9 } as typeof pod.spec });
    });
    await until('it is proven as it is now', async () => {
      const { revision, proven: isProven } = await reported();
      return revision !== proven && isProven;
    });
    const risk = 'spec.warpFactor: not known to this version: kept as it is';
    assert.deepEqual((await reported()).risks, [risk]);
    assert.equal(await metric('workload_risks'), '1');
    assert.deepEqual(
      events('CheckpointAtRisk').map(({ message }) => message),
      [risk],
    );
  });
});
