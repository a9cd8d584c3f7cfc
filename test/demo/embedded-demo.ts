// The main job against the embedded world: a master with a self-hosted control plane loses power and comes back by
// itself. The agent, its files, the HTTP and the CRI are real; apiserver, runtime and kubelet are models (test/world).

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isReady } from '../world/controllers-model.ts';
import { type Embedded, startEmbedded } from '../world/embedded.ts';
import { agentCommand } from './agent-command.ts';
import { AgentProcess } from './agent-process.ts';
import { Timeline } from './timeline.ts';

/** Model start-ups and back-offs take a fifth of what a real machine needs; the agent runs at its own pace. */
const TIME_FACTOR = 0.2;

/** Runs the demo; resolves to the exit code. Leaves nothing behind, also when `interrupted` fires. */
export async function embeddedDemo(interrupted: AbortSignal): Promise<number> {
  const timeline = new Timeline();
  const command = agentCommand;
  const disk = mkdtempSync(join(tmpdir(), 'checkpoint-agent-demo-'));
  const world = await startEmbedded({ dir: disk, timeFactor: TIME_FACTOR });
  const agent = new AgentProcess(command, world.paths, world.nodeName, join(disk, 'agent.log'));
  try {
    await tell(new Scene(timeline, world, agent, interrupted));
    return 0;
  } catch (error) {
    if (interrupted.aborted) {
      timeline.bad('interrupted');
      return 130;
    }
    timeline.bad(error instanceof Error ? error.message : String(error));
    timeline.block(`the agent's log ends:\n${agent.logTail(12)}`);
    return 1;
  } finally {
    await agent.kill();
    await world.close();
    rmSync(disk, { recursive: true, force: true });
  }
}

async function tell(scene: Scene): Promise<void> {
  const { timeline, world, agent } = scene;
  timeline.step(
    'a master with etcd, apiserver, controller-manager and scheduler as DaemonSets; the agent starts',
  );
  agent.start();
  await scene.until('every workload has a proven checkpoint', 60, () => agent.isRecoverable());
  timeline.good('checkpointed');
  await scene.showStatus();

  timeline.step('power off: all processes, /run and the memory are gone; the disk stays');
  await agent.kill();
  world.powerOff();
  await sleep(500, undefined, { signal: scene.interrupted });

  timeline.step('power on: runtime, kubelet and agent start; there is no API, and nobody to ask for one');
  scene.narrate();
  world.powerOn();
  const poweredOnMs = performance.now();
  const seconds = () => `${((performance.now() - poweredOnMs) / 1000).toFixed(1)} s after power on`;
  agent.start();
  await scene.until(
    'the checkpoints are in the static pod directory',
    30,
    async () => scene.activated().length >= 4,
  );
  timeline.good(`activated, ${seconds()}: ${scene.activated().join(', ')}`);
  await scene.until('the API is ready', 30, () => scene.apiReady());
  timeline.good(`recovered, ${seconds()}: the API is ready`);
  await scene.showStatus();

  timeline.step('the pods of before return; each takes over from its checkpoint');
  await scene.until('every pod runs again and no checkpoint is left active', 60, () => scene.handedOver());
  timeline.good(`handed over, ${seconds()}: parents run under new names, checkpoints stand by again`);
  await scene.until('every workload is recoverable again', 60, () => agent.isRecoverable());
  await scene.showStatus();
}

class Scene {
  readonly timeline: Timeline;
  readonly world: Embedded;
  readonly agent: AgentProcess;
  readonly interrupted: AbortSignal;

  constructor(timeline: Timeline, world: Embedded, agent: AgentProcess, interrupted: AbortSignal) {
    this.timeline = timeline;
    this.world = world;
    this.agent = agent;
    this.interrupted = interrupted;
  }

  /** Waits for a condition; says what did not happen when the bound passes or the agent dies. */
  async until(what: string, boundSeconds: number, holds: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + boundSeconds * 1000;
    for (;;) {
      this.interrupted.throwIfAborted();
      if (await holds()) return;
      if (this.agent.ended !== undefined) throw new Error(`${this.agent.ended} before: ${what}`);
      if (performance.now() > endMs) throw new Error(`not within ${boundSeconds} s: ${what}`);
      await sleep(50, undefined, { signal: this.interrupted });
    }
  }

  async showStatus(): Promise<void> {
    this.timeline.block(await this.agent.statusTable());
  }

  /** From here on the world's own story is shown as well. */
  narrate(): void {
    this.world.world.story.onLine(({ where, what }) => this.timeline.quiet(`${where}: ${what}`));
  }

  activated(): string[] {
    return readdirSync(this.world.paths.staticPodDir).filter((name) => !name.startsWith('.'));
  }

  async apiReady(): Promise<boolean> {
    const answer = await fetch(`${this.world.apiUrl}/readyz`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok === true;
  }

  async handedOver(): Promise<boolean> {
    const { store } = this.world.world;
    const mirror = 'kubernetes.io/config.mirror';
    const parents = store.list('pods').filter((pod) => pod.metadata?.annotations?.[mirror] === undefined);
    const wanted = store.list('daemonsets').length;
    return this.activated().length === 0 && parents.length === wanted && parents.every(isReady);
  }
}
