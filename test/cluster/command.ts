// Runs one command to its end. A command that fails throws an error that names the whole command,
// its exit code and the last lines it wrote, so that nobody has to run it again to see why.
import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string;
  readonly cwd?: string;
  /** The whole environment; default: `plainEnvironment`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Return a failure instead of throwing. */
  readonly mayFail?: boolean;
  readonly onLine?: (line: string) => void;
}

/** What a node or a build should see of this process: nothing of the developer's own settings. */
export const plainEnvironment: NodeJS.ProcessEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: process.env.HOME ?? '/root',
  LANG: 'C.UTF-8',
};

export class CommandFailed extends Error {
  readonly result: CommandResult;

  constructor(argv: readonly string[], result: CommandResult) {
    const said = `${result.stdout}\n${result.stderr}`.trim().split('\n').slice(-12).join('\n  ');
    super(`\`${argv.join(' ')}\` ended with ${result.code}:\n  ${said}`);
    this.name = 'CommandFailed';
    this.result = result;
  }
}

/** Runs argv (no shell). Throws `CommandFailed` for a code other than 0, unless `mayFail`. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program, ...rest] = argv;
  if (program === undefined) throw new Error('run: an empty command');
  const child = spawn(program, rest, {
    cwd: options.cwd,
    env: options.env ?? plainEnvironment,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  let line = '';
  const take = (text: string): void => {
    if (options.onLine === undefined) return;
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    for (const full of lines) options.onLine(full);
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    take(text);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    take(text);
  });
  // A child that does not read its input closes the pipe early: its exit code tells more than EPIPE.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve(exitCode ?? (signal === null ? 1 : 128)));
  });
  const result = { code, stdout, stderr };
  if (code !== 0 && options.mayFail !== true) throw new CommandFailed(argv, result);
  return result;
}
