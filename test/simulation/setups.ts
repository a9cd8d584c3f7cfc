// The ways a master is set up in the simulation, and for each the disk of an agent that has proven everything: made
// once a process by letting the real agent do it.

import type { V1DaemonSet } from '@kubernetes/client-node';
import { CHECKPOINT_ANNOTATION, OPTION_OVERLAP, OPTION_STANDBY_LOCK } from '../../lib/types/workload.ts';
import { type Image, imageOf } from '../crash/image.ts';
import { KUBELET_1_34, KUBELET_1_37 } from '../world/kubelet-habits.ts';
import { STATE_DIR } from './disk.ts';
import { Machine, type Setup } from './machine.ts';
import { AGENT, EXTRA } from './workload-names.ts';

const PROVEN_WITHIN_MS = 60_000;

const extra: V1DaemonSet = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: EXTRA, namespace: 'kube-system' },
  spec: {
    selector: { matchLabels: { app: EXTRA } },
    template: {
      metadata: { labels: { app: EXTRA }, annotations: { [CHECKPOINT_ANNOTATION]: 'true' } },
      spec: {
        automountServiceAccountToken: false,
        containers: [{ name: EXTRA, image: 'registry.example/flannel:v1', args: ['--iface=eth0'] }],
      },
    },
  },
};

/**
 * Tokens of one workload in two of the setups are enough: each is three files more to write, to sync and to check, and
 * all are fetched anew by every process of the agent.
 */
function lean(daemonSet: V1DaemonSet): V1DaemonSet {
  return daemonSet.metadata?.name === 'kube-controller-manager' ? daemonSet : bare(daemonSet);
}

function bare(daemonSet: V1DaemonSet): V1DaemonSet {
  const { spec } = daemonSet;
  if (spec?.template.spec === undefined) return daemonSet;
  const template = {
    ...spec.template,
    spec: { ...spec.template.spec, automountServiceAccountToken: false },
  };
  return { ...daemonSet, spec: { ...spec, template } };
}

/** The agent's own checkpoint is always active, and waits on the guard's lock. */
function standingBy(given: V1DaemonSet): V1DaemonSet {
  const daemonSet = lean(given);
  return daemonSet.metadata?.name === AGENT
    ? annotated(daemonSet, OPTION_STANDBY_LOCK, `${STATE_DIR}/lock`)
    : daemonSet;
}

function annotated(daemonSet: V1DaemonSet, name: string, value: string): V1DaemonSet {
  const { spec } = daemonSet;
  if (spec === undefined) return daemonSet;
  const annotations = { ...spec.template.metadata?.annotations, [name]: value };
  const template = { ...spec.template, metadata: { ...spec.template.metadata, annotations } };
  return { ...daemonSet, spec: { ...spec, template } };
}

function overlapping(given: V1DaemonSet): V1DaemonSet {
  const daemonSet = bare(given);
  return daemonSet.metadata?.name === 'kube-apiserver'
    ? annotated(daemonSet, OPTION_OVERLAP, 'true')
    : daemonSet;
}

const plain = { portSharing: false, etcdOutside: false, agent: false, extra: [], edit: bare };

export const SETUPS = {
  usual: { ...plain, kubelet: KUBELET_1_37, edit: lean },
  old: { ...plain, kubelet: KUBELET_1_34 },
  five: { ...plain, kubelet: KUBELET_1_37, extra: [extra] },
  sharing: { ...plain, kubelet: KUBELET_1_37, portSharing: true, edit: overlapping },
  pod: { ...plain, kubelet: KUBELET_1_37, agent: true, edit: standingBy },
  outside: { ...plain, kubelet: KUBELET_1_37, etcdOutside: true },
} as const satisfies Record<string, Setup>;

export type SetupName = keyof typeof SETUPS;

const images = new Map<SetupName, Image>();

/** The agent broke a rule, or got nowhere, on a node on which nothing goes wrong. */
export class NeverProven extends Error {
  readonly story: string;

  constructor(failure: string, story: string) {
    super(`before anything went wrong: ${failure}`);
    this.story = story;
  }
}

/** A machine whose agent is about to be started, with every workload proven. Errors: NeverProven. */
export async function provenMachine(name: SetupName): Promise<Machine> {
  let image = images.get(name);
  if (image === undefined) {
    image = await provenDisk(name);
    images.set(name, image);
  }
  return new Machine(SETUPS[name], image);
}

async function provenDisk(name: SetupName): Promise<Image> {
  const machine = new Machine(SETUPS[name]);
  machine.startAgent();
  await machine.advance(machine.world.nowMs + PROVEN_WITHIN_MS);
  const workloads = machine.agent?.store?.workloads() ?? [];
  const proven = workloads.filter(({ record }) => record?.proven !== undefined);
  const missing = machine.world.store.list('daemonsets').length - proven.length;
  const failure =
    machine.rules.failure ?? (missing === 0 ? undefined : `${missing} workloads are not proven`);
  if (failure !== undefined) throw new NeverProven(failure, machine.world.story.toString());
  machine.agent?.kill();
  return imageOf(machine.disk.root);
}
