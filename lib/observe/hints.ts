// Says "look now" when something on disk moved: static pod directory, kubeconfig, certificates. Only a hint, never
// the truth: chokidar goes deaf without an error when a watched directory is replaced (chokidar#379 #1278), so each
// pass calls rearm(), which compares what the paths are now with what is watched.

import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';

export interface Hints {
  /** To be called at each pass; cheap: one stat a path. */
  rearm(): Promise<void>;
  close(): Promise<void>;
}

/** `directories` are watched flat; of `files` their directories are, since files are replaced by renaming. */
export function watchHints(
  paths: { readonly directories: readonly string[]; readonly files: readonly string[] },
  onHint: (path: string) => void,
): Hints {
  const files = new Set(paths.files);
  const directories = new Set(paths.directories);
  const watched = [...new Set([...directories, ...paths.files.map((file) => dirname(file))])];
  return new ArmedHints(watched, (path) => {
    if (files.has(path) || directories.has(path) || directories.has(dirname(path))) onHint(path);
  });
}

class ArmedHints implements Hints {
  readonly #onPath: (path: string) => void;
  readonly #armed = new Map<string, { readonly inode: string; readonly watcher: FSWatcher | undefined }>();
  /** One at a time: two that see the same change would each start a watcher, and one of them would be lost. */
  #rearming: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(directories: readonly string[], onPath: (path: string) => void) {
    this.#onPath = onPath;
    for (const directory of directories) this.#armed.set(directory, { inode: '', watcher: undefined });
    void this.rearm();
  }

  async rearm(): Promise<void> {
    this.#rearming = this.#rearming.then(() =>
      Promise.all([...this.#armed.keys()].map((d) => this.#rearm(d))),
    );
    await this.#rearming;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#rearming;
    await Promise.all([...this.#armed.values()].map(({ watcher }) => watcher?.close()));
  }

  async #rearm(directory: string): Promise<void> {
    const inode = await stat(directory).then(
      ({ dev, ino }) => `${dev}:${ino}`,
      () => '',
    );
    const armed = this.#armed.get(directory);
    if (this.#closed || armed === undefined || armed.inode === inode) return;
    const watcher = inode === '' ? undefined : this.#watch(directory);
    this.#armed.set(directory, { inode, watcher });
    await armed.watcher?.close();
  }

  #watch(directory: string): FSWatcher {
    // Not persistent: after a watched directory was removed, chokidar may watch its parent even once it is closed.
    const watcher = watch(directory, { depth: 0, ignoreInitial: true, atomic: false, persistent: false });
    watcher.on('all', (_event, path) => this.#onPath(path));
    watcher.on('error', () => {}); // a hint that is missed costs a few seconds, no more
    return watcher;
  }
}
