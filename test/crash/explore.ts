// One exploration in a process of its own (node:test slows every promise down several times): `explore.ts <name>
// [seed] [fsync site to leave out]`. Prints one JSON line: states, cuts, milliseconds, fsync sites, failure.

import { type CrashOptions, playWithCuts, type Tally } from './crash-run.ts';
import { damageAndCut } from './damage-and-cut.ts';
import { fsyncSite } from './fsync-site.ts';
import { diskOf } from './image.ts';
import { failAndTryAgain, killAndGoOn, type MakeDisk } from './interruption.ts';
import { CrashError } from './judge.ts';
import { migrateAndCut } from './migration.ts';
import type { ModelDisk } from './model-disk.ts';
import { seeded } from './power-cut.ts';
import { rot, swap } from './rot.ts';
import { LIFE, randomStory } from './story.ts';

export interface Exploration {
  readonly states: number;
  readonly cuts: number;
  readonly ms: number;
  /** Places in the store's source that call fsync, seen on the way. */
  readonly sites: readonly string[];
  readonly failure?: string;
}

const STORY_LENGTH = 12;

type Explore = (makeDisk: MakeDisk, options: CrashOptions, tally: Tally) => Promise<void>;

const EXPLORATIONS: Readonly<Record<string, Explore>> = {
  life: (makeDisk, options, tally) => playWithCuts(LIFE, options, tally, makeDisk(EMPTY)),
  random: (makeDisk, options, tally) =>
    playWithCuts(randomStory(options.random, STORY_LENGTH), options, tally, makeDisk(EMPTY)),
  kill: killAndGoOn,
  fail: failAndTryAgain,
  damage: damageAndCut,
  migration: migrateAndCut,
  rot: (_makeDisk, options, tally) => rot(options.random, tally),
  swap: (_makeDisk, _options, tally) => swap(tally),
};

const EMPTY = { type: 'directory', attributes: { mode: 0o755, uid: 0, gid: 0 }, entries: new Map() } as const;

const THOROUGH = { exhaustiveMax: 512, samples: 32, secondCutEveryNth: 61 };
/** For a missing fsync the corners are enough, since one of them lacks exactly what it should have brought to the disk. */
const CORNERS = { exhaustiveMax: 1, samples: 0, secondCutEveryNth: Number.POSITIVE_INFINITY };

async function main([name = '', seed = '1', leftOut]: readonly string[]): Promise<Exploration> {
  const explore = EXPLORATIONS[name];
  if (explore === undefined)
    throw new Error(`there are ${Object.keys(EXPLORATIONS).join(', ')}, and no ${name}`);
  const sites = new Set<string>();
  const makeDisk: MakeDisk = (image) => {
    const disk: ModelDisk = diskOf(image);
    disk.ignoresFsync = () => {
      const site = fsyncSite();
      sites.add(site);
      return site === leftOut;
    };
    return disk;
  };
  const tally: Tally = { states: 0, cuts: 0 };
  const started = performance.now();
  const options = { ...(leftOut === undefined ? THOROUGH : CORNERS), random: seeded(Number(seed)) };
  const failure = await explore(makeDisk, options, tally).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof CrashError) return error.message;
      // Without a sync the store may also run into an error of its own; with all of them that is a bug of the test.
      if (leftOut !== undefined) return String(error);
      throw error;
    },
  );
  const ms = Math.round(performance.now() - started);
  return { ...tally, ms, sites: [...sites].sort(), ...(failure === undefined ? {} : { failure }) };
}

console.log(JSON.stringify(await main(process.argv.slice(2))));
