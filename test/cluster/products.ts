// The programs that a master is made of, built from Go modules: products/<product>/<minor>/ has the go.mod and go.sum
// that pin each of them. Built once, and cached by the content of what they are built from.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { plainEnvironment, run } from './command.ts';

/** Of the products; asked for by minor, as the directories below products/ are called. */
export interface Versions {
  readonly kubernetes: string;
  readonly etcd: string;
  readonly containerd: string;
}

/** What a cluster is made of unless it is asked for another: the newest Kubernetes, with what it is proven on. */
export const defaultVersions: Versions = { kubernetes: '1.37', etcd: '3.6', containerd: '2.2' };

type Product = keyof Versions | 'pause';

interface Recipe {
  /** The module whose version is the product's. None: it is this repository's own. */
  readonly module?: string;
  /** Program → Go package, in the order to build them: what comes first compiles most of what comes later. */
  readonly programs: Readonly<Record<string, string>>;
  readonly tags?: string;
  /** Linker flags that make the programs tell this version. */
  readonly stamp?: (version: string) => readonly string[];
}

const recipes: Readonly<Record<Product, Recipe>> = {
  kubernetes: {
    module: 'k8s.io/kubernetes',
    programs: Object.fromEntries(
      ['kubelet', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl', 'kubeadm'].map(
        (name) => [name, `k8s.io/kubernetes/cmd/${name}`],
      ),
    ),
    // Two packages have the version (hack/lib/version.sh); without it the Node's kubeletVersion is 0.0, and checks of
    // version skew go wrong.
    stamp: (version) => {
      const [, major = '', minor = ''] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
      const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
      return ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) =>
        Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`),
      );
    },
  },
  etcd: {
    module: 'go.etcd.io/etcd/server/v3',
    programs: { etcd: 'go.etcd.io/etcd/server/v3', etcdctl: 'go.etcd.io/etcd/etcdctl/v3' },
  },
  containerd: {
    module: 'github.com/containerd/containerd/v2',
    programs: Object.fromEntries(
      ['containerd', 'containerd-shim-runc-v2', 'ctr'].map((name) => [
        name,
        `github.com/containerd/containerd/v2/cmd/${name}`,
      ]),
    ),
    // Snapshotters that want C libraries, and nobody here.
    tags: 'no_btrfs,no_devmapper,no_zfs,urfave_cli_no_docs',
    stamp: (version) => [`-X github.com/containerd/containerd/v2/version.Version=${version}`],
  },
  pause: { programs: { pause: '.' } },
};

export const productsDirectory = join(import.meta.dirname, 'products');

/** Where the programs of a cluster are on this machine. */
export class Programs {
  /** In full, such as `v1.37.2`. */
  readonly versions: Versions;
  private readonly directories: readonly string[];

  constructor(versions: Versions, directories: readonly string[]) {
    this.versions = versions;
    this.directories = directories;
  }

  /** PATH of a node: containerd finds its shim there. */
  get path(): string {
    return [...this.directories, plainEnvironment.PATH].join(':');
  }

  /** The file of one program, such as `kube-apiserver`. */
  file(name: string): string {
    const found = this.directories.map((directory) => join(directory, name)).find((file) => existsSync(file));
    if (found === undefined)
      throw new Error(`no product has a program ${name}: add it to test/cluster/products.ts`);
    return found;
  }
}

/**
 * The versions that this process is asked for: CLUSTER_KUBERNETES, CLUSTER_ETCD and CLUSTER_CONTAINERD (`npm run soak`
 * sets them), each a minor that products/ has. Throws one line for one that it does not have.
 */
export function askedVersions(environment: NodeJS.ProcessEnv = process.env): Versions {
  const asked = (product: keyof Versions): string => {
    const variable = `CLUSTER_${product.toUpperCase()}`;
    const minor = environment[variable] ?? defaultVersions[product];
    const known = readdirSync(join(productsDirectory, product));
    if (known.includes(minor)) return minor;
    throw new Error(`${variable}=${minor}: test/cluster/products/${product} has ${known.sort().join(', ')}`);
  };
  return { kubernetes: asked('kubernetes'), etcd: asked('etcd'), containerd: asked('containerd') };
}

/** The newest version of Go that a go.mod of products/ asks for. */
export function newestGoLine(): string {
  const files = readdirSync(productsDirectory, { recursive: true, encoding: 'utf8' });
  const lines = files
    .filter((name) => name.endsWith('go.mod'))
    .map((name) => /^go (\S+)$/m.exec(readFileSync(join(productsDirectory, name), 'utf8'))?.[1] ?? '');
  const [newest = ''] = lines.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return newest;
}

/** All programs of these versions; builds what is missing (10 minutes on two cores), with progress lines. */
export async function buildPrograms(versions: Versions, log: (line: string) => void): Promise<Programs> {
  const products = Object.keys(recipes) as Product[];
  const directories: string[] = [];
  for (const product of products) {
    const minor = product === 'pause' ? '' : versions[product];
    directories.push(await buildProduct(product, join(productsDirectory, product, minor), log));
  }
  return new Programs(pinnedVersions(versions), directories);
}

/** The full versions that products/ pins for these minors, such as v1.37.2. */
export function pinnedVersions(minors: Versions): Versions {
  const pinned = (product: keyof Versions): string =>
    versionIn(product, join(productsDirectory, product, minors[product]));
  return { kubernetes: pinned('kubernetes'), etcd: pinned('etcd'), containerd: pinned('containerd') };
}

function versionIn(product: Product, source: string): string {
  const { module } = recipes[product];
  return module === undefined ? '' : requiredVersion(readFileSync(join(source, 'go.mod'), 'utf8'), module);
}

async function buildProduct(product: Product, source: string, log: (line: string) => void): Promise<string> {
  const { programs, tags, stamp } = recipes[product];
  const version = versionIn(product, source);
  const flags = [
    ...['-trimpath', '-buildvcs=false'],
    ...(tags === undefined ? [] : ['-tags', tags]),
    ...['-ldflags', ['-s', '-w', ...(stamp?.(version) ?? [])].join(' ')],
  ];
  const identity = createHash('sha256').update(JSON.stringify({ programs, flags }));
  for (const name of readdirSync(source).sort()) identity.update(await readFile(join(source, name)));
  const name = [product, version, identity.digest('hex').slice(0, 12)]
    .filter((part) => part !== '')
    .join('-');
  return cached(name, async (directory) => {
    log(`building ${[product, version].join(' ').trim()} from Go modules, only once`);
    for (const [program, goPackage] of Object.entries(programs)) {
      await goBuild(
        source,
        [...flags, '-o', join(directory, program), goPackage],
        `${product}: ${program}`,
        log,
      );
    }
  });
}

/** What `require` says of it. */
export function requiredVersion(goMod: string, module: string): string {
  const line = goMod
    .split('\n')
    .find((candidate) => candidate.split(/\s+/).includes(module) && / v\d/.test(candidate));
  const version = line === undefined ? undefined : / (v\S+)/.exec(line)?.[1];
  if (version === undefined) throw new Error(`go.mod requires no version of ${module}`);
  return version;
}

async function goBuild(
  source: string,
  args: readonly string[],
  what: string,
  log: (line: string) => void,
): Promise<void> {
  const startedAt = Date.now();
  const elapsed = (): string => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  let compiled = 0;
  const alive = setInterval(() => log(`  ${what}: ${compiled} packages compiled (${elapsed()})`), 15_000);
  try {
    await run(['go', 'build', '-v', ...args], {
      cwd: source,
      env: goEnvironment(),
      // With -v it names each package that it compiles.
      onLine: () => {
        compiled += 1;
      },
    });
  } finally {
    clearInterval(alive);
  }
  log(`  ${what} (${elapsed()})`);
}

/** Proxies and caches are the user's; what decides about the result is not. */
export function goEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    CGO_ENABLED: '0',
    GOTOOLCHAIN: 'local',
    GOFLAGS: '',
    GOWORK: 'off',
    GOOS: '',
    GOARCH: '',
  };
}
