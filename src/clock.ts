/** The only questions the data plane asks of time; tests and the simulator pass their own. */
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

/** Calls back once after `ms`, unless what it returns is called before. */
export type After = (ms: number, callback: () => void) => () => void

/** Calls back when what is ready now has been dealt with. */
export type Soon = (callback: () => void) => void
export const systemSoon: Soon = (callback) => void setImmediate(callback)

export const systemAfter: After = (ms, callback) => {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}
