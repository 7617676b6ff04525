/** One line of the log for many events of a kind: at most one in `everyMs`, told how many it stands for. */
import type { Clock } from '../clock.ts'

export function throttled<Args extends unknown[]>(everyMs: number, clock: Pick<Clock, 'monotonicUs'>, say: (count: number, ...last: Args) => void): (...args: Args) => void {
  let count = 0
  let saidAtUs = -Infinity
  return (...args) => {
    count++
    const now = clock.monotonicUs()
    if (now - saidAtUs < everyMs * 1000) return
    saidAtUs = now
    say(count, ...args)
    count = 0
  }
}
