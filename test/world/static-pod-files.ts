// Model: the smallest view of the static pod directory that a kubelet needs. The simulation keeps it in memory; the
// embedded world reads a real directory. Both survive a power loss: they are the disk.

export interface StaticPodFiles {
  /** File name to content, hidden files included (the kubelet skips those itself). Unreadable directory: empty. */
  list(): ReadonlyMap<string, string>;
  /** inotify's stand-in: a name was created, written, renamed into or away, or removed. */
  onChange(listener: (name: string) => void): void;
}

/** What a hostPath volume of type Directory or File is checked against. */
export interface HostPaths {
  kind(path: string): 'directory' | 'file' | 'absent';
}

export class MemoryFiles implements StaticPodFiles {
  private readonly files = new Map<string, string>();
  private readonly listeners = new Set<(name: string) => void>();

  list(): ReadonlyMap<string, string> {
    return this.files;
  }

  onChange(listener: (name: string) => void): void {
    this.listeners.add(listener);
  }

  write(name: string, content: string): void {
    this.files.set(name, content);
    for (const listener of this.listeners) listener(name);
  }

  remove(name: string): void {
    if (!this.files.delete(name)) return;
    for (const listener of this.listeners) listener(name);
  }
}
