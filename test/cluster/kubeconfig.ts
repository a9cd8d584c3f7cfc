// Kubeconfig files, as JSON (which is YAML). Two kinds: with the certificate inside, for what lives in
// a Secret or with a person; and with paths, as a kubelet has it, whose certificate is rotated on disk.
import type { KeyPair } from './certificates.ts';

type User =
  | { readonly 'client-certificate': string; readonly 'client-key': string }
  | { readonly 'client-certificate-data': string; readonly 'client-key-data': string };

export function embeddedKubeconfig(server: string, ca: string, pair: KeyPair): string {
  const user = { 'client-certificate-data': base64(pair.certificate), 'client-key-data': base64(pair.key) };
  return kubeconfig({ server, 'certificate-authority-data': base64(ca) }, user);
}

/** `pem` holds certificate and key, as kubelet-client-current.pem does. */
export function fileKubeconfig(server: string, caFile: string, pem: string): string {
  return kubeconfig(
    { server, 'certificate-authority': caFile },
    { 'client-certificate': pem, 'client-key': pem },
  );
}

function kubeconfig(cluster: Readonly<Record<string, string>>, user: User): string {
  const document = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'self', user }],
    contexts: [{ name: 'self@test', context: { cluster: 'test', user: 'self' } }],
    'current-context': 'self@test',
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
