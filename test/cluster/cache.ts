// What is made once for this machine. A directory in the cache is complete or not there: it is made under another name
// and renamed at its end.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './command.ts';

export const cacheDirectory = join(homedir(), '.cache', 'checkpoint-agent');

/** The directory of this name in the cache; `make` fills it when it is not there yet. */
export async function cached(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const directory = join(cacheDirectory, name);
  if (existsSync(directory)) return directory;
  await removeAbandoned();
  const work = `${directory}.making-${process.pid}`;
  await mkdir(work, { recursive: true });
  try {
    await make(work);
    await run(['sync', '-f', work]);
    // Somebody else may have been quicker; what is made of the same content is the same.
    if (!existsSync(directory)) await rename(work, directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return directory;
}

/** Its process id is in the name, so what is still being made is let be. */
async function removeAbandoned(): Promise<void> {
  for (const name of existsSync(cacheDirectory) ? await readdir(cacheDirectory) : []) {
    const maker = /\.making-(\d+)$/.exec(name)?.[1];
    if (maker !== undefined && !existsSync(`/proc/${maker}`)) {
      await rm(join(cacheDirectory, name), { recursive: true, force: true });
    }
  }
}
