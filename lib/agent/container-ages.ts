// How old a container is, although the runtime tells only when it was made by the wall clock, which may have jumped
// since. What always holds: a container is no younger than the time this process has watched it, and not much older than
// the time since the last look that did not show it; both are counted by a clock that no one sets.

import type { RuntimeContainer, RuntimeView } from '../types/observation.ts';

/** One look at the runtime: when it was asked and when it had answered, by the monotonic clock, and the wall clock then. */
export interface Look {
  readonly askedAtMs: number;
  readonly nowMs: number;
  readonly wallClockMs: number;
}

interface Bounds {
  readonly seenFirstMs: number;
  /** When the look before that was begun; undefined: it was there at this process's first look. */
  readonly notSeenAtMs: number | undefined;
}

export class ContainerAges {
  #bounds = new Map<string, Bounds>();
  #lastAskedAtMs: number | undefined;

  /** The view with times of creation that lead to the right ages by the wall clock as it stands now. */
  correct(view: RuntimeView, look: Look): RuntimeView {
    const bounds = new Map<string, Bounds>();
    const corrected = (container: RuntimeContainer): RuntimeContainer => {
      const own = this.#bounds.get(container.id) ?? {
        seenFirstMs: look.nowMs,
        notSeenAtMs: this.#lastAskedAtMs,
      };
      bounds.set(container.id, own);
      const told = look.wallClockMs - container.createdAtMs;
      const age = within(own, told, look.nowMs);
      return age === told ? container : { ...container, createdAtMs: look.wallClockMs - age };
    };
    const pods = view.pods.map((pod) => {
      const containers = pod.containers.map(corrected);
      return containers.every((container, i) => container === pod.containers[i])
        ? pod
        : { ...pod, containers };
    });
    this.#bounds = bounds;
    this.#lastAskedAtMs = look.askedAtMs;
    return { ...view, pods };
  }
}

/** A container shows up in the runtime's list some time after it was stamped, on a busy node by most of a second. */
const STAMPED_BEFORE_MS_MAX = 1_000;

function within({ seenFirstMs, notSeenAtMs }: Bounds, told: number, nowMs: number): number {
  // It was there before this process: an age that cannot be true is a clock that jumped back, and says nothing.
  if (notSeenAtMs === undefined && told < 0) return Number.POSITIVE_INFINITY;
  const atMost = notSeenAtMs === undefined ? Number.POSITIVE_INFINITY : nowMs - notSeenAtMs;
  return told > atMost + STAMPED_BEFORE_MS_MAX ? atMost : Math.max(told, nowMs - seenFirstMs);
}
