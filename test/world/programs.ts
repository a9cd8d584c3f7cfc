// Model: what the process inside a container does, read from its name and flags: which ports it binds, how long it
// takes to serve, what it needs, and how it dies. A flag that begins with --no-such-flag stands for a bad update,
// --crash-after-ms=N for one that shows only after a while.

import type { V1Container, V1Pod } from '@kubernetes/client-node';
import type { Delays } from './delays.ts';

export type Role =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'agent'
  | 'other';

export interface Program {
  readonly role: Role;
  readonly ports: readonly number[];
  /** Ports are bound with SO_REUSEPORT (k8s#88785); two sharers may run side by side. */
  readonly sharesPorts: boolean;
  readonly bindMs: number;
  readonly startMs: number;
  /** From its first answer until its caches are full; and from there until it is ready. */
  readonly fillMs: number;
  readonly readyMs: number;
  readonly needs: 'nothing' | 'etcd' | 'api';
  /** Exits when it has not come up by then. */
  readonly patienceMs: number;
  /** Exits when it has lost what it needs for this long. */
  readonly toleratesLossMs: number;
  readonly stopMs: number;
  /** Set for a program that ends by itself: an init container, or a bad flag. */
  readonly exits?: { readonly afterMs: number; readonly code: number };
}

const ROLES: readonly Role[] = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'agent',
];

export function roleOf(container: V1Container): Role {
  const program = container.command?.[0]?.split('/').pop();
  const named = ROLES.find((role) => container.name === role) ?? ROLES.find((role) => program === role);
  return named ?? (container.name === 'checkpoint-agent' ? 'agent' : 'other');
}

export function programOf(
  pod: V1Pod,
  container: V1Container,
  kind: 'init' | 'main',
  delays: Delays,
): Program {
  const role = kind === 'init' ? 'other' : roleOf(container);
  const flags = [...(container.command ?? []), ...(container.args ?? [])];
  const base: Program = {
    role,
    ports: pod.spec?.hostNetwork === true ? boundPorts(container, flags) : [],
    sharesPorts: flags.some((flag) => /^--permit-port-sharing(=true)?$/.test(flag)),
    bindMs: 0,
    startMs: delays.otherStart,
    fillMs: 0,
    readyMs: 0,
    needs: 'nothing',
    patienceMs: Number.POSITIVE_INFINITY,
    toleratesLossMs: Number.POSITIVE_INFINITY,
    stopMs: delays.stop,
  };
  if (kind === 'init') return { ...base, exits: { afterMs: delays.otherStart, code: 0 } };
  if (flags.some((flag) => flag.startsWith('--no-such-flag'))) {
    return {
      ...base,
      ports: [],
      startMs: delays.otherStart * 2,
      exits: { afterMs: delays.otherStart, code: 1 },
    };
  }
  const leak = flags.map((flag) => /^--crash-after-ms=(\d+)$/.exec(flag)?.[1]).find(Boolean);
  const exits = leak === undefined ? {} : { exits: { afterMs: Number(leak), code: 2 } };
  return { ...base, ...behaviour(role, delays), ...exits };
}

function behaviour(role: Role, delays: Delays): Partial<Program> {
  switch (role) {
    case 'etcd':
      return { startMs: delays.etcdStart };
    case 'kube-apiserver':
      return {
        bindMs: delays.apiserverBind,
        startMs: delays.apiserverStart,
        fillMs: delays.apiserverFill,
        readyMs: delays.apiserverReady,
        needs: 'etcd',
        patienceMs: delays.apiserverPatience,
        stopMs: delays.apiserverStop,
      };
    // The controller-manager waits 10 s for an API and dies; the scheduler tries on for its lease.
    case 'kube-controller-manager':
      return {
        startMs: delays.controllerStart,
        needs: 'api',
        patienceMs: delays.controllerPatience,
        toleratesLossMs: delays.renewDeadline,
      };
    case 'kube-scheduler':
      return { startMs: delays.controllerStart, needs: 'api', toleratesLossMs: delays.renewDeadline };
    default:
      return {};
  }
}

/** A component binds what its flags say; what a pod merely declares binds nothing, and what it hides is bound all the same. */
function boundPorts(container: V1Container, flags: readonly string[]): number[] {
  const ports: number[] = [];
  for (const flag of flags) {
    const [name, value = ''] = flag.split('=', 2);
    if (name === '--secure-port' || name === '--port') ports.push(Number(value));
    if (name?.startsWith('--listen-')) {
      for (const match of value.matchAll(/:(\d+)/g)) ports.push(Number(match[1]));
    }
  }
  if (ports.length === 0 && roleOf(container) === 'other') {
    for (const port of container.ports ?? []) ports.push(port.containerPort);
  }
  return ports.filter((port) => port > 0);
}
