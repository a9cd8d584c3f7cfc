// The Kubernetes 1.20.2 binaries: built once from Debian's source package and cached by version.
// A directory in the cache is complete or not there: a build happens in a directory of its own and is
// renamed at its end. The machine's own apt sources are not touched.
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { plainEnvironment, run } from './command.ts';
import { buildPackages, installPackages, proxySettings } from './packages.ts';

export const kubernetesVersion = 'v1.20.2';
const sourceVersion = '1.20.5+really1.20.2-1.1+deb12u1';
/** Raise it when the way to build changes: old results are then not used any more. */
const recipe = 1;

export const cacheDirectory = join(homedir(), '.cache', 'checkpoint-agent');

const controlPlane = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

export interface KubernetesBinaries {
  readonly kubelet: string;
  readonly 'kube-apiserver': string;
  readonly 'kube-controller-manager': string;
  readonly 'kube-scheduler': string;
  /** Static; does nothing until it gets a signal: the pod sandbox's process. */
  readonly pause: string;
}

const pauseSource = `package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGINT, syscall.SIGTERM)
	<-stop
}
`;

/** Paths of all binaries; builds what is missing (about 7 minutes on 2 cores, with progress lines). */
export async function kubernetesBinaries(log: (line: string) => void): Promise<KubernetesBinaries> {
  const directory = join(cacheDirectory, `kubernetes-${sourceVersion}-${recipe}`);
  const bin = join(directory, 'bin');
  const kubeletOnPath = await suitableKubeletOnPath();
  const wanted = [...controlPlane, 'pause', ...(kubeletOnPath === undefined ? ['kubelet'] : [])];
  if (!wanted.every((name) => existsSync(join(bin, name)))) {
    const components = wanted.filter((name) => name !== 'pause');
    await build(directory, components, log);
  }
  return {
    kubelet: kubeletOnPath ?? join(bin, 'kubelet'),
    'kube-apiserver': join(bin, 'kube-apiserver'),
    'kube-controller-manager': join(bin, 'kube-controller-manager'),
    'kube-scheduler': join(bin, 'kube-scheduler'),
    pause: join(bin, 'pause'),
  };
}

async function suitableKubeletOnPath(): Promise<string | undefined> {
  for (const directory of (process.env.PATH ?? '').split(':')) {
    const path = join(directory, 'kubelet');
    if (directory === '' || !existsSync(path)) continue;
    const { stdout } = await run([path, '--version'], { mayFail: true });
    if (stdout.trim() === `Kubernetes ${kubernetesVersion}`) return path;
  }
  return undefined;
}

async function build(
  directory: string,
  components: readonly string[],
  log: (line: string) => void,
): Promise<void> {
  await installPackages(buildPackages, log);
  const work = `${directory}.building-${process.pid}`;
  await removeAbandonedBuilds(directory);
  await mkdir(join(work, 'result', 'bin'), { recursive: true });
  try {
    const tree = await fetchSource(work, log);
    await make(tree, components, log);
    const output = join(tree, '_output', 'bin');
    for (const name of components) await copyFile(join(output, name), join(work, 'result', 'bin', name));
    await writeFile(join(work, 'pause.go'), pauseSource);
    const pause = join(work, 'result', 'bin', 'pause');
    const env = { ...goEnvironment(work), CGO_ENABLED: '0', GO111MODULE: 'off' };
    await run(['go', 'build', '-ldflags=-s -w', '-o', pause, 'pause.go'], { cwd: work, env });
    for (const name of await readdir(join(work, 'result', 'bin'))) {
      await chmod(join(work, 'result', 'bin', name), 0o755);
    }
    await run(['sync', '-f', work]);
    await rm(directory, { recursive: true, force: true });
    await rename(join(work, 'result'), directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A killed build leaves 2 GB. Its process id is in the name, so a build that still runs is let be. */
async function removeAbandonedBuilds(directory: string): Promise<void> {
  for (const name of existsSync(cacheDirectory) ? await readdir(cacheDirectory) : []) {
    const builder = /\.building-(\d+)$/.exec(name)?.[1];
    const ours = builder !== undefined && join(cacheDirectory, name).startsWith(directory);
    if (ours && !existsSync(`/proc/${builder}`)) {
      await rm(join(cacheDirectory, name), { recursive: true, force: true });
    }
  }
}

async function fetchSource(work: string, log: (line: string) => void): Promise<string> {
  log(`fetching Debian's source package kubernetes ${sourceVersion}`);
  await mkdir(join(work, 'apt', 'lists', 'partial'), { recursive: true });
  await mkdir(join(work, 'apt', 'cache', 'archives', 'partial'), { recursive: true });
  await writeFile(
    join(work, 'apt', 'sources.list'),
    `deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${await debianMirror()} bookworm main\n`,
  );
  const apt = [
    'apt-get',
    ...['-o', `Dir::Etc::sourcelist=${work}/apt/sources.list`, '-o', 'Dir::Etc::sourceparts=-'],
    ...['-o', `Dir::State::lists=${work}/apt/lists`, '-o', `Dir::Cache=${work}/apt/cache`],
    // The build directory is root's own: apt's unprivileged download user could not write to it.
    ...['-o', 'APT::Sandbox::User=root'],
  ];
  const env = { ...plainEnvironment, ...proxySettings() };
  await run([...apt, 'update'], { env });
  await run([...apt, 'source', `kubernetes=${sourceVersion}`], { cwd: work, env });
  const tree = join(work, `kubernetes-${sourceVersion.replace(/-[^-]*$/, '')}`);
  // With the vendored reflect2 1.0.1 and Go >= 1.18 the apiserver corrupts its memory when it writes
  // maps as JSON, and dies at random. Debian's own package has the fixed 1.0.2.
  const vendored = join(tree, 'vendor', 'github.com', 'modern-go', 'reflect2');
  await rm(vendored, { recursive: true });
  await run(['cp', '-rL', '/usr/share/gocode/src/github.com/modern-go/reflect2', vendored]);
  await mkdir(join(tree, '.go', 'src', 'k8s.io'), { recursive: true });
  await symlink('../../..', join(tree, '.go', 'src', 'k8s.io', 'kubernetes'));
  return tree;
}

/** Where this machine gets bookworm's packages from: its sources are at the same place. */
async function debianMirror(): Promise<string> {
  const filters = ['Created-By: Packages', 'Codename: bookworm', 'Component: main'];
  const { stdout } = await run(['apt-get', 'indextargets', '--format', '$(REPO_URI)', ...filters]);
  const [mirror] = stdout.split('\n');
  if (mirror) return mirror;
  throw new Error('apt-get knows no mirror of Debian bookworm; add one to /etc/apt/sources.list');
}

async function make(tree: string, components: readonly string[], log: (line: string) => void): Promise<void> {
  const what = components.map((name) => `cmd/${name}`).join(' ');
  log(`building ${components.join(', ')}: about 7 minutes on 2 cores, only once`);
  const startedAt = Date.now();
  const elapsed = (): string => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  const alive = setInterval(() => log(`  still building (${elapsed()})`), 30_000);
  const env = { ...goEnvironment(tree), GOPATH: join(tree, '.go'), CGO_ENABLED: '0' };
  try {
    await run(['make', `WHAT=${what}`], {
      cwd: tree,
      env: { ...env, GO111MODULE: 'off', GOFLAGS: '-mod=vendor' },
      onLine: (line) => (line.startsWith('    ') ? log(`  ${line.trim()} (${elapsed()})`) : undefined),
    });
  } finally {
    clearInterval(alive);
  }
}

/** Go's build cache goes with the tree: it would stay behind as another 1.5 GB in ~/.cache. */
function goEnvironment(work: string): NodeJS.ProcessEnv {
  return { ...plainEnvironment, GOCACHE: join(work, '.gocache'), GOTMPDIR: work, GOPROXY: 'off' };
}
