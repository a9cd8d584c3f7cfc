// Becoming the guard: the one instance on this node that decides and writes. A stand-by is started with the lock
// already held; the DaemonSet's pod, once it has seen that it works, asks the holder to yield.

import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { askAgent } from '../status/socket.ts';
import type { Leave } from './ending.ts';
import { type GuardLock, guardLockPath, inheritedLock, takeLock } from './guard-lock.ts';
import { type NodeOptions, UsageError } from './options.ts';

/**
 * An update of everything at once takes the guard as well. On a real node it had ended 40 ms after it wrote its own pod's
 * deletion down, and had heard neither of etcd's nor of the apiserver's; the stand-by found an apiserver that ran on with
 * its port closed, and waited 10 s for its end.
 */
const LISTEN_MS = 1_000;

/** Asked to by another instance: it hands over first what it has activated, but does not keep its place for ever. */
export const YIELD: Leave = { listenMs: LISTEN_MS, withinMs: 120_000 };

/** Told to by the kubelet, which kills it when the grace period of its pod is over: 10 s (lib/deploy/manifests.ts). */
export const END: Leave = { listenMs: LISTEN_MS, withinMs: 8_000 };

/** A stand-by whose container ends and starts again is behind us in the queue for the lock. */
const YIELD_WAIT_MS = YIELD.withinMs + 20_000;

/**
 * Takes the guard's lock, asking its holder to yield when `takeOver` is set.
 * Errors: UsageError when somebody else is the guard and was not to be, or did not let go.
 */
export async function becomeGuard(options: NodeOptions, takeOver: boolean, log: Logger): Promise<GuardLock> {
  const path = guardLockPath(options.stateDir);
  const held = inheritedLock(path) ?? (await takeLock(path, 0));
  if (held !== undefined) return held;
  if (!takeOver) {
    throw new UsageError(
      `${path}: another agent is the guard of this node; see it with 'agent status', or run with --take-over to replace it`,
    );
  }
  log.info('asking the present guard to yield');
  await askAgent(options.runDir, 'POST', '/yield');
  const yielded = await takeLock(path, YIELD_WAIT_MS);
  if (yielded !== undefined) return yielded;
  throw new UsageError(
    `${path}: its holder did not yield within ${YIELD_WAIT_MS / 1_000} s; this instance gives up and is started again`,
  );
}

/** One that asked for the place waits for the lock, or is about to. */
const TAKES_OVER_WITHIN_MS = 5_000;

/** By then a version that cannot do the work has shown it, and the kubelet has forgotten this container's back-off. */
const WATCHES_MS = 600_000;

/**
 * Waits for a while whether the instance that took over lives, and guards again when it does not: were both containers
 * to start anew, both could sit in the kubelet's back-offs while the power goes. Undefined when it lives, or on `signal`.
 */
export async function guardAgain(
  options: NodeOptions,
  log: Logger,
  signal: AbortSignal,
): Promise<GuardLock | undefined> {
  await delay(TAKES_OVER_WITHIN_MS, undefined, { signal }).catch(() => {});
  if (signal.aborted) return undefined;
  const lock = await takeLock(guardLockPath(options.stateDir), WATCHES_MS, signal);
  if (lock !== undefined) log.warn('the instance that took over is gone: this one guards again');
  return lock;
}
