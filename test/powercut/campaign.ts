// A campaign of power cuts on one disk: boot, let the guest open the store and say what it found, compare that with what
// was acknowledged, let it go on, cut the power at a random time, and again. The first thing that is wrong ends it.

import { join } from 'node:path';
import { type Random, seededRandom } from '../world/random.ts';
import { bootAndCut, type Cut } from './boot.ts';
import type { FileSystem, GuestImages } from './guest-images.ts';
import { Judge } from './judge.ts';
import { type GuestMessage, type Mutation, PARAMETERS } from './protocol.ts';
import { StateDisk } from './state-disk.ts';

export interface CampaignOptions {
  readonly images: GuestImages;
  /** Exists, is empty, and is for this campaign alone. */
  readonly directory: string;
  readonly fileSystem: FileSystem;
  readonly seed: number;
  readonly mutation?: Mutation;
}

/** How long the store works before the cut, at most. */
const RUNNING_MS_MAX = 4_000;

/** So often the cut comes while the store is being opened, and so long after that has begun, at most. */
const CUTS_IN_OPENING = 0.2;
const OPENING_MS_MAX = 800;

const MOUNT_OPTIONS: Readonly<Record<Mutation, string>> = {
  none: 'defaults',
  // Or ext4 would write everything down by itself every 5 s.
  'no-fsync': 'commit=600',
  // ext4 then never tells the drive to write its cache down.
  'no-flush': 'barrier=0',
};

export class Campaign {
  private readonly options: CampaignOptions;
  private readonly disk: StateDisk;
  private readonly random: Random;
  private readonly judge: Judge;
  private acknowledged = 0;

  private constructor(options: CampaignOptions, disk: StateDisk) {
    this.options = options;
    this.disk = disk;
    this.random = seededRandom(options.seed);
    this.judge = new Judge(options.seed);
  }

  static async begin(options: CampaignOptions): Promise<Campaign> {
    return new Campaign(options, await StateDisk.create(options.directory, options.fileSystem));
  }

  /** Operations that were acknowledged, or found done after a cut. */
  get operations(): number {
    return this.acknowledged;
  }

  /** So many cuts at random times, and a last look. Errors: PowerCutError with the story of what is wrong. */
  async run(cuts: number, log: (line: string) => void): Promise<void> {
    for (let number = 1; number <= cuts; number += 1) {
      log(`${this.options.fileSystem} cut ${number}/${cuts}: ${await this.boot(this.randomCut(number))}`);
    }
    log(`${this.options.fileSystem} at the end: ${await this.boot({ after: 'opened', waitMs: 0 })}`);
  }

  /** One boot from power on to the cut. Returns what happened, in words. Errors: PowerCutError. */
  async boot(cut: Cut): Promise<string> {
    const { images, directory } = this.options;
    const before = this.acknowledged;
    let found = 'not opened yet';
    await this.disk.begin();
    const cutMs = await bootAndCut({
      images,
      disk: this.disk.layer,
      consoleLog: join(directory, 'console.log'),
      parameters: this.parameters(),
      cut,
      judge: (message) => {
        if (message.say === 'opened') found = `opened in ${message.openMs} ms`;
        return this.take(message);
      },
    });
    await this.disk.settle();
    const seconds = (cutMs / 1000).toFixed(1);
    return `${found}, ${this.acknowledged - before} operations up to ${this.acknowledged}; cut ${seconds} s after power on, ${cut.waitMs} ms after ${cut.after}`;
  }

  private randomCut(number: number): Cut {
    const opening = this.random.next() < CUTS_IN_OPENING && number > 1;
    const waitMs = Math.round(this.random.next() * (opening ? OPENING_MS_MAX : RUNNING_MS_MAX));
    return { after: opening ? 'opening' : 'opened', waitMs };
  }

  private take(message: GuestMessage): string | undefined {
    switch (message.say) {
      case 'opening':
        return undefined;
      case 'failed':
        return `the store failed: ${message.error}`;
      case 'done':
        // The first one may be the one that was found done.
        this.acknowledged = Math.max(this.acknowledged, message.operation);
        return undefined;
      case 'opened': {
        const verdict = this.judge.judge(this.acknowledged, message);
        if ('wrong' in verdict) return verdict.wrong;
        // What was read from the disk after a boot may not go back.
        if (verdict.state === 'after') this.acknowledged += 1;
        return undefined;
      }
    }
  }

  private parameters(): Record<string, string> {
    const { seed, fileSystem, mutation = 'none' } = this.options;
    return {
      [PARAMETERS.seed]: String(seed),
      [PARAMETERS.firstOperation]: String(this.acknowledged + 1),
      [PARAMETERS.mutation]: mutation,
      [PARAMETERS.fileSystem]: fileSystem,
      [PARAMETERS.mountOptions]: MOUNT_OPTIONS[mutation],
    };
  }
}
