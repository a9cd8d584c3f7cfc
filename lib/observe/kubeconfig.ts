// The kubelet's own identity: what the agent may read is what this node's kubelet may read, without an RBAC rule.
// Certificate and token files are read again whenever credentials are asked for, so rotation
// (kubelet-client-current.pem) is followed. No key material ever stands in a message.

import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
// Only this module of the client: its index holds the whole generated API.
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import { parse } from 'yaml';
import {
  type Credentials,
  fingerprint,
  type Identity,
  IdentityError,
  pickTls,
  type TlsOptions,
} from './identity.ts';

export { type Identity, IdentityError } from './identity.ts';

/** Where installers put the kubelet's kubeconfig: kubeadm, Typhoon and bootkube, OpenShift and kops, the hard way. */
export const KUBECONFIG_PLACES: readonly string[] = [
  '/etc/kubernetes/kubelet.conf',
  '/var/lib/kubelet/kubeconfig',
  '/etc/kubernetes/kubeconfig',
  '/etc/kubernetes/kubelet-kubeconfig',
  '/var/lib/kubelet/kubelet.kubeconfig',
  '/etc/kubernetes/kubelet.kubeconfig',
  '/etc/kubernetes/kubeconfig-kubelet',
  '/var/lib/kubelet/kubelet.conf',
];

/** Finds and loads the kubelet's kubeconfig; its certificates are read once, so that what is wrong shows at once. Rejects with IdentityError. */
export async function loadIdentity(path?: string): Promise<Identity> {
  const file = path ?? findKubeconfig();
  const identity = new KubeconfigIdentity(file);
  await identity.credentials();
  return identity;
}

/** The first usual place that holds a file. Throws IdentityError when there is none. */
export function findKubeconfig(places: readonly string[] = KUBECONFIG_PLACES): string {
  const found = places.find((place) => statSync(place, { throwIfNoEntry: false })?.isFile());
  if (found === undefined) {
    throw new IdentityError(
      `no kubelet kubeconfig in any of ${places.join(', ')}: name it with --kubeconfig, and mount it when the agent runs in a pod`,
    );
  }
  return found;
}

class KubeconfigIdentity implements Identity {
  readonly file: string;
  files: readonly string[] = [];
  #loaded: { readonly stamp: string; readonly config: KubeConfig; readonly tokenFile?: string } | undefined;

  constructor(file: string) {
    this.file = file;
  }

  async credentials(): Promise<Credentials> {
    const { config, tokenFile } = this.#load();
    const cluster = config.getCurrentCluster();
    if (cluster === null)
      throw this.#wrong('current-context', 'names no cluster', 'point it at a context with a cluster');
    if (config.getCurrentUser() === null) {
      throw this.#wrong('current-context', 'names no user', 'point it at a context with a user');
    }
    if (!URL.canParse(cluster.server)) {
      throw this.#wrong(
        `clusters[${cluster.name}].cluster.server`,
        'is not a URL',
        'write https://HOST:PORT',
      );
    }
    if (cluster.proxyUrl) {
      throw this.#wrong(
        `clusters[${cluster.name}].cluster.proxy-url`,
        'is not supported',
        'name a server that is reached directly',
      );
    }
    const { name, authProvider, exec } = config.getCurrentUser() ?? {};
    if (authProvider !== undefined && authProvider !== null && !exec) {
      throw this.#wrong(
        `users[${name}].user.auth-provider`,
        'is not supported',
        'use a client certificate, a token file or an exec plugin',
      );
    }
    const options: { auth?: string; headers?: Record<string, string> } & TlsOptions = {};
    try {
      await config.applyToHTTPSOptions(options);
    } catch (error) {
      throw this.#readError(error);
    }
    const headers: Record<string, string> = { ...options.headers };
    if (options.auth !== undefined)
      headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    if (tokenFile !== undefined) headers.Authorization = `Bearer ${this.#readToken(tokenFile)}`;
    const tls = pickTls(options);
    return { server: cluster.server, tls, headers, fingerprint: fingerprint(cluster.server, tls) };
  }

  async nodeName(): Promise<string | undefined> {
    const { tls } = await this.credentials();
    if (tls.cert === undefined) return undefined;
    try {
      const match = /^CN=system:node:(.+)$/m.exec(new X509Certificate(tls.cert).subject);
      return match?.[1];
    } catch {
      throw this.#wrong(
        'client-certificate',
        'holds no PEM certificate',
        'let the kubelet bootstrap again, or fix the file',
      );
    }
  }

  /** Loads again only when the file changed: exec plugins keep their credentials in the loaded object until they expire. */
  #load(): { readonly config: KubeConfig; readonly tokenFile?: string } {
    let stamp: string;
    let text: string;
    try {
      const stat = statSync(this.file, { bigint: true });
      stamp = `${stat.ino}:${stat.mtimeNs}:${stat.size}`;
      if (this.#loaded?.stamp === stamp) return this.#loaded;
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if (this.#loaded !== undefined) return this.#loaded; // being replaced right now: the last good one stands
      throw this.#wrong(
        '',
        `cannot be read (${errorCode(error)})`,
        'check the path and the mount, or name another with --kubeconfig',
      );
    }
    const config = new KubeConfig();
    try {
      config.loadFromString(text);
      config.makePathsAbsolute(dirname(this.file));
    } catch (error) {
      if (this.#loaded !== undefined) return this.#loaded;
      const problem =
        error instanceof Error && /is missing$/.test(error.message) ? error.message : 'is not a kubeconfig';
      throw this.#wrong('', problem, 'fix the file, or name another with --kubeconfig');
    }
    const user = config.getCurrentUser();
    const tokenFile = tokenFileOf(text, user?.name, this.file);
    this.#loaded = { stamp, config, ...(tokenFile === undefined ? {} : { tokenFile }) };
    this.files = [
      this.file,
      ...[config.getCurrentCluster()?.caFile, user?.certFile, user?.keyFile, tokenFile].filter(
        (file) => typeof file === 'string',
      ),
    ];
    return this.#loaded;
  }

  #readToken(file: string): string {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch (error) {
      throw this.#wrong(
        'users[].user.tokenFile',
        `${file} cannot be read (${errorCode(error)})`,
        'mount it or fix the path',
      );
    }
  }

  #readError(error: unknown): IdentityError {
    const cluster = this.#loaded?.config.getCurrentCluster();
    const user = this.#loaded?.config.getCurrentUser();
    const path = (error as NodeJS.ErrnoException).path;
    if (path !== undefined) {
      const fields: readonly [string | undefined, string][] = [
        [cluster?.caFile, `clusters[${cluster?.name}].cluster.certificate-authority`],
        [user?.certFile, `users[${user?.name}].user.client-certificate`],
        [user?.keyFile, `users[${user?.name}].user.client-key`],
      ];
      const field = fields.find(([file]) => file === path)?.[1];
      if (field !== undefined) {
        return this.#wrong(field, `${path} cannot be read (${errorCode(error)})`, 'mount it or fix the path');
      }
    }
    if (user?.exec) {
      return this.#wrong(`users[${user.name}].user.exec`, 'failed', 'run its command by hand to see why');
    }
    if (error instanceof Error && /HTTP protocol is not allowed/.test(error.message)) {
      return this.#wrong(
        'cluster.server',
        'is plain http',
        'use https, or set insecure-skip-tls-verify for a test server',
      );
    }
    return this.#wrong(
      'users[].user',
      'gives no usable credentials',
      'fix the file, or name another with --kubeconfig',
    );
  }

  #wrong(field: string, problem: string, remedy: string): IdentityError {
    return new IdentityError(
      `kubeconfig ${this.file}: ${field === '' ? '' : `${field}: `}${problem}; ${remedy}`,
    );
  }
}

/** client-node 1.4.0 knows `token-file` only, and reads it once; kubeconfigs say `tokenFile`, relative to themselves. */
function tokenFileOf(text: string, user: string | undefined, file: string): string | undefined {
  if (!text.includes('tokenFile')) return undefined;
  const users = (parse(text) as { users?: { name?: string; user?: { tokenFile?: unknown } }[] }).users;
  const path = users?.find(({ name }) => name === user)?.user?.tokenFile;
  return typeof path === 'string' && path !== '' ? resolve(dirname(file), path) : undefined;
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unreadable';
}
