// The story of one fault: what was stored stays intact, the fault is in `agent status`, nothing is activated or withdrawn
// for it, and when it is over the agent goes on.

import assert from 'node:assert/strict';
import { type NodeUnderTest, until } from './node-under-test.ts';

export interface Fault {
  begin(): Promise<void>;
  end(): Promise<void>;
  /** What `agent status` says meanwhile. */
  readonly reported: RegExp;
}

let rotations = 0;

/** Returns the revision that was proven before. */
async function strike(node: NodeUnderTest, fault: Fault): Promise<string | undefined> {
  const before = await node.verify();
  assert.deepEqual([before.intact, before.findings], [true, []]);
  const proven = await node.proven();
  await fault.begin();
  rotations += 1;
  node.rotateSecret(`rotated ${rotations} `.repeat(500));
  await node.reports(fault.reported);
  const status = await node.status();
  assert.deepEqual(
    status?.workloads.map(({ state }) => state),
    Array(4).fill('standby'),
  );
  return proven;
}

async function heal(node: NodeUnderTest, proven: string | undefined): Promise<void> {
  await until('the new secret is proven', async () => {
    const now = await node.proven();
    return now !== undefined && now !== proven;
  });
  await until('status says nothing any more', async () => {
    const status = await node.status();
    return status?.recoverable === true && status.problems.length === 0;
  });
  const healed = await node.verify();
  assert.deepEqual([healed.intact, healed.findings, healed.quarantined], [true, [], []]);
}

/** The agent is not touched: it heals by itself. */
export async function outlives(node: NodeUnderTest, fault: Fault): Promise<void> {
  const proven = await strike(node, fault);
  assert.equal((await node.status())?.recoverable, true);
  assert.deepEqual((await node.verify()).findings, [], 'what exists stays intact');
  assert.equal(await node.proven(), proven);
  await fault.end();
  await heal(node, proven);
}

/** The agent has to be started anew. */
export async function outlivesWithRestart(node: NodeUnderTest, fault: Fault): Promise<void> {
  const proven = await strike(node, fault);
  await node.agent.kill();
  await fault.end();
  assert.deepEqual((await node.verify()).findings, [], 'what existed is intact');
  assert.equal(await node.proven(), proven);
  node.agent.start();
  await heal(node, proven);
}
