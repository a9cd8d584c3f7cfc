// What one compilation has to tell: notes (changed, and why) and refusals (cannot be carried, and what to do).
// Texts name fields, objects and keys, never a value that came out of a Secret.

import type { CompileNote, Refusal } from '../types/checkpoint.ts';

/** Names in a pod may be of any length; what people and events are told is not. */
const TEXT_LENGTH_MAX = 600;

function short(text: string): string {
  return text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text;
}

export class Findings {
  readonly notes: CompileNote[] = [];
  readonly refusals: Refusal[] = [];

  readonly #noted = new Set<string>();

  /** Said once, however often it is found. */
  note(longField: string, treatment: CompileNote['treatment'], longWhy: string): void {
    this.#add(longField, treatment, longWhy, false);
  }

  /** A note of which people are told without asking. */
  risk(longField: string, treatment: CompileNote['treatment'], longWhy: string): void {
    this.#add(longField, treatment, longWhy, true);
  }

  #add(longField: string, treatment: CompileNote['treatment'], longWhy: string, risk: boolean): void {
    const [field, why] = [short(longField), short(longWhy)];
    const key = `${field}\n${why}`;
    if (!this.#noted.has(key)) {
      this.#noted.add(key);
      this.notes.push({ field, treatment, why, ...(risk ? { risk } : {}) });
    }
  }

  refuse(field: string, why: string): void {
    this.refusals.push({ field: short(field), why: short(why) });
  }

  add(other: Findings): void {
    for (const { field, treatment, why, risk } of other.notes) {
      this.#add(field, treatment, why, risk === true);
    }
    for (const { field, why } of other.refusals) {
      this.refuse(field, why);
    }
  }
}
