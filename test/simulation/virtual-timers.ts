// setTimeout and performance.now of this process become the world's: the agent's loop sleeps in virtual time. Only the
// loop uses them in what the simulation runs, so every timer is a sleep of the agent that runs at that moment.

export interface Sleeper {
  nowMs(): number;
  sleep(wake: () => void, ms: number): Life;
}

interface Life {
  alive: boolean;
}

let current: Sleeper | undefined;

/** From now on timers are this one's. */
export function sleepIn(sleeper: Sleeper): void {
  current = sleeper;
}

/** For a process that does nothing but simulate. */
export function installVirtualTimers(): void {
  const set = (wake: () => void, ms: number): Life => {
    if (current === undefined) throw new Error('a timer outside of the simulation');
    return current.sleep(wake, ms);
  };
  const clear = (timer: Life | undefined): void => {
    if (timer !== undefined) timer.alive = false;
  };
  Object.assign(globalThis, { setTimeout: set, clearTimeout: clear });
  performance.now = () => current?.nowMs() ?? 0;
}
