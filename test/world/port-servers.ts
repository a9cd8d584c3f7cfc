// Front end: the host ports that the model's processes hold, as real listening sockets. A port nobody holds refuses
// connections, and a process that dies takes its connections with it, as a dead apiserver does.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { NodeModel } from './node-model.ts';
import type { Role } from './programs.ts';

export class PortServers {
  private readonly node: NodeModel;
  private readonly listenerFor: (role: Role) => RequestListener;
  private readonly servers = new Map<number, Server>();
  private closed = false;

  constructor(node: NodeModel, listenerFor: (role: Role) => RequestListener) {
    this.node = node;
    this.listenerFor = listenerFor;
  }

  /** Brings the sockets in line with the model; cheap when nothing changed. */
  reconcile(): void {
    const held = new Map<number, Role>();
    if (!this.closed) {
      for (const { bound, program } of this.node.processes.running) {
        if (bound) for (const port of program.ports) held.set(port, program.role);
      }
    }
    for (const [port, server] of this.servers) {
      if (!held.has(port)) this.shut(port, server);
    }
    for (const [port, role] of held) {
      if (!this.servers.has(port)) this.open(port, role);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    const ended = [...this.servers.values()].map(
      (server) => new Promise<void>((resolve) => server.once('close', resolve)),
    );
    this.reconcile();
    await Promise.all(ended);
  }

  private open(port: number, role: Role): void {
    const server = createServer(this.listenerFor(role));
    this.servers.set(port, server);
    // The socket of the process before may need a moment to go: try again at the next look.
    server.once('error', () => this.servers.delete(port));
    server.listen(port, '127.0.0.1');
  }

  private shut(port: number, server: Server): void {
    this.servers.delete(port);
    server.close();
    server.closeAllConnections();
  }
}
