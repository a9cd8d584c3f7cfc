// Where the apiserver is asked: at an address of this node, or somewhere else.

import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** The port of the server, where its host is one of this node's own addresses; a name is not looked up. */
export function portHere(server: string): number | undefined {
  const { hostname, port, protocol } = new URL(server);
  const address = hostname.replace(/^\[|\]$/g, '');
  const own = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((each) => each.address));
  const isHere =
    hostname === 'localhost' || (isIP(address) !== 0 && [...own, '127.0.0.1', '::1'].includes(address));
  return isHere ? Number(port) || (protocol === 'https:' ? 443 : 80) : undefined;
}
