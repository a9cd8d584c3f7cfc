// A note says why a decision waits: a refusal to give up what serves, a question that nobody answers. One that stands
// for a while is told like a change, once; one that is gone by the next passes was no news.

import type { WorkloadMemory } from '../types/memory.ts';
import { without } from './moves.ts';

const TOLD_AFTER_MS = 5_000;

/** `told`: the note has stood for long enough, for the first time. `sinceLastPassMs` is this pass's time. */
export function followNote(
  before: WorkloadMemory | undefined,
  after: WorkloadMemory,
  sinceLastPassMs: number,
): { readonly memory: WorkloadMemory; readonly told: boolean } {
  const memory = without(after, 'noteMs');
  if (after.note === undefined) return { memory, told: false };
  const stoodMs = before?.note === after.note ? (before.noteMs ?? 0) : 0;
  const noteMs = before?.note === after.note ? stoodMs + sinceLastPassMs : 0;
  return { memory: { ...memory, noteMs }, told: stoodMs < TOLD_AFTER_MS && noteMs >= TOLD_AFTER_MS };
}
