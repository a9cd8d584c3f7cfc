// Service account tokens of parents: requested once, kept until four fifths of their life are over, as the kubelet
// does, and written into every stored revision that holds them. A token never makes a new revision.

import type { IssuedToken, MaterialFile, TokenRef, TokenRequest } from '../types/checkpoint.ts';
import { tokenKey } from '../types/checkpoint.ts';
import type { Parent } from '../types/observation.ts';
import { type Observed, unknown } from '../types/observed.ts';
import type { StoredToken, StoredWorkload, StoreWriter } from '../types/store.ts';
import type { Api } from './sources.ts';

interface Entry {
  issued?: IssuedToken;
  /** Why there is none, or no newer one. */
  reason: string;
  askAgainAtMs: number;
  asking: boolean;
}

/** After a refusal the API is not asked again for the same token before this. */
const RETRY_MS = 10_000;

export class Tokens {
  readonly #api: Pick<Api, 'token'>;
  readonly #wallClockMs: () => number;
  readonly #onAnswer: () => void;
  readonly #entries = new Map<string, Entry>();

  /** `onAnswer`: a token came, or was refused; look now. */
  constructor(api: Pick<Api, 'token'>, wallClockMs: () => number, onAnswer: () => void) {
    this.#api = api;
    this.#wallClockMs = wallClockMs;
    this.#onAnswer = onAnswer;
  }

  /** The token bound to this parent that is held now; a new one is asked for beside the passes when it is time. */
  get(parent: Parent, ref: TokenRef): Observed<IssuedToken> {
    const key = `${parent.uid} ${tokenKey(ref)}`;
    const now = this.#wallClockMs();
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { reason: 'being requested', askAgainAtMs: now, asking: false };
      this.#entries.set(key, entry);
    }
    if (!entry.asking && now >= entry.askAgainAtMs) void this.#ask(entry, parent, ref);
    const { issued, reason } = entry;
    // A token that has not ended serves until the API grants a new one.
    return issued !== undefined && now < issued.expiresAtMs
      ? { known: true, value: issued }
      : unknown(reason);
  }

  async #ask(entry: Entry, parent: Parent, ref: TokenRef): Promise<void> {
    entry.asking = true;
    const answer = await this.#api.token(parent, ref);
    const now = this.#wallClockMs();
    entry.asking = false;
    if (answer.known) {
      entry.issued = answer.value;
      entry.askAgainAtMs = now + (answer.value.expiresAtMs - now) * 0.8;
    } else {
      entry.reason = answer.reason;
      entry.askAgainAtMs = now + RETRY_MS;
    }
    this.#onAnswer();
  }

  /** Drops what belongs to parents that are gone. */
  retain(uids: ReadonlySet<string>): void {
    for (const key of this.#entries.keys()) {
      if (!uids.has(key.slice(0, key.indexOf(' ')))) this.#entries.delete(key);
    }
  }

  /** Renews the tokens of every stored revision of a workload that are older than the ones its parent may have now. */
  async refreshStored(stored: StoredWorkload, parent: Parent, store: StoreWriter): Promise<void> {
    const serviceAccount = parent.pod.spec?.serviceAccountName ?? 'default';
    for (const { revision, tokens } of stored.revisions) {
      const stale = tokens.filter((t) => this.#dueMs(t) <= this.#wallClockMs());
      for (const volumeName of new Set(stale.map((t) => t.volume))) {
        const volume = await store.readVolume(stored.key, revision, volumeName);
        const files = volume.files.map((file) => this.#renewed(file, parent, serviceAccount));
        if (files.some((file, i) => file !== volume.files[i])) {
          await store.refreshVolume(stored.key, revision, { ...volume, files });
        }
      }
    }
  }

  #dueMs({ expiresAtMs, expirationSeconds }: StoredToken): number {
    return expiresAtMs - expirationSeconds * 1000 * 0.2;
  }

  #renewed(file: MaterialFile, parent: Parent, serviceAccount: string): MaterialFile {
    if (file.token === undefined) return file;
    const { audience, expirationSeconds }: TokenRequest = file.token;
    const ref: TokenRef = {
      namespace: parent.namespace,
      serviceAccount,
      expirationSeconds,
      ...(audience === undefined ? {} : { audience }),
    };
    const answer = this.get(parent, ref);
    if (!answer.known || answer.value.expiresAtMs <= file.token.expiresAtMs) return file;
    return {
      ...file,
      content: Buffer.from(answer.value.token),
      token: { ...file.token, expiresAtMs: answer.value.expiresAtMs },
    };
  }
}
