/** What many histories did together: counts, what was exercised, and the seeds that failed. */
import type { Result } from './history.ts'

export class Sum {
  seeds = 0
  events = 0
  calls = 0
  attempts = 0
  billedNano = 0n
  kills = 0
  powerLosses = 0
  readonly failed: { seed: number; property: string; text: string }[] = []
  readonly met = new Map<string, number>()

  add({ seed, events, calls, attempts, billedNano, kills, powerLosses, violations, met }: Result): void {
    this.seeds++
    this.events += events
    this.calls += calls
    this.attempts += attempts
    this.billedNano += billedNano
    this.kills += kills
    this.powerLosses += powerLosses
    for (const [what, count] of met) this.met.set(what, (this.met.get(what) ?? 0) + count)
    const [first] = violations
    if (first) this.failed.push({ seed, property: first.property, text: first.text })
  }

  describe({ seed, violations, trail, events }: Result, verbose = false): string {
    return [`seed ${seed}: ${violations.length} violations in ${events} events`, ...verbose ? trail : trail.slice(-41), ...violations.map(({ property, text, event }) => `  event ${event}, ${property}: ${text}`)].join('\n')
  }

  text(): string {
    return `${this.seeds} seeds, ${this.calls} calls, ${this.attempts} attempts compared with a bill of $${(Number(this.billedNano) / 1e9).toFixed(2)}, ${this.kills} deaths (${this.powerLosses} with the power), ${this.events} events, ${this.failed.length} failed` +
      `${this.failed.map(({ seed, property, text }) => `\n  seed ${seed}: ${property} ${text.slice(0, 160)}`).join('')}\n${this.coverage()}`
  }

  coverage(): string {
    return [...this.met].sort(([a], [b]) => (a < b ? -1 : 1)).map(([what, count]) => `${what} ${count}`).join(', ')
  }
}
