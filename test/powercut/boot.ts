// One boot, from power on to the cut that ends it. A guest that falls silent, ends by itself or says something wrong
// ends it too, and then the console's last lines are told.

import type { GuestMessage } from './protocol.ts';
import { type MachineOptions, VirtualMachine } from './virtual-machine.ts';

/** When the power goes: so long after the guest has first said this. */
export interface Cut {
  readonly after: 'opening' | 'opened' | 'done';
  readonly waitMs: number;
}

/** Something acknowledged is lost, or something else is there. */
export class PowerCutError extends Error {
  override readonly name = 'PowerCutError';
}

/** An emulated boot takes 5 s on a quiet machine; one that was busy beyond measure has taken 100 s. */
const SILENCE_MS_MAX = 300_000;

export interface BootOptions extends Omit<MachineOptions, 'onMessage'> {
  readonly cut: Cut;
  /** Returns what is wrong with a message. */
  readonly judge: (message: GuestMessage) => string | undefined;
}

/** Resolves when the power has gone, with the milliseconds from power on to then. Errors: PowerCutError. */
export async function bootAndCut({ cut, judge, ...machineOptions }: BootOptions): Promise<number> {
  const startedMs = performance.now();
  let cutAtMs: number | undefined;
  let wrong: string | undefined;
  let pending: NodeJS.Timeout | undefined;
  const machine = new VirtualMachine({ ...machineOptions, onMessage });
  const silence = setTimeout(() => end('the guest has said nothing for five minutes'), SILENCE_MS_MAX);

  function end(problem?: string): void {
    wrong ??= problem;
    cutAtMs ??= performance.now();
    machine.cut();
  }
  function onMessage(message: GuestMessage): void {
    silence.refresh();
    const problem = judge(message);
    if (problem !== undefined) end(problem);
    else if (message.say === cut.after) pending ??= setTimeout(end, cut.waitMs);
  }

  await machine.ended;
  clearTimeout(silence);
  clearTimeout(pending);
  if (cutAtMs === undefined) wrong ??= 'the guest ended by itself';
  if (wrong !== undefined) throw new PowerCutError(`${wrong}\n${await machine.consoleTail()}`);
  return (cutAtMs ?? startedMs) - startedMs;
}
