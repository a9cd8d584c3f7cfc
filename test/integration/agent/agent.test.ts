// The agent as it ships (the bundle, as a process) against the embedded world: real files, real HTTP and CRI, models
// behind them. What a person does and sees on a node, besides the power losses that test/e2e shows on the real cluster.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { StatusReport } from '../../../lib/status/report.ts';
import { askAgent } from '../../../lib/status/socket.ts';
import { AgentProcess } from '../../demo/agent-process.ts';
import { SECRET_MARKER } from '../../world/control-plane.ts';
import { type Embedded, startEmbedded } from '../../world/embedded.ts';

const bundle = join(import.meta.dirname, '../../../dist/agent.mjs');
const command = [process.execPath, bundle];

async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  for (const end = performance.now() + seconds * 1000; !(await holds()); await delay(20)) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
  }
}

describe('the agent process', { timeout: 180_000 }, () => {
  let disk: string;
  let world: Embedded;
  let agent: AgentProcess;

  before(async () => {
    disk = mkdtempSync(join(tmpdir(), 'agent-test-'));
    world = await startEmbedded({ dir: disk, timeFactor: 0.2 });
    agent = new AgentProcess(command, world.paths, world.nodeName, join(disk, 'agent.log'));
    agent.start();
    await until('every workload has a proven checkpoint', () => agent.isRecoverable(), 60);
  });
  after(async () => {
    await agent.kill();
    await world.close();
    rmSync(disk, { recursive: true, force: true });
  });

  function flags(): string[] {
    const { paths } = world;
    return [
      `--kubeconfig=${paths.kubeconfig}`,
      `--node-name=${world.nodeName}`,
      `--static-pod-dir=${paths.staticPodDir}`,
      `--state-dir=${paths.stateDir}`,
      `--run-dir=${paths.runDir}`,
      `--kubelet-config=${paths.kubeletConfig}`,
      `--container-runtime-endpoint=unix://${paths.criSocket}`,
      `--boot-id-file=${paths.bootIdFile}`,
    ];
  }

  /** Not spawnSync: the world that the command asks lives in this process. */
  function cli(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return new Promise((resolve) => {
      const child = spawn(process.execPath, [bundle, ...args]);
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => {
        stdout += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString();
      });
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  async function report(): Promise<StatusReport> {
    const answer = await askAgent(world.paths.runDir, 'GET', '/status');
    assert.ok(answer !== undefined, 'the daemon answers');
    return JSON.parse(answer) as StatusReport;
  }

  it('shows itself recoverable, with exit code 0', async () => {
    const { code, stdout } = await cli('status', ...flags());
    assert.equal(code, 0);
    assert.match(stdout, /^RECOVERABLE: all 4 workloads/m);
    assert.match(stdout, /agent 0\.1\.0, pid \d+\nAPI serving\nRuntime answers\n/);
  });

  it('answers from the disk with the daemon stopped, and says so', async () => {
    const idle = join(disk, 'no-daemon-here');
    const { code, stdout } = await cli('status', '-o', 'json', ...flags(), `--run-dir=${idle}`);
    const status = JSON.parse(stdout) as StatusReport;
    assert.equal(status.source, 'disk');
    assert.equal(status.recoverable, true);
    assert.equal(code, 0);
  });

  it('refuses a second guard on the same node', async () => {
    const { code, stderr } = await cli('run', ...flags());
    assert.equal(code, 1);
    assert.match(stderr, /another agent is the guard of this node; see it with 'agent status'/);
  });

  /** Another instance takes over, as the DaemonSet's pod does. */
  async function takeOver(t: TestContext): Promise<ChildProcess> {
    const other = spawn(process.execPath, [bundle, 'run', '--take-over', ...flags()], { stdio: 'ignore' });
    t.after(() => other.kill('SIGKILL'));
    await until('the other is the guard', async () => (await guardPid()) === other.pid);
    return other;
  }

  async function guardPid(): Promise<number | undefined> {
    const answer = await askAgent(world.paths.runDir, 'GET', '/status').catch(() => undefined);
    return answer === undefined ? undefined : (JSON.parse(answer) as StatusReport).agent?.pid;
  }

  it('yields to another instance, and guards again when that one has died', async (t) => {
    const other = await takeOver(t);
    other.kill('SIGKILL');
    await until('the first guards again', async () => (await guardPid()) === agent.pid);
    await until('all is well again', () => agent.isRecoverable());
  });

  it('ends at once when it is told to while it watches the one that took over', async (t) => {
    const other = await takeOver(t);
    process.kill(agent.pid, 'SIGTERM');
    await until('it has ended', () => agent.ended !== undefined, 5);
    assert.equal(agent.ended, 'the agent exited with 0');
    other.kill('SIGKILL');
    agent.start();
    await until('all is well again', () => agent.isRecoverable());
  });

  it('ends at once when it is told to while it waits for the guard to yield', async (t) => {
    const stateDir = join(disk, 'held-by-another');
    mkdirSync(stateDir);
    const lock = join(stateDir, 'lock');
    const holder = spawn('flock', ['--no-fork', lock, 'sleep', '600'], { stdio: 'ignore' });
    t.after(() => holder.kill('SIGKILL'));
    await until('the lock is held', () => spawnSync('flock', ['--nonblock', lock, 'true']).status === 1);
    const elsewhere = [`--state-dir=${stateDir}`, `--run-dir=${join(disk, 'no-daemon-here')}`];
    const waiting = spawn(process.execPath, [bundle, 'run', '--take-over', ...flags(), ...elsewhere]);
    t.after(() => waiting.kill('SIGKILL'));
    let said = '';
    waiting.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until('it waits', () => said.includes('asking the present guard to yield'));
    waiting.kill('SIGTERM');
    await until('it has ended', () => waiting.exitCode !== null || waiting.signalCode !== null, 5);
  });

  it('has a changed secret on disk within a second', async () => {
    const revisions = (key: string) => {
      const [namespace = '', name = ''] = key.split('/');
      return readdirSync(join(world.paths.stateDir, 'workloads', namespace, name, 'revisions'));
    };
    const key = 'kube-system/kube-apiserver';
    const before = revisions(key).length;
    const secret = world.run(() => {
      const found = world.world.store
        .list('secrets')
        .find((s) => s.metadata?.name?.includes('apiserver') || s.metadata?.name?.includes('api'));
      assert.ok(found !== undefined, 'the apiserver has a secret');
      const data = { ...found.data, rotated: Buffer.from('new').toString('base64') };
      world.world.store.put('secrets', { ...found, data });
      return found.metadata?.name;
    });
    const changedAt = performance.now();
    await until(`${secret} is in a revision`, () => revisions(key).length > before);
    const tookMs = performance.now() - changedAt;
    console.log(`    changed secret on disk after ${Math.round(tookMs)} ms`);
    assert.ok(tookMs < 1_000, `${tookMs} ms`);
  });

  it('keeps secrets out of log, status, metrics and manifests', async () => {
    const status = JSON.stringify(await report());
    const metrics = (await askAgent(world.paths.runDir, 'GET', '/metrics')) ?? '';
    const log = readFileSync(join(disk, 'agent.log'), 'utf8');
    const manifests = spawnSync(
      'grep',
      ['-rl', SECRET_MARKER, world.paths.stateDir, '--include=manifest.json'],
      {
        encoding: 'utf8',
      },
    );
    for (const [where, text] of Object.entries({ status, metrics, log })) {
      assert.ok(!text.includes(SECRET_MARKER), `a secret stands in ${where}`);
    }
    assert.equal(manifests.stdout, '', 'a secret stands in a manifest');
    const material = spawnSync('grep', ['-rl', SECRET_MARKER, world.paths.stateDir], { encoding: 'utf8' });
    assert.notEqual(material.stdout, '', 'the marker is in the material, so this test can see it');
  });

  it('leaves files that are not its own alone, in the static pod directory too', async () => {
    const foreign = ['.hidden', 'other.yaml', 'checkpoint-agent_not_ours_at_all.json~'];
    for (const name of foreign) writeFileSync(join(world.paths.staticPodDir, name), 'mine');
    await agent.kill();
    agent.start();
    await until('the daemon is back', () => agent.isRecoverable());
    for (const name of foreign) {
      assert.equal(readFileSync(join(world.paths.staticPodDir, name), 'utf8'), 'mine');
      rmSync(join(world.paths.staticPodDir, name));
    }
  });

  it('recovers before the kubelet with `agent recover`, which ends by itself', async () => {
    await agent.kill();
    world.powerOff();
    world.powerOn();
    const { code, stderr } = await cli('recover', ...flags());
    assert.equal(code, 0, stderr);
    const placed = readdirSync(world.paths.staticPodDir).filter((name) =>
      name.startsWith('checkpoint-agent_'),
    );
    assert.equal(placed.length, 4, placed.join(', '));
    const again = await cli('recover', ...flags());
    assert.equal(again.code, 0);
    assert.match(again.stderr, /nothing to do/);
    agent.start();
    await until(
      'handed over',
      async () => {
        const answer = await askAgent(world.paths.runDir, 'GET', '/status').catch(() => undefined);
        if (answer === undefined) return false;
        const { workloads } = JSON.parse(answer) as StatusReport;
        return workloads.length === 4 && workloads.every((w) => w.state === 'standby');
      },
      90,
    );
  });

  it("forgets a workload on a person's word", async () => {
    const unknown = await cli('forget', 'kube-system/nothing', ...flags());
    assert.match(unknown.stdout, /no such workload/);
    const wrong = await cli('forget', 'nothing', ...flags());
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /is not a workload; write it as/);
  });
});

describe('bad input', () => {
  const agent = (...args: string[]) => spawnSync(process.execPath, [bundle, ...args], { encoding: 'utf8' });
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'bad-input-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  const cases: [string, () => string[], RegExp][] = [
    ['an absent kubeconfig', () => ['run', `--kubeconfig=${dir}/none`], /none/],
    [
      'a kubeconfig that is none',
      () => {
        writeFileSync(join(dir, 'broken'), '{');
        return ['run', `--kubeconfig=${dir}/broken`];
      },
      /broken/,
    ],
    ['a duration without a unit', () => ['run', '--grace=20'], /--grace: '20' is not a duration/],
    [
      'a relative state directory',
      () => ['status', '--state-dir=x'],
      /--state-dir: 'x' must be an absolute path/,
    ],
    ['an unknown output', () => ['status', '--output=xml'], /--output: 'xml' is neither table nor json/],
    ['an unknown flag', () => ['run', '--no-such'], /unknown option '--no-such'/],
    ['an unknown subcommand', () => ['fly'], /unknown command 'fly'/],
  ];
  for (const [what, args, expected] of cases) {
    it(`${what} is refused with one line that names it`, () => {
      const { status, stderr } = agent(...args());
      assert.notEqual(status, 0);
      assert.match(stderr, expected);
      assert.doesNotMatch(stderr, /^\s+at /m, 'no stack');
    });
  }
});
