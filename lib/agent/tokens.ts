// Service account tokens of parents: requested once, kept until four fifths of their life are over, as the kubelet
// does, and written into every stored revision that holds them. A token never makes a new revision.

import type { IssuedToken, MaterialFile, TokenRef, TokenRequest } from '../types/checkpoint.ts';
import { tokenKey } from '../types/checkpoint.ts';
import type { Parent } from '../types/observation.ts';
import { type Observed, unknown } from '../types/observed.ts';
import type { StoredWorkload, StoreWriter } from '../types/store.ts';
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
  /** Volumes that hold the token of another account than the parent's: not read again for it. */
  readonly #declined = new Set<string>();

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
      // Not at once where this clock runs ahead of the API's by more than the token's life: each token would be asked
      // for anew at each pass.
      entry.askAgainAtMs = now + Math.max((answer.value.expiresAtMs - now) * 0.8, RETRY_MS);
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

  /**
   * Brings the tokens of every stored revision of a workload, also of an active one, to those its parent has now. Not
   * only when they end: a token dies with the pod it is bound to, and an update or a new boot may bring another parent.
   */
  async refreshStored(stored: StoredWorkload, parent: Parent, store: StoreWriter): Promise<void> {
    for (const { revision, tokens } of stored.revisions) {
      const renewable = tokens.filter((token) => this.#other(token, parent) !== undefined);
      for (const name of new Set(renewable.map(({ volume }) => volume))) {
        const asked = `${revision}/${name} ${subjectOf(parent)}`;
        if (this.#declined.has(asked)) continue;
        const volume = await store.readVolume(stored.key, revision, name);
        // An older revision may be of another account: it keeps its own token, even if that has ended.
        if (volume.files.some((file) => isOfAnother(file, subjectOf(parent)))) {
          this.#declined.add(asked);
          continue;
        }
        const files = volume.files.map((file) => this.#renewed(file, parent));
        if (files.some((file, i) => file !== volume.files[i])) {
          await store.refreshVolume(stored.key, revision, { ...volume, files });
        }
      }
    }
  }

  /** What the parent has now, when that is not what is held. Its end tells one token from another. */
  #other(held: TokenRequest & { readonly expiresAtMs: number }, parent: Parent): IssuedToken | undefined {
    const { audience, expirationSeconds, expiresAtMs } = held;
    const answer = this.get(parent, {
      namespace: parent.namespace,
      serviceAccount: serviceAccountOf(parent),
      expirationSeconds,
      ...(audience === undefined ? {} : { audience }),
    });
    return answer.known && answer.value.expiresAtMs !== expiresAtMs ? answer.value : undefined;
  }

  #renewed(file: MaterialFile, parent: Parent): MaterialFile {
    const { token } = file;
    const present = token === undefined ? undefined : this.#other(token, parent);
    if (token === undefined || present === undefined) return file;
    return {
      ...file,
      content: Buffer.from(present.token),
      token: { ...token, expiresAtMs: present.expiresAtMs },
    };
  }
}

function serviceAccountOf({ pod }: Parent): string {
  return pod.spec?.serviceAccountName || pod.spec?.serviceAccount || 'default';
}

/** The name under which the API knows a parent's account. */
function subjectOf(parent: Parent): string {
  return `system:serviceaccount:${parent.namespace}:${serviceAccountOf(parent)}`;
}

/** A token says itself whom it stands for (a JWT). One that does not say is taken for the parent's. */
function isOfAnother({ token, content }: MaterialFile, subject: string): boolean {
  if (token === undefined) return false;
  const [, claims = ''] = Buffer.from(content).toString('utf8').split('.');
  try {
    const { sub } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as { sub?: string };
    return sub !== undefined && sub !== subject;
  } catch {
    return false;
  }
}
