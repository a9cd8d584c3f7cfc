// What happened in a scene, in the words that the tests compare and that a person reads when one fails.

import assert from 'node:assert/strict';
import type { Action } from '../../../lib/types/action.ts';
import type { WorkloadKey } from '../../../lib/types/workload.ts';
import type { Scene } from './scene.ts';

/** Moves of the workload so far: `activate rev-good, withdraw, restart-parent`. */
export function moves(scene: Scene, key: WorkloadKey): string {
  return scene.passes
    .flatMap((pass) => pass.actions)
    .filter((action) => 'workload' in action && action.workload === key)
    .flatMap((action) => move(action))
    .join(', ');
}

function move(action: Action): string[] {
  switch (action.type) {
    case 'activate':
      return [`activate ${action.revision}`];
    case 'withdraw':
    case 'remove-workload':
    case 'restart-parent':
    case 'hurry-parent':
    case 'restart-server':
      return [action.type];
    default:
      return [];
  }
}

/** The phases it went through, the first one included. */
export function phases(scene: Scene, key: WorkloadKey): string {
  const names = scene.passes.flatMap(({ changes }) => changes.filter((c) => c.workload === key));
  return [names[0]?.from ?? scene.phase(key), ...names.filter((c) => c.from !== c.to).map((c) => c.to)].join(
    ' → ',
  );
}

export function story(scene: Scene): string {
  const lines = scene.passes.flatMap(({ atMs, changes, actions, observation }) => [
    ...changes.map(
      (c) => `${atMs} [${observation.api.name}] ${c.workload}: ${c.from} → ${c.to}: ${c.reason}`,
    ),
    ...actions
      .filter((a) => !a.type.startsWith('save'))
      .map((a) => `${atMs}     ${a.type} ${'workload' in a ? a.workload : ''}`),
  ]);
  return `\n${lines.join('\n')}`;
}

export function expectMoves(scene: Scene, key: WorkloadKey, expected: string): void {
  assert.equal(moves(scene, key), expected, story(scene));
}

export function expectPhase(scene: Scene, key: WorkloadKey, expected: string): void {
  assert.equal(scene.phase(key), expected, story(scene));
}

/** The reason that was told last. */
export function lastReason(scene: Scene): string {
  return scene.passes.flatMap((pass) => pass.changes).at(-1)?.reason ?? '';
}
