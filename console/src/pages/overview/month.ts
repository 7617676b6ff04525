/** The days of the running month in the organisation's zone. The API lists only buckets with requests: silent and later days keep their place. */
import type { Usage } from '../../api-types.ts'

const dayMs = 86_400_000
export type Point = Usage['series'][number]
export interface Day {
  /** `2026-11-19` */ date: string
  /** The day's start, or its noon where it had no request. */ at: string
  today: boolean
  later: boolean
  points: Point[]
}

export function monthDays(usage: Pick<Usage, 'range' | 'series'>, zone: string): Day[] {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone })
  const first = Date.parse(usage.range.from)
  const month = format.format(first + dayMs / 2).slice(0, 7)
  const today = format.format(Date.parse(usage.range.to) - 1)
  const points = Map.groupBy(usage.series, (point) => format.format(Date.parse(point.at)))
  // Noon, so that days of 23 and 25 hours stay single.
  const noons = Array.from({ length: 31 }, (_, index) => first + index * dayMs + dayMs / 2)
  return noons.flatMap((noon) => {
    const date = format.format(noon)
    if (!date.startsWith(month)) return []
    const own = points.get(date) ?? []
    return [{ date, at: own[0]?.at ?? new Date(noon).toISOString(), today: date === today, later: date > today, points: own }]
  })
}
