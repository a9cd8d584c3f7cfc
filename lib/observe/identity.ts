// Who asks the apiserver, whatever stands behind it: a kubeconfig, or a mounted service account. Credentials are asked
// for before each request, so that what the files say now is what is used. No message holds key material.

import { createHash } from 'node:crypto';

/** What one connection to the server needs. `fingerprint` changes whenever connections must be made anew. */
export interface Credentials {
  readonly server: string;
  readonly tls: TlsOptions;
  readonly headers: Readonly<Record<string, string>>;
  readonly fingerprint: string;
}

export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface Identity {
  /** The kubeconfig (or token) file this comes from. */
  readonly file: string;
  /** Every file whose change may change the identity, for hints. */
  readonly files: readonly string[];
  /** Read anew at each call. Rejects with IdentityError. */
  credentials(): Promise<Credentials>;
  /** NAME of a certificate for `system:node:NAME`; undefined when the identity holds no such certificate. */
  nodeName(): Promise<string | undefined>;
}

/** One line: the file or field, what is wrong, and what to do. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
}

/** Only the fields that are set: undici hands `undefined` on to tls.connect, which is not the same as absent. */
export function pickTls(options: TlsOptions): TlsOptions {
  return {
    ...(options.ca === undefined ? {} : { ca: options.ca }),
    ...(options.cert === undefined ? {} : { cert: options.cert }),
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.servername === undefined ? {} : { servername: options.servername }),
    ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
  };
}

/** Says whether connections made with other credentials may still be used; holds no key material, being a digest. */
export function fingerprint(server: string, tls: TlsOptions): string {
  const hash = createHash('sha256').update(server);
  for (const part of [tls.ca, tls.cert, tls.key, tls.servername, String(tls.rejectUnauthorized)]) {
    hash.update('\0').update(part ?? '');
  }
  return hash.digest('hex');
}
