// Runs inside the virtual machine, bundled: opens the real store on the real disk, says what it found there, and goes on
// with the operations until the power goes.

import { openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Disk } from '../../lib/store/disk.ts';
import { openStore } from '../../lib/store/open-store.ts';
import { realDisk } from '../../lib/store/real-disk.ts';
import { contentOnDisk } from './content.ts';
import { carryOut, operation } from './operations.ts';
import { type GuestMessage, PARAMETERS, STATE_MOUNT } from './protocol.ts';

const line = openSync('/dev/ttyS1', 'r+');

function say(message: GuestMessage): void {
  writeSync(line, `${JSON.stringify(message)}\n`);
}

/** One byte from the host for each `done`. */
function confirmed(): void {
  while (readSync(line, Buffer.alloc(1)) === 0);
}

/** The bug that the power cut must find. */
const withoutFsync: Disk = {
  ...realDisk,
  fsyncDirectory: async () => undefined,
  create: async (path) => ({ ...(await realDisk.create(path)), fsync: async () => undefined }),
};

async function main(): Promise<void> {
  const env = process.env;
  const seed = Number(env[PARAMETERS.seed]);
  const first = Number(env[PARAMETERS.firstOperation]);
  say({ say: 'opening' });
  const startedMs = performance.now();
  const fs = env[PARAMETERS.mutation] === 'no-fsync' ? withoutFsync : realDisk;
  const store = await openStore(join(STATE_MOUNT, 'checkpoint-agent'), { fs });
  const openMs = Math.round(performance.now() - startedMs);
  say({ say: 'opened', content: contentOnDisk(store), findings: store.findings(), openMs });
  for (let number = first; ; number += 1) {
    await carryOut(store, operation(seed, number));
    say({ say: 'done', operation: number });
    confirmed();
  }
}

main().catch((error: unknown) => say({ say: 'failed', error: String((error as Error).stack) }));
