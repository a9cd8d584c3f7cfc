// The wire between the machines: a bridge on this host, with addresses of one /24 that leads nowhere
// else. A cable goes with its machine's power, the bridge with the cluster.

import type { Claim } from './claim.ts';
import { run } from './command.ts';
import type { Machine } from './machine.ts';

export interface NodeAddress {
  /** 1 for n1. */
  readonly number: number;
  readonly ip: string;
  /** Three octets of the node's pod subnet, a /24. */
  readonly podSubnet: string;
}

export function nodeAddress(claim: Claim, number: number): NodeAddress {
  return { number, ip: `${claim.subnet}.${10 + number}`, podSubnet: claim.podSubnet(number) };
}

export async function createBridge(claim: Claim): Promise<void> {
  await run(['ip', 'link', 'add', claim.bridge, 'type', 'bridge']);
  await run(['ip', 'address', 'add', `${claim.subnet}.1/24`, 'dev', claim.bridge]);
  await run(['ip', 'link', 'set', claim.bridge, 'up']);
}

/** Plugs the machine in: its address, and ways to the pods of all the other nodes. */
export async function connect(
  claim: Claim,
  machine: Machine,
  address: NodeAddress,
  all: readonly NodeAddress[],
): Promise<void> {
  const cable = cableName(claim, address);
  const inside = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', String(machine.pid)];
  await run(['ip', 'link', 'add', cable, 'master', claim.bridge, ...inside]);
  await run(['ip', 'link', 'set', cable, 'up']);
  const others = all.filter(({ number }) => number !== address.number);
  // No default route: nothing is out there, and nobody shall wait for an answer from there.
  const batch = [
    'link set lo up',
    'link set eth0 up',
    `address add ${address.ip}/24 dev eth0`,
    ...others.map(({ podSubnet, ip }) => `route add ${podSubnet}.0/24 via ${ip}`),
  ];
  await machine.exec(['ip', '-batch', '-'], { input: `${batch.join('\n')}\n` });
}

/** Pulls the cable out. A network outlives its machine for a while where connections were half open. */
export async function disconnect(claim: Claim, address: NodeAddress): Promise<void> {
  await run(['ip', 'link', 'del', cableName(claim, address)], { mayFail: true });
}

function cableName(claim: Claim, { number }: NodeAddress): string {
  return `${claim.bridge}-${number}`;
}
