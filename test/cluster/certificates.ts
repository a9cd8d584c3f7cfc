// The cluster's PKI: one CA, and a certificate for each identity, as kubeadm makes them. Everything is
// in files of one directory, made by openssl; what is returned are their contents.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import type { NodeAddress } from './network.ts';

export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: KeyPair;
  readonly apiserver: KeyPair;
  /** The apiserver's identity towards kubelets. */
  readonly apiserverKubeletClient: KeyPair;
  readonly apiserverEtcdClient: KeyPair;
  /** etcd's server and peer. */
  readonly etcd: KeyPair;
  readonly admin: KeyPair;
  readonly controllerManager: KeyPair;
  readonly scheduler: KeyPair;
  /** By node name. */
  readonly kubelets: ReadonlyMap<string, KeyPair>;
  readonly serviceAccount: { readonly publicKey: string; readonly key: string };
}

export const serviceNetwork = { cidr: '10.96.0.0/16', apiserver: '10.96.0.1' };

// The machine's own openssl.cnf would add extensions of its own to each certificate.
const configuration = '[req]\ndistinguished_name = name\n[name]\n';

export async function createCertificates(
  directory: string,
  nodes: readonly NodeAddress[],
): Promise<Certificates> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'openssl.cnf'), configuration);
  const ca = await certificate(directory, 'ca', '/CN=checkpoint-agent-test', []);
  const addresses = nodes.map(({ ip }) => `IP:${ip}`).join(',');
  const services = 'DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc';
  const names = `${services},DNS:localhost,IP:127.0.0.1,IP:${serviceNetwork.apiserver},${addresses}`;
  const client = (name: string, subject: string): Promise<KeyPair> =>
    certificate(directory, name, subject, ['extendedKeyUsage=clientAuth']);
  const kubelets = new Map<string, KeyPair>();
  for (const { number } of nodes) {
    const name = `n${number}`;
    kubelets.set(name, await client(`kubelet-${name}`, `/O=system:nodes/CN=system:node:${name}`));
  }
  return {
    ca,
    apiserver: await certificate(directory, 'apiserver', '/CN=kube-apiserver', [
      'extendedKeyUsage=serverAuth',
      `subjectAltName=${names}`,
    ]),
    apiserverKubeletClient: await client(
      'apiserver-kubelet-client',
      '/O=system:masters/CN=kube-apiserver-kubelet-client',
    ),
    apiserverEtcdClient: await client('apiserver-etcd-client', '/CN=kube-apiserver-etcd-client'),
    etcd: await certificate(directory, 'etcd', '/CN=etcd', [
      'extendedKeyUsage=serverAuth,clientAuth',
      `subjectAltName=DNS:localhost,IP:127.0.0.1,${addresses}`,
    ]),
    admin: await client('admin', '/O=system:masters/CN=kubernetes-admin'),
    controllerManager: await client('controller-manager', '/CN=system:kube-controller-manager'),
    scheduler: await client('scheduler', '/CN=system:kube-scheduler'),
    kubelets,
    serviceAccount: await serviceAccountKeys(directory),
  };
}

async function certificate(
  directory: string,
  name: string,
  subject: string,
  extensions: readonly string[],
): Promise<KeyPair> {
  const issued = name !== 'ca';
  const kind = issued
    ? ['basicConstraints=critical,CA:FALSE', 'keyUsage=critical,digitalSignature']
    : ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign,digitalSignature'];
  const argv = [
    ...[
      'openssl',
      'req',
      '-x509',
      '-config',
      join(directory, 'openssl.cnf'),
      '-subj',
      subject,
      '-days',
      '365',
    ],
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc'],
    ...['-keyout', join(directory, `${name}.key`), '-out', join(directory, `${name}.crt`)],
    ...(issued ? ['-CA', join(directory, 'ca.crt'), '-CAkey', join(directory, 'ca.key')] : []),
    ...[...kind, ...extensions].flatMap((extension) => ['-addext', extension]),
  ];
  await run(argv);
  return {
    certificate: await readFile(join(directory, `${name}.crt`), 'utf8'),
    key: await readFile(join(directory, `${name}.key`), 'utf8'),
  };
}

async function serviceAccountKeys(directory: string): Promise<{ publicKey: string; key: string }> {
  const key = join(directory, 'sa.key');
  await run(['openssl', 'ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', key]);
  const { stdout } = await run(['openssl', 'ec', '-in', key, '-pubout']);
  return { publicKey: stdout, key: await readFile(key, 'utf8') };
}
