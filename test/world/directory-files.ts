// The static pod directory as a real one, for the kubelet model. Node's watcher is only a hint (it goes deaf when the
// directory is replaced); the kubelet's own relist makes good what a hint missed.

import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { HostPaths, StaticPodFiles } from './static-pod-files.ts';

export class DirectoryFiles implements StaticPodFiles {
  private readonly directory: string;
  private readonly listeners = new Set<(name: string) => void>();
  private readonly watcher: FSWatcher;

  constructor(directory: string) {
    this.directory = directory;
    this.watcher = watch(directory, (_event, name) => {
      if (name === null || name.startsWith('.')) return;
      for (const listener of this.listeners) listener(name);
    });
    this.watcher.on('error', () => undefined);
  }

  list(): ReadonlyMap<string, string> {
    const files = new Map<string, string>();
    for (const name of namesIn(this.directory)) {
      try {
        files.set(name, readFileSync(join(this.directory, name), 'utf8'));
      } catch {
        // A subdirectory (the kubelet does not enter those), or a file that went between the two calls.
      }
    }
    return files;
  }

  onChange(listener: (name: string) => void): void {
    this.listeners.add(listener);
  }

  close(): void {
    this.watcher.close();
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** The machine's own file system, for the hostPath volumes of checkpoints. */
export const realPaths: HostPaths = {
  kind(path) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return 'absent';
    return stats.isDirectory() ? 'directory' : 'file';
  },
};
