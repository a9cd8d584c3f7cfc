// One guard a node: what holds the lock holds it against every other process, and a stand-by that flock(1) started
// knows that it holds it already.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { guardLockPath, inheritedLock, takeLock } from '../../../lib/agent/guard-lock.ts';

describe('the guard lock', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'guard-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const isFree = (): boolean =>
    spawnSync('flock', ['--nonblock', guardLockPath(dir), 'true'], { stdio: 'ignore' }).status === 0;

  it('is held by this process after flock(1) has ended, and free once released', async () => {
    const lock = await takeLock(guardLockPath(dir), 0);
    assert.ok(lock !== undefined);
    assert.equal(isFree(), false);
    lock.release();
    assert.equal(isFree(), true);
  });

  it('is refused at once when another process holds it', async () => {
    const holder = await takeLock(guardLockPath(dir), 0);
    assert.equal(await takeLock(guardLockPath(dir), 0), undefined);
    holder?.release();
  });

  it('is waited for until its holder lets go', async () => {
    const holder = await takeLock(guardLockPath(dir), 0);
    const waiting = takeLock(guardLockPath(dir), 10_000);
    holder?.release();
    const lock = await waiting;
    assert.ok(lock !== undefined);
    lock.release();
  });

  it('is waited for no longer than a signal says', async () => {
    const holder = await takeLock(guardLockPath(dir), 0);
    const stop = new AbortController();
    const waiting = takeLock(guardLockPath(dir), 60_000, stop.signal);
    stop.abort();
    assert.equal(await waiting, undefined);
    assert.equal(await takeLock(guardLockPath(dir), 60_000, stop.signal), undefined);
    holder?.release();
  });

  it('is found held by a process that flock(1) started, as a stand-by is', async () => {
    const path = guardLockPath(dir);
    const module = join(import.meta.dirname, '../../../lib/agent/guard-lock.ts');
    const script = `import { inheritedLock } from ${JSON.stringify(module)}; process.stdout.write(String(inheritedLock(${JSON.stringify(path)})?.inherited));`;
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
    const run = (argv: string[]): Promise<string> =>
      new Promise((resolve, reject) => {
        const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
        let out = '';
        child.stdout.on('data', (chunk) => {
          out += chunk;
        });
        child.on('close', () => resolve(out));
        child.on('error', reject);
      });
    assert.equal(await run(['flock', '--no-fork', '--exclusive', path, ...node]), 'true');
    assert.equal(await run(node), 'undefined', 'started without flock(1) it holds nothing');
  });

  it('is not taken for held when the lock file does not exist', () => {
    assert.equal(inheritedLock(join(dir, 'nothing')), undefined);
  });
});
