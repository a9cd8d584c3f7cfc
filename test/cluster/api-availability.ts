// Asks an apiserver's /readyz all the time and remembers when it did not answer 200. Samples follow each
// other; a hanging one counts as down after a second, so an interval's ends are exact to the sampling
// interval where connections are refused, and to a second where they hang.
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { Client } from 'undici';

export interface ApiEndpoint {
  readonly url: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Milliseconds of `Date.now()`. */
export interface DownInterval {
  readonly from: number;
  readonly to: number;
}

export interface Availability {
  readonly downIntervals: readonly DownInterval[];
  readonly downMs: number;
  readonly samples: number;
}

const sampleTimeoutMs = 1000;

export class ApiAvailability {
  private readonly probe: ReadinessProbe;
  private readonly intervals: DownInterval[] = [];
  private downSince: number | undefined;
  private samples = 0;
  private readonly stopping = new AbortController();
  private readonly loop: Promise<void>;

  constructor(endpoint: ApiEndpoint, intervalMs = 50) {
    this.probe = new ReadinessProbe(endpoint);
    this.loop = this.run(intervalMs);
  }

  /** So far; an interval that still lasts ends now. */
  report(): Availability {
    const open = this.downSince === undefined ? [] : [{ from: this.downSince, to: Date.now() }];
    const downIntervals = [...this.intervals, ...open];
    const downMs = downIntervals.reduce((sum, { from, to }) => sum + to - from, 0);
    return { downIntervals, downMs, samples: this.samples };
  }

  async stop(): Promise<Availability> {
    const report = this.report();
    this.stopping.abort();
    await this.loop;
    return report;
  }

  private async run(intervalMs: number): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const startedAt = Date.now();
      const ready = await this.probe.isReady();
      this.samples += 1;
      if (!ready) this.downSince ??= startedAt;
      if (ready && this.downSince !== undefined) {
        this.intervals.push({ from: this.downSince, to: startedAt });
        this.downSince = undefined;
      }
      // Unreferenced: a sampler nobody stopped does not keep the process alive.
      await delay(Math.max(0, startedAt + intervalMs - Date.now()), undefined, {
        ref: false,
        signal: this.stopping.signal,
      }).catch(() => {});
    }
    await this.probe.close();
  }
}

/** One connection to /readyz, thrown away when it fails: after a power loss it would stay silent. */
export class ReadinessProbe {
  private readonly url: string;
  /** Made once: to read keys for each refused connection took a fifth of a core from the node that is booting. */
  private readonly secureContext: SecureContext;
  private client: Client | undefined;

  constructor({ url, ca, certificate, key }: ApiEndpoint) {
    this.url = url;
    this.secureContext = createSecureContext({ ca, cert: certificate, key });
  }

  async isReady(): Promise<boolean> {
    this.client ??= new Client(this.url, {
      connect: { secureContext: this.secureContext, timeout: sampleTimeoutMs },
      headersTimeout: sampleTimeoutMs,
      bodyTimeout: sampleTimeoutMs,
    });
    try {
      const signal = AbortSignal.timeout(sampleTimeoutMs);
      const { statusCode, body } = await this.client.request({ path: '/readyz', method: 'GET', signal });
      await body.dump();
      // Two apiservers may share the port: the next question goes to whichever takes a new connection.
      if (statusCode !== 200) await this.close();
      return statusCode === 200;
    } catch {
      await this.close();
      return false;
    }
  }

  async close(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.destroy().catch(() => {});
  }
}
