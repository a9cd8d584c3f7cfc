// Polls a condition until it holds. There are no sleeps in this library: everything that takes time
// goes through here, and what never comes true is named, with the evidence beside it.
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  /** Asked once, when the deadline passes: log tails, states, whatever tells why. */
  readonly evidence?: () => string | Promise<string>;
}

/**
 * Returns the first value of `condition` that is neither undefined nor false. A condition that throws
 * does not hold yet; its last message becomes part of the error.
 */
export async function waitUntil<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions,
): Promise<T> {
  const startedAt = performance.now();
  let lastError = '';
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
      lastError = '';
    } catch (error) {
      lastError = error instanceof Error ? error.message : String(error);
    }
    if (performance.now() - startedAt >= options.timeoutMs) break;
    await delay(options.intervalMs ?? 100);
  }
  const evidence = options.evidence === undefined ? '' : await options.evidence();
  const seconds = (options.timeoutMs / 1000).toFixed(0);
  throw new Error(
    [`waited ${seconds} s in vain until ${what}`, lastError, evidence]
      .filter((part) => part !== '')
      .join('\n'),
  );
}
