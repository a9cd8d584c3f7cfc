// Model: tokens as TokenRequest issues them (pkg/serviceaccount/claims.go). Only the claims are as they really are; what
// stands around them is a marker. Each has a `jti` of its own, so that no two are the same, whatever they stand for.

import type { V1Pod } from '@kubernetes/client-node';
import type { World } from './world.ts';

/** No byte of a token may show anywhere but in material. */
export const TOKEN_MARKER = 'fake-token';

/** A token for the API that is asked for with this many seconds really lasts a year; its status does not say so. */
const EXTENDED_S = 3_607;
const YEAR_S = 31_536_000;

export interface TokenAnswer {
  readonly token: string;
  /** What was asked for, and not what the token says of itself. */
  readonly expiresAtMs: number;
}

/** Bound to a pod, whose account it is for; `nowMs` by the clock of the apiserver. */
export function issueToken(
  { store, random }: World,
  pod: V1Pod,
  account: string,
  seconds: number,
  nowMs: number,
): TokenAnswer {
  const { namespace = '', name, uid } = pod.metadata ?? {};
  const node = store.get('nodes', undefined, pod.spec?.nodeName ?? '')?.metadata;
  const nowS = Math.floor(nowMs / 1_000);
  const isExtended = seconds === EXTENDED_S;
  const claims = {
    aud: ['https://kubernetes.default.svc'],
    exp: nowS + (isExtended ? YEAR_S : seconds),
    iat: nowS,
    iss: 'https://kubernetes.default.svc',
    jti: random.uuid(),
    'kubernetes.io': {
      namespace,
      ...(node === undefined ? {} : { node: { name: node.name, uid: node.uid } }),
      pod: { name, uid },
      serviceaccount: { name: account, uid: `uid-of-${namespace}-${account}` },
      ...(isExtended ? { warnafter: nowS + seconds } : {}),
    },
    nbf: nowS,
    sub: `system:serviceaccount:${namespace}:${account}`,
  };
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return { token: `${TOKEN_MARKER}.${payload}.signature`, expiresAtMs: nowMs + seconds * 1_000 };
}
