// Debian packages the masters are made of. Only what is missing is installed, and nothing that comes
// with a service is started on this machine: the masters run their own, in their own namespaces.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { plainEnvironment, run } from './command.ts';

interface Package {
  readonly name: string;
  /** A file that shows that it is there, whoever installed it. */
  readonly file: string;
}

export const nodePackages: readonly Package[] = [
  { name: 'containerd', file: '/usr/bin/containerd' },
  { name: 'runc', file: '/usr/sbin/runc' },
  { name: 'containernetworking-plugins', file: '/usr/lib/cni/bridge' },
  { name: 'etcd-server', file: '/usr/bin/etcd' },
  { name: 'iproute2', file: '/usr/bin/ip' },
  { name: 'iptables', file: '/usr/sbin/iptables' },
  { name: 'conntrack', file: '/usr/sbin/conntrack' },
  { name: 'socat', file: '/usr/bin/socat' },
  { name: 'openssl', file: '/usr/bin/openssl' },
  // Last: it clashes with a kubectl from elsewhere, which does as well.
  { name: 'kubernetes-client', file: '/usr/bin/kubectl' },
];

export const buildPackages: readonly Package[] = [
  { name: 'golang-go', file: '/usr/bin/go' },
  { name: 'rsync', file: '/usr/bin/rsync' },
  { name: 'jq', file: '/usr/bin/jq' },
  { name: 'bc', file: '/usr/bin/bc' },
  { name: 'make', file: '/usr/bin/make' },
  { name: 'dpkg-dev', file: '/usr/bin/dpkg-source' },
  {
    name: 'golang-github-modern-go-reflect2-dev',
    file: '/usr/share/gocode/src/github.com/modern-go/reflect2/reflect2.go',
  },
];

const serviceVeto = '/usr/sbin/policy-rc.d';

/** Installs what of these packages is missing, from the machine's own Debian sources. */
export async function installPackages(
  packages: readonly Package[],
  log: (line: string) => void,
): Promise<void> {
  const missing = packages.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
  if (missing.length === 0) return;
  log(`installing Debian packages: ${missing.join(' ')}`);
  const env = { ...plainEnvironment, ...proxySettings(), DEBIAN_FRONTEND: 'noninteractive' };
  // Debian's containerd and etcd-server start themselves at installation, unless this file says no.
  const veto = !existsSync(serviceVeto);
  if (veto) writeFileSync(serviceVeto, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await run(['apt-get', 'update'], { env });
    await run(['apt-get', 'install', '-y', '--no-install-recommends', ...missing], { env });
  } finally {
    if (veto) rmSync(serviceVeto, { force: true });
  }
}

/** Only downloads may leave the machine through a proxy; nodes never see these. */
export function proxySettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name)),
  );
}
