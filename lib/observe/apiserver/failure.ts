// What kind of failure an answer, or the want of one, is: told apart so that a person reads which it is and what to do,
// and so that an apiserver that lives and refuses is never taken for one that is away.

import type { AwayCause, DeniedCause } from '../../types/observation.ts';
import { IdentityError } from '../identity.ts';

/** Somebody answered who is no apiserver. */
export class StrangerError extends Error {}

/** Codes of libuv, undici, OpenSSL and Node's TLS, as they were seen or as their documentation lists them. */
const CAUSES: Readonly<Record<string, AwayCause>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timed-out',
  UND_ERR_CONNECT_TIMEOUT: 'timed-out',
  UND_ERR_HEADERS_TIMEOUT: 'timed-out',
  UND_ERR_BODY_TIMEOUT: 'timed-out',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',
  ECONNRESET: 'cut-off',
  EPIPE: 'cut-off',
  UND_ERR_SOCKET: 'cut-off',
  SELF_SIGNED_CERT_IN_CHAIN: 'another-cluster',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'another-cluster',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'another-cluster',
  UNABLE_TO_GET_ISSUER_CERT: 'another-cluster',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'another-cluster',
  CERT_SIGNATURE_FAILURE: 'another-cluster',
  CERT_UNTRUSTED: 'another-cluster',
  CERT_HAS_EXPIRED: 'certificate',
  CERT_NOT_YET_VALID: 'certificate',
  CERT_REVOKED: 'certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate',
  ERR_SSL_WRONG_VERSION_NUMBER: 'stranger',
  EPROTO: 'stranger',
};

/** Of a request that got no answer. What nobody foresaw reads as cut off, which is what it comes to. */
export function causeOf(error: unknown): AwayCause {
  if (error instanceof IdentityError) return 'no-identity';
  if (error instanceof StrangerError) return 'stranger';
  if (error instanceof AggregateError) return causeOf(error.errors[0]);
  if (error instanceof Error && error.name === 'HTTPParserError') return 'stranger';
  return CAUSES[String((error as NodeJS.ErrnoException | undefined)?.code)] ?? 'cut-off';
}

/** Of an answer that is no success. */
export function causeOfStatus(status: number): AwayCause | DeniedCause {
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 429) return 'throttled';
  return status >= 500 ? 'failing' : 'stranger';
}

export function isDenied(cause: AwayCause | DeniedCause): cause is DeniedCause {
  return cause === 'unauthorized' || cause === 'forbidden';
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'failed';
  if (error instanceof AggregateError) return describe(error.errors[0]);
  return error.message === ''
    ? ((error as NodeJS.ErrnoException).code ?? error.name)
    : error.message.replace(/\s+/g, ' ');
}
