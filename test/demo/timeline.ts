// What the demo prints: one line an event, with the seconds since the demo began. Colours only on a terminal.

const colours = { step: 36, good: 32, bad: 31, quiet: 90 } as const;

export class Timeline {
  private readonly startMs = performance.now();

  step(text: string): void {
    this.line('step', `== ${text}`);
  }

  good(text: string): void {
    this.line('good', text);
  }

  bad(text: string): void {
    this.line('bad', text);
  }

  quiet(text: string): void {
    this.line('quiet', text);
  }

  /** A table or a log, indented below the line before it. */
  block(text: string): void {
    console.log(text.replace(/^/gm, '           '));
  }

  private line(kind: keyof typeof colours, text: string): void {
    const seconds = ((performance.now() - this.startMs) / 1000).toFixed(1).padStart(7);
    const painted = process.stdout.isTTY ? `\u001b[${colours[kind]}m${text}\u001b[0m` : text;
    console.log(`${seconds} s  ${painted}`);
  }
}
