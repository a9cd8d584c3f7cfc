// A failure as a person reads it.

import type { Failure } from './worker-task.ts';

export function storyOf({ seed, setup, failure, faults, story }: Failure): string {
  return [
    `== seed ${seed}, setup '${setup}': ${failure}`,
    'the least that leads to it:',
    ...faults.map((fault) => `  ${fault}`),
    story,
    `again: npm run simulate -- --schedules 1 --seed ${seed}`,
    '',
  ].join('\n');
}
