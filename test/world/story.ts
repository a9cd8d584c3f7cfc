// Model: what happened, in words, for a person who reads a failing run or watches the demo.

export interface StoryLine {
  readonly atMs: number;
  /** The part of the world it happened to: `n1/kubelet`, `api`, `kube-system/etcd-x7f2k`. */
  readonly where: string;
  readonly what: string;
}

export class Story {
  readonly lines: StoryLine[] = [];
  private readonly now: () => number;
  private readonly listeners = new Set<(line: StoryLine) => void>();

  constructor(now: () => number) {
    this.now = now;
  }

  tell(where: string, what: string): void {
    const line = { atMs: this.now(), where, what };
    this.lines.push(line);
    for (const listener of this.listeners) listener(line);
  }

  onLine(listener: (line: StoryLine) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The whole story, times in seconds since its first line. */
  toString(): string {
    const start = this.lines[0]?.atMs ?? 0;
    return this.lines
      .map(({ atMs, where, what }) => `${((atMs - start) / 1000).toFixed(2).padStart(8)}  ${where}: ${what}`)
      .join('\n');
  }
}
