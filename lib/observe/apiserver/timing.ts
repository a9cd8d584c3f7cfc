// Every time the API source goes by, in milliseconds, and why. Tests shorten them; the daemon uses these.

export interface ApiTiming {
  /** While the API is away or denied; at rest nothing is probed. */
  readonly probeIntervalMs: number;
  /** A refused identity is seldom cured within seconds, but an apiserver that starts says 403 until its caches are filled. */
  readonly deniedFastMs: number;
  readonly deniedIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly backOffMsMin: number;
  readonly backOffMsMax: number;
  /** A stream that lived this long was a good one: the back-off starts afresh. */
  readonly goodStreamMs: number;
  /** Servers end a watch after this; jittered so that not all come back at once. */
  readonly watchSecondsMin: number;
  readonly watchSecondsMax: number;
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** Bookmarks come about every minute: a stream silent for longer is dead. */
  readonly bodyTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

export const API_TIMING: ApiTiming = {
  probeIntervalMs: 250,
  deniedFastMs: 60_000,
  deniedIntervalMs: 2_000,
  probeTimeoutMs: 3_000,
  backOffMsMin: 500,
  backOffMsMax: 30_000,
  goodStreamMs: 10_000,
  watchSecondsMin: 240,
  watchSecondsMax: 300,
  connectTimeoutMs: 5_000,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 150_000,
  requestTimeoutMs: 15_000,
};
