// GET requests against the object store, with the answers of lib/observe/apiserver/http.ts: for the sources' own code.

import type { ApiClient } from '../../lib/observe/apiserver/http.ts';
import type { Resource } from '../world/object-store.ts';
import type { World } from '../world/world.ts';
import type { Gate } from './gate.ts';

const PATH = /^\/(?:api\/v1|apis\/apps\/v1)\/namespaces\/([^/]+)\/([a-z]+)\/([^/]+)$/;

/** `forbidden`: whether this identity may not read just now. */
export function modelClient(world: World, node: string, gate: Gate, forbidden: () => boolean): ApiClient {
  const client = {
    async get(path: string): Promise<unknown> {
      await gate.io('get', async () => undefined);
      await gate.pause(world.random.between(2, 50));
      const answer = world.availability.answerTo(node);
      if (answer === 'denied' || forbidden()) return { ok: false, status: 403, reason: `GET ${path}: 403` };
      if (answer === 'unready') return { ok: false, status: 500, reason: `GET ${path}: 500` };
      if (!world.availability.answersFor(node)) return { ok: false, reason: `GET ${path}: ${answer}` };
      const [, namespace, resource = '', name = ''] = PATH.exec(path) ?? [];
      const object = world.store.get(resource as Resource, namespace, name);
      return object === undefined
        ? { ok: false, status: 404, reason: `GET ${path}: 404` }
        : { ok: true, body: object };
    },
  };
  return client as unknown as ApiClient;
}
