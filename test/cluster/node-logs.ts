// The evidence of a node: the ends of its daemons' logs and of its newest container logs, for errors.
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

const newestContainerLogs = 6;

/** `podLogs` is the host's path of the node's /var/log/pods. */
export async function nodeEvidence(
  name: string,
  daemonLogs: readonly string[],
  podLogs: string,
): Promise<string> {
  const parts = await Promise.all([...daemonLogs, ...(await newestLogs(podLogs))].map(tail));
  return parts.map((part) => `[${name}] ${part}`).join('\n');
}

async function tail(file: string): Promise<string> {
  const text = existsSync(file) ? await readFile(file, 'utf8') : '';
  const lines = text.trim().split('\n').slice(-10);
  return `${file}:\n  ${lines.map((line) => line.slice(0, 400)).join('\n  ')}`;
}

async function newestLogs(podLogs: string): Promise<string[]> {
  const names = existsSync(podLogs) ? await readdir(podLogs, { recursive: true }) : [];
  const logs: { file: string; writtenAt: number }[] = [];
  for (const name of names.filter((candidate) => candidate.endsWith('.log'))) {
    const file = join(podLogs, name);
    // Logs of containers come and go while we look.
    const found = await stat(file).catch(() => undefined);
    if (found !== undefined) logs.push({ file, writtenAt: found.mtimeMs });
  }
  logs.sort((a, b) => b.writtenAt - a.writtenAt);
  return logs.slice(0, newestContainerLogs).map(({ file }) => file);
}
