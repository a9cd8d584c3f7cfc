// A real file system below the state directory goes wrong under the running agent, and right again. It is another one
// than that of the static pod directory in every case.

import assert from 'node:assert/strict';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '../cluster/command.ts';
import { installPackages } from '../cluster/packages.ts';
import { NodeUnderTest } from './node-under-test.ts';
import { outlives, outlivesWithRestart } from './outlives.ts';
import * as mounts from './private-mounts.ts';

/** Whatever is free, taken. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (const bytes of [65536, 4096, 512]) {
      const chunk = Buffer.alloc(bytes);
      for (;;) {
        try {
          writeSync(file, chunk);
        } catch (error) {
          assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
          break;
        }
      }
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The lowest descriptor that this process does not hold all the time: with this limit it gets no new one. */
async function descriptorsHeld(pid: number): Promise<number> {
  let held = new Set(readdirSync(`/proc/${pid}/fd`));
  for (let look = 0; look < 20; look += 1) {
    await delay(50);
    const now = new Set(readdirSync(`/proc/${pid}/fd`));
    held = new Set([...held].filter((fd) => now.has(fd)));
  }
  let limit = 0;
  while (held.has(String(limit))) limit += 1;
  return limit;
}

describe('the agent on an ext4 of 4 MiB', { timeout: 300_000 }, () => {
  let node: NodeUnderTest;
  let stateDir: string;

  before(async () => {
    await installPackages([{ name: 'xfsprogs', file: '/usr/sbin/xfs_io' }], console.log);
    const directory = join(await mounts.scratch(), 'ext4');
    node = await NodeUnderTest.start(directory, (path) =>
      mounts.mountImage(path, '4M', ['mke2fs', '-q', '-t', 'ext4']),
    );
    stateDir = node.stateDir;
  });
  after(() => node?.close());

  it('keeps its state on another file system than the static pods', () => {
    assert.notEqual(
      statSync(stateDir).dev,
      statSync(join(stateDir, '../../../etc/kubernetes/manifests')).dev,
    );
  });

  it('outlives a full disk', () =>
    outlives(node, {
      begin: async () => fill(join(stateDir, 'filler')),
      end: async () => rmSync(join(stateDir, 'filler')),
      reported: /free some space; it is tried again by itself/,
    }));

  it('outlives a disk that turns read-only', () =>
    outlives(node, {
      begin: () => mounts.coverReadOnly(stateDir),
      end: () => mounts.uncover(stateDir),
      reported: /mounted read-only: look for the cause with dmesg/,
    }));

  it('outlives a lack of file descriptors', async () => {
    const pid = (await node.status())?.agent?.pid ?? assert.fail('no daemon');
    const { stdout } = await run([
      'prlimit',
      '--pid',
      String(pid),
      '--nofile',
      '--noheadings',
      '--output=SOFT',
    ]);
    const setLimit = async (limit: number): Promise<void> => {
      await run(['prlimit', '--pid', String(pid), `--nofile=${limit}:`]);
    };
    await outlives(node, {
      begin: async () => setLimit(await descriptorsHeld(pid)),
      end: () => setLimit(Number(stdout)),
      reported: /too many open files in this process/,
    });
  });

  it('recovers from a disk that is read-only when the power comes back', async () => {
    await node.losePower();
    await mounts.coverReadOnly(stateDir);
    const { code, stderr } = await node.recover();
    assert.equal(code, 0, stderr);
    assert.equal(node.placedManifests().length, 4, stderr);
    await mounts.uncover(stateDir);
    node.agent.start();
    await node.atRest();
  });

  // What a person meets when a disk dies: the kernel gives the file system up, and only mounting it anew brings it back.
  // The agent holds its lock file open there, so that it is started anew as well.
  const mountAnew = async (): Promise<void> => {
    await run(['umount', stateDir]);
    await run(['mount', '-o', 'loop', `${stateDir}.img`, stateDir]);
  };

  it('outlives a file system that the kernel made read-only after an error', () =>
    outlivesWithRestart(node, {
      begin: async () => {
        const device = basename((await run(['findmnt', '-n', '-o', 'SOURCE', stateDir])).stdout.trim());
        await run(['mount', '-o', 'remount,errors=remount-ro', stateDir]);
        writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, '1');
      },
      end: mountAnew,
      reported: /mounted read-only: look for the cause with dmesg/,
    }));

  it('outlives a file system that answers EIO to everything', () =>
    outlivesWithRestart(node, {
      begin: async () => void (await run(['xfs_io', '-x', '-c', 'shutdown', stateDir])),
      end: mountAnew,
      reported: /the disk reports an input\/output error/,
    }));
});
