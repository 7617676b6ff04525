/** `megarouter usage`: what was used and what it cost, from the usage rows, in the organisation's time zone. */
import { Option, type Command } from 'commander'
import type { Measures } from '../store/measures.ts'
import { findSettings } from '../store/settings.ts'
import { groupings, usageReport, type GroupBy } from '../store/usage.ts'
import { parseRange } from '../control/usage/range.ts'
import { withInstallation } from './installation.ts'
import { count, dollars, isoTime, table, type Io, type Output } from './io.ts'

interface UsageOptions { range: string; by: GroupBy; bucket: 'hour' | 'day' | 'none' }
interface Line extends Measures { name: string }

export function usage(program: Command, io: Io, output: () => Output): void {
  program.command('usage').description('requests, tokens and cost')
    .option('--range <range>', '24h, 7d, this-month, or 2026-11-01..2026-11-19', '7d')
    .addOption(new Option('--by <dimension>', 'group by').choices(groupings).default('model'))
    .addOption(new Option('--bucket <bucket>', 'split --json output by time').choices(['hour', 'day', 'none']).default('none'))
    .action((options: UsageOptions) => report(io, output(), options))
}

async function report(io: Io, output: Output, { range: text, by, bucket }: UsageOptions): Promise<void> {
  await withInstallation(io, async ({ database, organisation }) => {
    const timeZone = (await findSettings(database, organisation.id))?.timeZone ?? organisation.timeZone
    const nowMs = io.epochMs()
    const range = parseRange(text, nowMs, timeZone)
    const found = await usageReport(database, { org: organisation.id, from: range.from * 1000, to: range.to * 1000, groupBy: by, bucket, timeZone, now: nowMs * 1000 })
    const data = {
      range: { from: isoTime(range.from * 1000), to: isoTime(range.to * 1000), timeZone, bucket },
      ...found, series: found.series.map((each) => ({ ...each, at: isoTime(each.at) })),
    }
    output.show(data, () => [
      `${data.range.from} to ${data.range.to} (${timeZone})`, '',
      ...table<Line>([...found.groups.map((group) => ({ ...group, name: `${group.label ?? '–'}${group.deleted ? ' (revoked)' : ''}` })), { ...found.totals, name: 'total' }], columns(by), ''),
      ...(found.totals.unpricedRequests > 0 ? ['', `${count(found.totals.unpricedRequests)} attempts have no known price and count as $0.00 here.`] : []),
    ])
  })
}

const milliseconds = (us: number | null): string => (us === null ? '–' : `${count(Math.round(us / 1000))} ms`)
const columns = (by: GroupBy) => [
  { title: by === 'none' ? '' : by.toUpperCase(), value: (line: Line) => line.name },
  { title: 'REQUESTS', value: (line: Line) => count(line.requests), right: true },
  { title: 'FAILED', value: (line: Line) => count(line.failed), right: true },
  { title: 'INPUT', value: (line: Line) => count(line.inputTokens), right: true },
  { title: 'OUTPUT', value: (line: Line) => count(line.outputTokens), right: true },
  { title: 'COST', value: (line: Line) => dollars(line.costNano), right: true },
  { title: 'FIRST TOKEN P50', value: (line: Line) => milliseconds(line.p50FirstTokenUs), right: true },
]
