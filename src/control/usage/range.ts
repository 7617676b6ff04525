/** `24h`, `7d`, `this-month`, `2026-11-01..2026-11-19`: ranges as people write them → epoch ms. Dates are whole days of the time zone, the last one included. */
import { periodStart } from '../../governance/periods.ts'
import { ControlError } from '../errors.ts'

interface Range { from: number; to: number }

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const instant = /^\d{4}-\d\d-\d\dT/

const wrong = (): ControlError => new ControlError('invalid_request', 'range must be like 24h, 7d, this-month, or 2026-11-01..2026-11-19 (ISO dates or instants).', { param: 'range' })

function edge(text: string, timeZone: string, addDays: number): number {
  try {
    if (instant.test(text)) return Temporal.Instant.from(text).epochMilliseconds
    return Temporal.PlainDate.from(text).add({ days: addDays }).toZonedDateTime(timeZone).epochMilliseconds
  } catch {
    throw wrong()
  }
}

/** Days start at local midnight, so that a chart by day has whole first days; hours at the hour. */
export function parseRange(text: string, nowMs: number, timeZone: string): Range {
  if (text === 'this-month') return { from: periodStart('month', nowMs, timeZone), to: nowMs }
  const [, number, unit] = /^(\d{1,4})(h|d)$/.exec(text) ?? []
  if (number !== undefined && Number(number) > 0) return { from: nowMs - Number(number) * (unit === 'h' ? hourMs : dayMs), to: nowMs }
  const [from, to, rest] = text.split('..')
  if (from === undefined || to === undefined || rest !== undefined) throw wrong()
  const range = { from: edge(from, timeZone, 0), to: edge(to, timeZone, 1) }
  if (range.from >= range.to) throw new ControlError('invalid_request', 'The range ends before it begins.', { param: 'range' })
  return range
}
