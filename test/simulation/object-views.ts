// The secrets and config maps that parents name, as one process of the agent has them from its watches: each is unknown
// until its own list has come.

import type { V1ConfigMap, V1Secret } from '@kubernetes/client-node';
import type { Found, ObjectRef } from '../../lib/types/checkpoint.ts';
import { known, type Observed, unknown } from '../../lib/types/observed.ts';
import type { World } from '../world/world.ts';

/** Objects are listed one by one, all of them at once: the answers come together, but for those that come late. */
const LISTED_SOON_MS = 10;
const LISTED_LATE_MS = 150;
/** A list that failed is made again. */
const RETRY_MS = 500;

interface Entry {
  readonly ref: ObjectRef;
  answer: Observed<Found<V1Secret | V1ConfigMap>>;
}

interface Around {
  readonly world: World;
  /** Whether the API answers now. */
  serves(): boolean;
  later(ms: number, run: () => void): void;
  changed(): void;
}

export class ObjectViews {
  private readonly entries = new Map<string, Entry>();
  private readonly around: Around;

  constructor(around: Around) {
    this.around = around;
  }

  read(ref: ObjectRef): Entry['answer'] {
    const key = keyOf(ref);
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = { ref, answer: unknown('not listed yet') };
      this.entries.set(key, entry);
      this.fetch(entry, this.around.world.random.next() < 0.5 ? LISTED_SOON_MS : LISTED_LATE_MS);
    }
    return entry.answer;
  }

  retain(refs: readonly ObjectRef[]): void {
    const wanted = new Set(refs.map(keyOf));
    for (const key of this.entries.keys()) if (!wanted.has(key)) this.entries.delete(key);
  }

  forget(): void {
    for (const entry of this.entries.values()) entry.answer = unknown('listing anew');
  }

  /** Whether one of them is another now. */
  list(): boolean {
    let changed = false;
    for (const entry of this.entries.values()) {
      const answer = this.now(entry.ref);
      if (sameObject(answer, entry.answer)) continue;
      entry.answer = answer;
      changed = true;
    }
    return changed;
  }

  private fetch(entry: Entry, afterMs: number): void {
    this.around.later(afterMs, () => {
      if (entry.answer.known || this.entries.get(keyOf(entry.ref)) !== entry) return;
      if (this.around.serves()) {
        entry.answer = this.now(entry.ref);
        this.around.changed();
      } else {
        this.fetch(entry, RETRY_MS);
      }
    });
  }

  private now({ kind, namespace, name }: ObjectRef): Entry['answer'] {
    const { store } = this.around.world;
    const object = store.get(kind === 'Secret' ? 'secrets' : 'configmaps', namespace, name);
    return known(object === undefined ? { found: false } : { found: true, object });
  }
}

function sameObject(a: Observed<Found<unknown>>, b: Observed<Found<unknown>>): boolean {
  if (!a.known || !b.known) return false;
  return (
    a.value.found === b.value.found &&
    (!a.value.found || (b.value.found && a.value.object === b.value.object))
  );
}

function keyOf({ kind, namespace, name }: ObjectRef): string {
  return `${kind}/${namespace}/${name}`;
}
