/** The only two questions the code asks of time; tests and the simulator pass their own. */
export interface Clock {
  /** Wall clock, epoch milliseconds: for periods, expiry and records. */
  epochMs(): number
  /** Monotonic, microseconds: for durations and deadlines. */
  monotonicUs(): number
}

export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicUs: () => performance.now() * 1000,
}
