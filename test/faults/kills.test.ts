// kill -9 of the agent as it ships, at random times under a storm of secret changes: whatever it had said was stored is
// there and intact, it goes on from there, and of the secrets that were rotated away no byte stays. SEED=n kills at
// other times.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../cluster/command.ts';
import { seededRandom } from '../world/random.ts';
import { NodeUnderTest, ROTATED, until } from './node-under-test.ts';
import { mountOnRealDisk, scratch } from './private-mounts.ts';

const SEED = Number(process.env.SEED ?? 1);
const KILLS = 20;
/** From its start to the kill: in the middle of opening, of the first pass, or of the storm. */
const LIFE_MS = [200, 3_000] as const;
const CALM_MS = [10, 200] as const;

interface LogLine {
  readonly msg: string;
  readonly workload?: string;
  readonly revision?: string;
}

describe('the agent under kill -9', { timeout: 300_000 }, () => {
  const random = seededRandom(SEED);
  let node: NodeUnderTest;
  let rotations = 0;

  before(async () => {
    node = await NodeUnderTest.start(join(await scratch(), 'kills'), mountOnRealDisk);
  });
  after(() => node?.close());

  function rotate(): void {
    rotations += 1;
    node.rotateSecret(`ROTATED-${rotations}- `.repeat(200));
  }

  async function stormFor(ms: number): Promise<void> {
    for (const end = performance.now() + ms; performance.now() < end; ) {
      rotate();
      await delay(Math.min(random.between(...CALM_MS), Math.max(0, end - performance.now())));
    }
  }

  /** Revisions of the rotated workload that the agent has said are stored, oldest first. */
  function acknowledged(): string[] {
    const lines = readFileSync(node.logFile, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'));
    return lines
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as LogLine];
        } catch {
          return [];
        }
      })
      .filter(({ msg, workload }) => msg === 'store-revision' && workload === ROTATED.workload)
      .map(({ revision = '' }) => revision);
  }

  /** The numbers of the rotations of which anything is on the disk, in whatever file. */
  async function rotationsOnDisk(): Promise<number[]> {
    const { stdout } = await run(['grep', '-raohE', 'ROTATED-[0-9]+-', node.stateDir], { mayFail: true });
    const numbers = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Number(line.split('-')[1]));
    return [...new Set(numbers)].sort((a, b) => a - b);
  }

  async function provenHolds(number: number): Promise<boolean> {
    const proven = await node.proven();
    if (proven === undefined) return false;
    const path = join(
      node.stateDir,
      'workloads',
      ROTATED.workload,
      'revisions',
      proven,
      'volumes/tls/tls.key',
    );
    return readFileSync(path, 'utf8').startsWith(`ROTATED-${number}-`);
  }

  it(`has what it said was stored after each of ${KILLS} kills`, async (t) => {
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await stormFor(random.between(...LIFE_MS));
      await node.agent.kill();
      const found = await node.verify();
      assert.deepEqual(
        found.findings.filter(({ path }) => !path.endsWith('.copy.json')),
        [],
        `kill ${kill}`,
      );
      const newest = acknowledged().at(-1);
      const there = found.workloads.find((each) => each.workload === ROTATED.workload)?.revisions ?? [];
      // Newest first: a later one may have come without having been said.
      if (newest !== undefined) {
        assert.ok(
          there.slice(0, 2).some((each) => each.startsWith(newest)),
          `kill ${kill}: ${newest} is lost`,
        );
      }
      node.agent.start();
    }
    t.diagnostic(`${rotations} rotations, ${acknowledged().length} revisions stored, seed ${SEED}`);
    assert.ok(acknowledged().length > KILLS / 2, 'the storm was felt');
  });

  it('has the newest secret proven in the end', async () => {
    await until('the newest secret is proven', () => provenHolds(rotations));
    assert.equal((await node.status())?.recoverable, true);
    // What the last kill has left in the middle of an operation, and nothing else.
    const leftover = /: was left by a crash; removed$|\.copy\.json: /;
    const problems = (await node.status())?.problems.filter((problem) => !leftover.test(problem));
    assert.deepEqual(problems, []);
  });

  it('keeps no byte of what was rotated away', async () => {
    const before = rotations;
    for (let again = 0; again < 2; again += 1) {
      rotate();
      await until(`rotation ${rotations} is proven`, () => provenHolds(rotations));
    }
    // The proven revision and the one before it are kept, and no other.
    const older = async (): Promise<boolean> => (await rotationsOnDisk()).some((number) => number <= before);
    // Twice: what is renamed while grep walks, to be removed, is in neither place for it.
    await until('older secrets are gone', async () => !(await older()) && !(await older()));
    assert.deepEqual(await rotationsOnDisk(), [before + 1, before + 2]);
    const { intact, quarantined } = await node.verify();
    assert.deepEqual([intact, quarantined], [true, []]);
  });
});
