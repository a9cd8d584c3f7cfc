// Writes container images as docker-archives (a config, one layer, manifest.json), for
// `ctr images import`. An own writer, since no registry can be reached from a test: there is no base
// image to start from, and none is needed. An archive is made once for the files that go into it.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheDirectory } from './cache.ts';
import { run } from './command.ts';

export interface Image {
  /** With a registry's name that cannot exist, so that nobody ever asks one. */
  readonly reference: string;
  readonly archive: string;
}

export interface ImageContent {
  readonly name: string;
  /** Path in the image → file on this machine. Shared libraries and loader come along by themselves. */
  readonly files: Readonly<Record<string, string>>;
  readonly entrypoint?: readonly string[];
  readonly path?: string;
}

/** Raise it when the way an archive is written changes. */
const writer = 1;

/** The image's tag is made from its content: a changed file gives another reference. */
export async function writeImage(content: ImageContent): Promise<Image> {
  const files = await withLibraries(content.files);
  const identity = createHash('sha256').update(JSON.stringify([writer, content]));
  for (const [path, source] of Object.entries(files)) {
    const { size, mtimeMs } = await stat(source);
    // Big binaries are told apart by their times: hashing all of them would take a second a cluster.
    const content = size < 16 * 1024 * 1024 ? await digest(source) : `${size} ${mtimeMs}`;
    identity.update(`${path} ${content}\n`);
  }
  const tag = identity.digest('hex').slice(0, 16);
  const reference = `images.test/${content.name}:${tag}`;
  const archive = join(cacheDirectory, 'images', `${content.name}-${tag}.tar`);
  if (existsSync(archive)) {
    const now = new Date();
    await utimes(archive, now, now);
  } else {
    await removeUnused(dirname(archive), content.name);
    await writeArchive(archive, reference, content, files);
  }
  return { reference, archive };
}

/** Each build of the agent makes another 100 MB; what nobody used for a day goes, half-written ones too. */
async function removeUnused(directory: string, name: string): Promise<void> {
  const left = existsSync(directory) ? await readdir(directory) : [];
  for (const file of left.filter((candidate) => candidate.startsWith(`${name}-`))) {
    const path = join(directory, file);
    const found = await stat(path).catch(() => undefined);
    const unused = found !== undefined && Date.now() - found.mtimeMs > 24 * 3600 * 1000;
    if (unused) await rm(path, { recursive: true, force: true });
  }
}

async function writeArchive(
  archive: string,
  reference: string,
  content: ImageContent,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  await mkdir(dirname(archive), { recursive: true });
  const work = await mkdtemp(`${archive}.writing-`);
  try {
    const root = join(work, 'root');
    for (const [path, source] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await copyFile(source, join(root, path));
    }
    const owner = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
    await run(['tar', ...owner, '-cf', join(work, 'layer.tar'), '-C', root, '.']);
    const config = {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Entrypoint: content.entrypoint ?? null, Env: [`PATH=${content.path ?? '/usr/bin:/bin'}`] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${await digest(join(work, 'layer.tar'))}`] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'checkpoint-agent test/cluster' }],
    };
    await writeFile(join(work, 'config.json'), JSON.stringify(config));
    const manifest = [{ Config: 'config.json', RepoTags: [reference], Layers: ['layer.tar'] }];
    await writeFile(join(work, 'manifest.json'), JSON.stringify(manifest));
    await run([
      'tar',
      ...owner,
      '-cf',
      join(work, 'image.tar'),
      '-C',
      work,
      'manifest.json',
      'config.json',
      'layer.tar',
    ]);
    await rename(join(work, 'image.tar'), archive);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function withLibraries(files: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const all: Record<string, string> = { ...files };
  for (const source of Object.values(files)) {
    const { stdout } = await run(['ldd', source], { mayFail: true });
    for (const [, library] of stdout.matchAll(/(?:^\s*|=> )(\/\S+) \(0x/gm)) {
      if (library !== undefined) all[library] = library;
    }
  }
  return all;
}

async function digest(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
