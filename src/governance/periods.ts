/**
 * Budget and report periods as a pure function of (rule, instant, time zone): no reset job exists that could be missed.
 * Periods of one rule and zone tile time: each instant lies in exactly one `[start, end)`, through every change of the clock.
 */
import type { BudgetPeriod } from '../gateway/snapshot.ts'

interface Bounds { start: number; end: number }

const hourMs = 3_600_000

/** Local hours; where the clock is changed within an hour the hour is cut there, so that it neither overlaps nor leaves a gap. */
function hourAt(atMs: number, timeZone: string): Bounds {
  const local = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone)
  const offsetMs = local.offsetNanoseconds / 1e6
  const floor = Math.floor((atMs + offsetMs) / hourMs) * hourMs - offsetMs
  const changed = local.add({ milliseconds: 1 }).getTimeZoneTransition('previous')?.epochMilliseconds ?? -Infinity
  const changes = local.getTimeZoneTransition('next')?.epochMilliseconds ?? Infinity
  return { start: Math.max(floor, changed), end: Math.min(floor + hourMs, changes) }
}

type DatePeriod = Exclude<BudgetPeriod, 'hour' | 'total'>

function firstDay(period: DatePeriod, date: Temporal.PlainDate): Temporal.PlainDate {
  switch (period) {
    case 'day': return date
    case 'week': return date.subtract({ days: date.dayOfWeek - 1 })
    case 'month': return date.with({ day: 1 })
    case 'year': return date.with({ month: 1, day: 1 })
  }
}

const oneOf = { day: { days: 1 }, week: { weeks: 1 }, month: { months: 1 }, year: { years: 1 } } as const

function datesAt(period: DatePeriod, atMs: number, timeZone: string): Bounds {
  const midnight = (date: Temporal.PlainDate): number => date.toZonedDateTime({ timeZone }).epochMilliseconds
  const today = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone).toPlainDate()
  let first = firstDay(period, today)
  let next = first.add(oneOf[period])
  // A clock set back over midnight shows the old date again; the new period has begun nevertheless.
  while (midnight(next) <= atMs) [first, next] = [next, next.add(oneOf[period])]
  return { start: midnight(first), end: midnight(next) }
}

function boundsAt(period: BudgetPeriod, atMs: number, timeZone: string): Bounds {
  if (period === 'total') return { start: 0, end: Infinity }
  if (period === 'hour') return hourAt(atMs, timeZone)
  return datesAt(period, atMs, timeZone)
}

/** First instant of the period that contains `atMs`, epoch ms; 0 for `total`. Weeks start on Monday. Throws RangeError for an unknown zone. */
export const periodStart = (period: BudgetPeriod, atMs: number, timeZone: string): number => boundsAt(period, atMs, timeZone).start

/** First instant after the period that contains `atMs`, epoch ms; Infinity for `total`. */
export const periodEnd = (period: BudgetPeriod, atMs: number, timeZone: string): number => boundsAt(period, atMs, timeZone).end
