// The store in a virtual machine that loses its power: everything that was acknowledged is there after the next boot,
// intact, and the store opens to before or after (rule 6). SEED=n cuts at other times. `npm run powercut` does
// the same for as long as one likes.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Campaign, type CampaignOptions } from './campaign.ts';
import { debianParts } from './debian-parts.ts';
import { type GuestImages, makeGuestImages } from './guest-images.ts';
import { workDirectory } from './work-directory.ts';

const SEED = Number(process.env.SEED ?? 1);
const CUTS = { ext4: 15, xfs: 10 } as const;

/** What even a machine that is busy with other things reaches: fewer means that the store was hardly at work. */
const OPERATIONS_MIN = 50;

const say = (line: string): void => console.log(`    ${line}`);

describe('a power cut', { timeout: 60 * 60_000 }, () => {
  const directory = workDirectory();
  let images: GuestImages;

  before(async () => {
    images = await makeGuestImages(await debianParts(say), directory);
  });

  function campaign(name: string, options: Omit<CampaignOptions, 'images' | 'directory'>): Promise<Campaign> {
    const own = join(directory, name);
    mkdirSync(own);
    return Campaign.begin({ images, directory: own, ...options });
  }

  it(`loses nothing that was acknowledged: ${CUTS.ext4} on ext4, ${CUTS.xfs} on xfs`, async () => {
    say(`seed ${SEED}`);
    const operations = await Promise.all(
      (['ext4', 'xfs'] as const).map(async (fileSystem, index) => {
        const begun = await campaign(fileSystem, { fileSystem, seed: SEED + index });
        await begun.run(CUTS[fileSystem], say);
        return begun.operations;
      }),
    );
    const total = operations.reduce((sum, each) => sum + each, 0);
    say(`${total} acknowledged operations survived ${CUTS.ext4 + CUTS.xfs} power cuts`);
    assert.ok(total >= OPERATIONS_MIN, `only ${total} operations were acknowledged`);
  });

  // The machine bites: were these not noticed, the cuts above would show nothing.
  for (const [mutation, why] of [
    ['no-fsync', 'the store does not sync'],
    ['no-flush', "the file system does not flush the drive's cache"],
  ] as const) {
    it(`is noticed when ${why}`, async () => {
      const begun = await campaign(mutation, { fileSystem: 'ext4', seed: SEED, mutation });
      await begun.boot({ after: 'done', waitMs: 0 });
      await assert.rejects(begun.boot({ after: 'opened', waitMs: 0 }), (error: Error) => {
        say(error.message.split('\n').slice(0, 3).join(' '));
        return error.name === 'PowerCutError';
      });
    });
  }
});
