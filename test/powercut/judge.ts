// After a boot: is everything there that was acknowledged, and nothing but that and perhaps the operation that was under
// way (rule 6)? Pure.

import { isDeepStrictEqual } from 'node:util';
import type { StoreFinding } from '../../lib/types/store.ts';
import { type Content, ExpectedContent } from './content.ts';
import { operation } from './operations.ts';

export interface Found {
  readonly content: Content;
  readonly findings: readonly StoreFinding[];
}

export type Verdict = { readonly state: 'before' | 'after' } | { readonly wrong: string };

export class Judge {
  private readonly expected: ExpectedContent;
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    this.expected = new ExpectedContent(seed);
  }

  /** `acknowledged`: the last operation that must be there; it never goes back. */
  judge(acknowledged: number, { content, findings }: Found): Verdict {
    const damage = findings.filter((finding) => !isLeftover(finding));
    if (damage.length > 0)
      return { wrong: `a cut alone looks like damage:\n${JSON.stringify(damage, null, 2)}` };
    this.expected.advanceTo(acknowledged);
    const before = this.expected.content();
    if (isDeepStrictEqual(content, before)) return { state: 'before' };
    const next = new ExpectedContent(this.seed);
    next.advanceTo(acknowledged + 1);
    const after = next.content();
    if (isDeepStrictEqual(content, after)) return { state: 'after' };
    const { name } = operation(this.seed, acknowledged + 1);
    const story = [
      `operation ${acknowledged} was acknowledged and ${name} was next; neither is what is there:`,
    ];
    story.push(...before.filter((line) => !content.includes(line)).map((line) => `  is lost   ${line}`));
    story.push(...content.filter((line) => !before.includes(line)).map((line) => `  is there  ${line}`));
    return { wrong: story.join('\n') };
  }
}

/** What a cut may leave: unfinished names, and a record's or format's copy that is one older or not there yet. */
function isLeftover({ path, problem }: StoreFinding): boolean {
  return problem === 'was left by a crash' || path.endsWith('.copy.json');
}
