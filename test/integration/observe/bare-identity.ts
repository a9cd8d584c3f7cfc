// An identity without certificates or tokens, for servers that ask for none.

import type { Identity } from '../../../lib/observe/kubeconfig.ts';

export function bareIdentity(server: string): Identity {
  return {
    file: 'test',
    files: [],
    credentials: async () => ({ server, tls: {}, headers: {}, fingerprint: '1' }),
    nodeName: async () => 'n1',
  };
}
