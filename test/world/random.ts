// Model: the only source of chance in the world. One seed, one history: nothing in test/world may call Math.random.

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** `count` characters of the alphabet that Kubernetes uses for generated names. */
  suffix(count: number): string;
  uuid(): string;
  /** Goes on as if it had been made from this seed: the same beginning, another history. */
  reseed(seed: number): void;
}

// k8s.io/apimachinery/pkg/util/rand: no vowels, so that no words come out.
const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** mulberry32: 32 bits of state, enough for stories. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = (alphabet: string, count: number): string => {
    let text = '';
    for (let i = 0; i < count; i += 1) text += alphabet[Math.floor(next() * alphabet.length)];
    return text;
  };
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    suffix: (count) => pick(NAME_ALPHABET, count),
    reseed(other) {
      state = other >>> 0;
    },
    uuid() {
      const hex = pick('0123456789abcdef', 32);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
    },
  };
}
