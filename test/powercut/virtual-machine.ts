// One boot of the virtual machine, from power on to the SIGKILL of qemu that is its power cut. qemu dies with this
// process, however that ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { plainEnvironment } from '../cluster/command.ts';
import { QEMU } from './debian-parts.ts';
import type { GuestImages } from './guest-images.ts';
import type { GuestMessage } from './protocol.ts';

const MEMORY_MIB = 384;
const CONSOLE_LINES_SHOWN = 20;

export interface MachineOptions {
  readonly images: GuestImages;
  /** A qcow2 layer: see state-disk.ts. */
  readonly disk: string;
  readonly consoleLog: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly onMessage: (message: GuestMessage) => void;
}

export class VirtualMachine {
  /** When qemu has ended and all that it had sent was handed on. */
  readonly ended: Promise<void>;
  private readonly child: ChildProcess;
  private readonly options: MachineOptions;

  constructor(options: MachineOptions) {
    this.options = options;
    this.child = spawn('setpriv', ['--pdeathsig', 'KILL', QEMU, ...qemuArguments(options)], {
      env: plainEnvironment,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.child.stdin?.on('error', () => undefined);
    this.ended = this.read();
  }

  /** The power goes, in the middle of whatever is under way. */
  cut(): void {
    this.child.kill('SIGKILL');
  }

  /** What the kernel and the init said last, for when something is wrong. */
  async consoleTail(): Promise<string> {
    const text = await readFile(this.options.consoleLog, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-CONSOLE_LINES_SHOWN).join('\n');
  }

  private async read(): Promise<void> {
    const { stdout } = this.child;
    if (stdout === null) throw new Error('qemu has no output');
    const closed = new Promise<void>((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', () => resolve());
    });
    let torn = '';
    for await (const line of createInterface({ input: stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (torn !== '') throw new Error(`the guest sent no message: ${torn}`);
      const message = parse(line);
      // Only the last line may be: the power went in the middle of it.
      if (message === undefined) torn = line;
      else this.take(message);
    }
    await closed;
  }

  private take(message: GuestMessage): void {
    this.options.onMessage(message);
    if (message.say === 'done') this.child.stdin?.write('.');
  }
}

function parse(line: string): GuestMessage | undefined {
  try {
    return JSON.parse(line) as GuestMessage;
  } catch {
    return undefined;
  }
}

function qemuArguments({ images, disk, consoleLog, parameters }: MachineOptions): string[] {
  const settings = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  const kernel = [
    'console=ttyS0',
    'quiet',
    'panic=-1',
    'mitigations=off',
    'random.trust_cpu=on',
    ...settings,
  ];
  return [
    ...['-machine', 'pc,accel=tcg', '-cpu', 'max', '-m', String(MEMORY_MIB)],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...['-kernel', images.kernel, '-initrd', images.initramfs, '-append', kernel.join(' ')],
    ...['-serial', `file:${consoleLog}`, '-serial', 'stdio'],
    ...['-drive', `id=tools,if=none,format=raw,readonly=on,file=${images.tools}`],
    ...['-device', 'virtio-blk-pci,drive=tools'],
    ...['-drive', `id=state,if=none,format=qcow2,cache=unsafe,file=${disk}`],
    ...['-device', 'virtio-blk-pci,drive=state'],
  ];
}
