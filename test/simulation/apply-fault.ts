// Makes a fault happen, and takes all of them back.

import type { Fault } from './faults.ts';
import type { Machine } from './machine.ts';
import type { People } from './people.ts';

/** Where the faults of one schedule happen; what they have yet to do ends with its life. */
export interface Stage {
  readonly machine: Machine;
  readonly people: People;
  readonly life: { alive: boolean };
}

export function applyFault(fault: Fault, { machine, people, life }: Stage): void {
  const { world, node, trouble } = machine;
  const { faults } = world.availability;
  world.story.tell('FAULT', describe(fault));
  const forAWhile = (forMs: number, begin: () => void, end: () => void): void => {
    begin();
    world.touch();
    const over = (): void => {
      end();
      world.touch();
    };
    world.schedule.after(forMs, over, life);
  };
  switch (fault.type) {
    case 'power-loss':
      machine.losePower(fault.offMs, fault.agentMs);
      break;
    case 'power-loss-at-call':
      machine.ambush(fault, () => machine.losePower(fault.offMs, fault.agentMs));
      break;
    case 'agent-crash':
      machine.endAgent(fault.downMs);
      break;
    case 'agent-crash-at-call':
      machine.ambush(fault, () => machine.endAgent(fault.downMs));
      break;
    case 'network-cut':
      forAWhile(
        fault.forMs,
        () => faults.cut.add(node.name),
        () => faults.cut.delete(node.name),
      );
      break;
    case 'api-frozen':
      forAWhile(
        fault.forMs,
        () => (faults.frozen = true),
        () => (faults.frozen = false),
      );
      break;
    case 'api-denies':
      forAWhile(
        fault.forMs,
        () => (faults.deniedStatus = fault.status),
        () => (faults.deniedStatus = undefined),
      );
      break;
    case 'controllers-forbidden':
      forAWhile(
        fault.forMs,
        () => (trouble.controllersForbidden = true),
        () => (trouble.controllersForbidden = false),
      );
      break;
    case 'runtime-silent':
      forAWhile(
        fault.forMs,
        () => (trouble.runtimeSilent = true),
        () => (trouble.runtimeSilent = false),
      );
      break;
    case 'runtime-stopped':
      if (!node.runtime.up) break;
      forAWhile(
        fault.forMs,
        () => node.stopRuntime(),
        () => {
          if (node.powered) node.startRuntime();
        },
      );
      break;
    case 'disk-error':
      forAWhile(
        fault.forMs,
        () => (trouble.diskError = fault.code),
        () => (trouble.diskError = undefined),
      );
      break;
    case 'disk-slow':
      forAWhile(
        fault.forMs,
        () => (trouble.fsyncMs = fault.fsyncMs),
        () => (trouble.fsyncMs = 0),
      );
      break;
    case 'clock-jump':
      trouble.clockJumps.push({ atMs: world.nowMs, offsetMs: fault.offsetMs });
      break;
    case 'kubelet-restart':
      machine.restartKubelet(fault.downMs);
      break;
    case 'update':
      people.update(fault.workload, fault.content);
      break;
    case 'secret-change':
      people.changeSecret(fault.workload);
      break;
    case 'pod-deleted':
      people.deletePods(fault.workload);
      break;
    case 'container-killed':
      killContainers(fault.workload, machine);
      break;
    case 'daemonset-deleted':
      people.deleteDaemonSet(fault.workload, fault.againMs);
      break;
    case 'role-removed':
      people.removeRole(node.name, fault.forMs);
      break;
    case 'etcd-emptied':
      world.store.restore();
      break;
  }
}

function killContainers(workload: string, { node }: Machine): void {
  for (const container of node.runtime.containers.values()) {
    if (container.name === workload && container.state === 'running') node.runtime.killContainer(container);
  }
}

/** What lies in wait for a call of the agent may still strike in its recovery. */
const AMBUSHED_MS = 40_000;

/** Nothing is wrong any more from here on but what is under way already. */
export function heal({ machine, people, life }: Stage): void {
  const { world, node, trouble } = machine;
  const { faults } = world.availability;
  world.schedule.after(AMBUSHED_MS, () => machine.clearAmbushes(), life);
  faults.cut.clear();
  faults.frozen = false;
  faults.deniedStatus = undefined;
  trouble.runtimeSilent = false;
  trouble.diskError = undefined;
  trouble.fsyncMs = 0;
  if (node.powered && !node.runtime.up) node.startRuntime();
  world.touch();
  people.mendAll();
}

/** There is peace, and nothing of this schedule is to come any more. */
export function endSchedule({ machine, life }: Stage): void {
  life.alive = false;
  machine.clearAmbushes();
  machine.trouble.controllersForbidden = false;
}

export function describe(fault: Fault): string {
  const { type, atMs: _, ...rest } = fault;
  const details = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  return `${type} ${details.join(', ')}`;
}
