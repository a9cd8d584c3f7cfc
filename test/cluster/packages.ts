// Debian packages: what masters are made of besides the products that are built here (products.ts), and what other tests
// need. Only what is missing is installed.
import { existsSync } from 'node:fs';
import { plainEnvironment, run } from './command.ts';

interface Package {
  readonly name: string;
  /** A file that shows that it is there, whoever installed it. */
  readonly file: string;
}

export const nodePackages: readonly Package[] = [
  { name: 'runc', file: '/usr/sbin/runc' },
  { name: 'containernetworking-plugins', file: '/usr/lib/cni/bridge' },
  { name: 'iproute2', file: '/usr/bin/ip' },
  { name: 'iptables', file: '/usr/sbin/iptables' },
  { name: 'conntrack', file: '/usr/sbin/conntrack' },
  { name: 'socat', file: '/usr/bin/socat' },
  { name: 'openssl', file: '/usr/bin/openssl' },
];

/** Installs what of these packages is missing, from the machine's own Debian sources. */
export async function installPackages(
  packages: readonly Package[],
  log: (line: string) => void,
): Promise<void> {
  const missing = packages.filter(({ file }) => !existsSync(file)).map(({ name }) => name);
  if (missing.length === 0) return;
  log(`installing Debian packages: ${missing.join(' ')}`);
  const env = { ...plainEnvironment, ...proxySettings(), DEBIAN_FRONTEND: 'noninteractive' };
  await run(['apt-get', 'update'], { env });
  await run(['apt-get', 'install', '-y', '--no-install-recommends', ...missing], { env });
}

/** Only downloads may leave the machine through a proxy; nodes never see these. */
export function proxySettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name)),
  );
}
