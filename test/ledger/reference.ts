/**
 * What the ledger should say, computed another way: a list of attempts that is summed anew for each question, in bigint, with
 * periods by Temporal's own rounding. Nothing of `src/` runs here, so that model and ledger can't share a mistake.
 */
import type { Budget, BudgetPeriod } from '../../src/gateway/snapshot.ts'
import type { PeriodRule } from '../../src/governance/periods.ts'

/** What an attempt can lose with its process. */
interface State { held: bigint; isOpen: boolean; isDispatched: boolean; deliveredNano: bigint; paid: bigint }

export interface Entry extends State {
  lsn: number
  entities: readonly string[]
  heldAt: number
  isStrict: boolean
  inputNano: bigint
  /** How it was when the log ended with that record. */
  past: { lsn: number; state: State }[]
}

/** One budget in one period, as its last admission saw it. */
export interface Limit {
  /** Identity of the budget. */
  id: string
  entity: string
  name: string
  rule: string
  /** Of a rolling one every instant: it is told apart by `spanMs`. */
  from: number
  to: number
  /** Length of a rolling window; 0 for a period. */
  spanMs: number
  /** An instant of the quarter with which the window ends that is shown: the latest that was asked about. */
  shownMs: number
  nano: bigint
  isHard: boolean
  /** No more may ever be settled and held: the limit, or what was taken already when it was lowered. */
  ceiling: bigint
}

export interface Policy { rule: string; entity: string; name: string; version: number; budget: { limitNano: number; period: PeriodRule; mode: Budget['mode'] } | null; timeZone: string; zoneVersion: number }

const cache = new Map<string, [number, number]>()

/** `[from, to)` of the period, epoch ms. */
export function periodOf(rule: PeriodRule, zone: string, atMs: number): [number, number] {
  if (rule === 'total') return [0, Infinity]
  if (rule.startsWith('R/')) return custom(rule, zone, atMs)
  const id = `${rule} ${zone} ${Math.floor(atMs / 60_000)}`
  let known = cache.get(id)
  if (!known) cache.set(id, (known = compute(rule as Exclude<BudgetPeriod, 'total'>, zone, atMs)))
  return known
}

/** Walks from the first day in whole lengths, with midnights in local time and not in instants. */
function custom(rule: string, zone: string, atMs: number): [number, number] {
  const [, date, length] = rule.split('/') as [string, string, string]
  const midnight = (index: number): number => {
    let day = Temporal.PlainDate.from(date)
    const { days, weeks, months, years } = Temporal.Duration.from(length)
    day = day.add({ days: (days + 7 * weeks) * index, months: (months + 12 * years) * index })
    return Temporal.ZonedDateTime.from(`${day}T00:00[${zone}]`, { disambiguation: 'compatible' }).startOfDay().epochMilliseconds
  }
  let low = -20_000
  let high = 20_000
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (midnight(middle) <= atMs) low = middle
    else high = middle
  }
  return [midnight(low), midnight(high)]
}

function compute(rule: Exclude<BudgetPeriod, 'total'>, zone: string, atMs: number): [number, number] {
  const at = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(zone)
  if (rule === 'hour') return localHour(at)
  const day = at.startOfDay()
  const start = rule === 'day' ? day : rule === 'week' ? day.subtract({ days: day.dayOfWeek - 1 }) : day.with(rule === 'month' ? { day: 1 } : { month: 1, day: 1 })
  return [start.startOfDay().epochMilliseconds, start.add({ [`${rule}s`]: 1 }).startOfDay().epochMilliseconds]
}

/** Walks by the minute: slow, and without arithmetic on offsets. A change of the offset begins an hour of its own. */
function localHour(at: Temporal.ZonedDateTime): [number, number] {
  const minute = at.round({ smallestUnit: 'minute', roundingMode: 'floor' })
  const isSame = (other: Temporal.ZonedDateTime): boolean => other.hour === minute.hour && other.offset === minute.offset
  let first = minute
  let next = minute.add({ minutes: 1 })
  for (let before = first.subtract({ minutes: 1 }); isSame(before); before = before.subtract({ minutes: 1 })) first = before
  while (isSame(next)) next = next.add({ minutes: 1 })
  return [first.epochMilliseconds, next.epochMilliseconds]
}

const quarterMs = 900_000
/** A charge may be so much older than the newest quarter of a rolling budget. */
const judgedMs = 86_400_000
const floor = (ms: number): number => Math.floor(ms / quarterMs) * quarterMs

export function spanOf(rule: string): number {
  const [, hours, days] = /^rolling\/P(?:T(\d+)H|(\d+)D)$/.exec(rule) ?? []
  return (Number(hours ?? 0) + Number(days ?? 0) * 24) * 3_600_000
}

export class Reference {
  entries: Entry[] = []
  limits: Limit[] = []
  newest = new Map<string, Policy>()
  newestZones = new Map<string, Policy>()
  overruns = 0

  take(entry: Entry): void {
    this.entries.push(entry)
    this.remember(entry, entry.lsn)
  }

  /** Something about it was just told to the log, which ends at `lsn`. */
  remember(entry: Entry, lsn: number): void {
    const { held, isOpen, isDispatched, deliveredNano, paid } = entry
    entry.past.push({ lsn, state: { held, isOpen, isDispatched, deliveredNano, paid } })
  }

  /** The log lost what came after `lsn`. */
  goBack(lsn: number): void {
    this.entries = this.entries.filter((entry) => entry.lsn <= lsn)
    for (const entry of this.entries) {
      entry.past = entry.past.filter((each) => each.lsn <= lsn)
      Object.assign(entry, entry.past.at(-1)!.state)
    }
  }

  sum(entity: string, from: number, to: number): { settled: bigint; held: bigint } {
    let settled = 0n
    let held = 0n
    for (const entry of this.entries) {
      if (!entry.entities.includes(entity) || entry.heldAt < from || entry.heldAt >= to) continue
      settled += entry.paid
      if (entry.isOpen) held += entry.held
    }
    return { settled, held }
  }

  /** What is shown of it. */
  shown({ entity, from, to, spanMs, shownMs }: Limit): { settled: bigint; held: bigint } {
    return spanMs === 0 ? this.sum(entity, from, to) : this.sum(entity, floor(shownMs) - spanMs, Infinity)
  }

  /** The most of all windows that count an instant, or of all there ever were; null where it can't be judged. `isSettled`: without what is held. */
  most({ entity, spanMs, shownMs }: Limit, at: number | null, isSettled = false): bigint | null {
    if (at !== null && at < floor(shownMs) - judgedMs) return null
    let most = 0n
    const ends = new Set(this.entries.map(({ heldAt }) => floor(heldAt)))
    if (at !== null) ends.add(floor(at))
    for (const end of ends) {
      if (at !== null && (end < floor(at) || end - spanMs > at)) continue
      const { settled, held } = this.sum(entity, end - spanMs, end + quarterMs)
      const taken = isSettled ? settled : settled + held
      if (taken > most) most = taken
    }
    return most
  }

  taken(limit: Limit): bigint {
    if (limit.spanMs > 0) return this.most(limit, null)!
    const { settled, held } = this.sum(limit.entity, limit.from, limit.to)
    return settled + held
  }

  /** An admission asked for these budgets. Returns the limits that hold, from the outside in. */
  see(policies: readonly Policy[], nowMs: number): Limit[] {
    const holding: Limit[] = []
    for (const policy of policies) {
      const { rule: id, entity } = policy
      const known = this.newest.get(id)
      if (!known || policy.version >= known.version) this.newest.set(id, policy)
      const zone = this.newestZones.get(id)
      if (!zone || policy.zoneVersion >= zone.zoneVersion) this.newestZones.set(id, policy)
      const { name, budget } = this.newest.get(id)!
      const { timeZone } = this.newestZones.get(id)!
      if (budget === null) {
        this.limits = this.limits.filter((limit) => limit.id !== id)
        continue
      }
      const spanMs = spanOf(budget.period)
      const rule = spanMs > 0 ? budget.period : `${budget.period} ${timeZone}`
      const [from, to] = spanMs > 0 ? [0, Infinity] : periodOf(budget.period, timeZone, nowMs)
      const before = this.limits.find((limit) => limit.id === id && limit.rule === rule && limit.from === from)
      this.limits = this.limits.filter((limit) => limit.id !== id || (limit.rule === rule && limit.from !== from))
      const isKept = before && nowMs >= floor(before.shownMs) - judgedMs
      const limit: Limit = { id, entity, name, rule, from, to, spanMs, shownMs: isKept ? before.shownMs : nowMs, nano: BigInt(budget.limitNano), isHard: budget.mode !== 'soft', ceiling: 0n }
      const taken = this.taken(limit)
      limit.ceiling = taken > limit.nano ? taken : limit.nano
      this.limits.push(limit)
      holding.push(limit)
    }
    return holding
  }

  /** The first hard limit without room for more of a charge at an instant. */
  over(limits: readonly Limit[], moreNano: bigint, at: number): Limit | null {
    for (const limit of limits) {
      if (!limit.isHard) continue
      const { settled, held } = this.shown(limit)
      const taken = limit.spanMs > 0 ? this.most(limit, at) : settled + held
      if (taken === null || taken + moreNano > limit.nano || (moreNano === 0n && settled >= limit.nano)) return limit
    }
    return null
  }

  /** Limits that count an attempt. */
  above({ entities, heldAt }: Entry): Limit[] {
    return this.limits.filter(({ entity, from, to }) => entities.includes(entity) && heldAt >= from && heldAt < to)
  }

  /** `lsn`: of its end. `isKnown`: a limit whose spending the ledger knows already. */
  end(entry: Entry, lsn: number, paid: bigint, isKnown: (limit: Limit) => boolean): void {
    const above = this.above(entry).filter(isKnown)
    const spent = (limit: Limit): bigint => limit.spanMs > 0 ? this.most(limit, entry.heldAt, true) ?? 0n : this.shown(limit).settled
    const before = above.map(spent)
    entry.isOpen = false
    entry.paid = paid
    this.remember(entry, lsn)
    above.forEach((limit, i) => {
      if (limit.isHard && before[i]! <= limit.nano && spent(limit) > limit.nano) this.overruns++
      const taken = this.taken(limit)
      if (paid > entry.held && taken > limit.ceiling) limit.ceiling = taken
    })
  }
}

/** The instant of a hold: now, or the nearest that its periods have. */
export function heldNow(limits: readonly Limit[], nowMs: number): number {
  for (const { from, to, spanMs } of limits) if (spanMs === 0) nowMs = Math.min(Math.max(nowMs, from), to - 1)
  return nowMs
}
