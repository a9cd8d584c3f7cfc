// A quota on the state directory, which no look at the free space can foresee. btrfs, since it is the one whose quotas
// bind root as well: ext4's do not bind whoever has CAP_SYS_RESOURCE, and many kernels are built without them.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run } from '../cluster/command.ts';
import { installPackages } from '../cluster/packages.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { outlives } from './outlives.ts';
import * as mounts from './private-mounts.ts';

const diskOf = (stateDir: string): string => `${stateDir}.disk`;

/** Asked of the disk as a whole: to raise its own limit a subvolume would have to write. */
async function setQuota(stateDir: string, limit: string): Promise<void> {
  const { stdout: id } = await run(['btrfs', 'inspect-internal', 'rootid', stateDir]);
  await run(['btrfs', 'qgroup', 'limit', limit, `0/${id.trim()}`, diskOf(stateDir)]);
}

async function mountWithQuota(stateDir: string): Promise<void> {
  const disk = diskOf(stateDir);
  await mounts.mountImage(disk, '128M', ['mkfs.btrfs', '-q']);
  await run(['btrfs', 'quota', 'enable', disk]);
  await run(['btrfs', 'subvolume', 'create', join(disk, 'bounded')]);
  mkdirSync(stateDir);
  await run(['mount', '--bind', join(disk, 'bounded'), stateDir]);
}

const missing = mounts.kernelHas('btrfs')
  ? false
  : 'this kernel has no btrfs, and so no quota that binds root';

describe('the agent below a quota', { timeout: 300_000, skip: missing }, () => {
  let node: NodeUnderTest;

  before(async () => {
    await installPackages([{ name: 'btrfs-progs', file: '/usr/bin/btrfs' }], console.log);
    node = await NodeUnderTest.start(join(await mounts.scratch(), 'btrfs'), mountWithQuota);
  });
  after(() => node?.close());

  it('outlives a quota that is used up', () =>
    outlives(node, {
      begin: () => setQuota(node.stateDir, '32K'),
      end: () => setQuota(node.stateDir, 'none'),
      reported: /the disk quota is used up/,
    }));
});
