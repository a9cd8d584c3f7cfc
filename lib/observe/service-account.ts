// The optional second identity: the mounted service account, used only for what a node may not read (does the
// controller still want the pod here?). It asks the kubelet's server, not the service IP, which needs kube-proxy.

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Credentials, type Identity, IdentityError } from './identity.ts';

export const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Undefined when no service account is mounted there. The token is read anew at each use: the kubelet rotates it. */
export function serviceAccountIdentity(
  kubelet: Identity,
  dir: string = SERVICE_ACCOUNT_DIR,
): Identity | undefined {
  const file = join(dir, 'token');
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  return {
    file,
    files: [file],
    async credentials(): Promise<Credentials> {
      const { server, tls, fingerprint } = await kubelet.credentials();
      const { cert: _cert, key: _key, ...serverOnly } = tls;
      let token: string;
      try {
        token = readFileSync(file, 'utf8').trim();
      } catch {
        throw new IdentityError(`service account token ${file} cannot be read; check the pod's token volume`);
      }
      return { server, tls: serverOnly, headers: { Authorization: `Bearer ${token}` }, fingerprint };
    },
    nodeName: async () => undefined,
  };
}
