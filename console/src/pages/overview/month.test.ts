import assert from 'node:assert/strict'
import { test } from 'node:test'
import { monthDays, type Point } from './month.ts'

const days = (from: string, to: string, at: string[], zone: string) =>
  monthDays({ range: { from, to, time_zone: zone, bucket: 'day' }, series: at.map((one) => ({ at: one }) as Point) }, zone)

test('every day of the month has its place, also silent ones, and today is the one that runs', () => {
  const found = days('2026-10-31T23:00:00Z', '2026-11-19T13:32:07Z', ['2026-11-17T23:00:00.000Z', '2026-11-18T23:00:00.000Z'], 'Europe/Berlin')
  assert.equal(found.length, 30)
  assert.deepEqual(
    found.filter((day) => day.points.length).map((day) => day.date),
    ['2026-11-18', '2026-11-19'],
  )
  assert.deepEqual(
    found.filter((day) => day.today).map((day) => day.at),
    ['2026-11-18T23:00:00.000Z'],
  )
  assert.equal(found.filter((day) => day.later).length, 11)
})
test('months with a change of the clock keep all their days, once each', () => {
  for (const [from, to, zone, count] of [
    ['2026-09-30T22:00:00Z', '2026-10-31T22:59:00Z', 'Europe/Berlin', 31],
    ['2026-02-28T23:00:00Z', '2026-03-31T20:00:00Z', 'Europe/Berlin', 31],
    ['2026-11-01T04:00:00Z', '2026-11-30T12:00:00Z', 'America/New_York', 30],
  ] as const) {
    const found = days(from, to, [], zone)
    assert.equal(new Set(found.map((day) => day.date)).size, count)
    assert.equal(found.length, count)
  }
})
