/**
 * From the sources to the artefact: the first source, completed by the second, corrected, compiled. The committed catalogue and an
 * update at run time are made here alike; only an update is lenient towards what it does not know, entry by entry.
 */
import { versioned, type Artefact, type VendorFacts } from './artefact.ts'
import { compile, type CompileReport, type SourceVendors } from './compile.ts'
import { applyOverrides, applyUnchanged, type Override } from './overrides.ts'
import { completed, secondSourceDate, secondSourceName, type SecondSource } from './second-source.ts'

/** What the program came with. */
export interface Sources {
  /** The first source, the simulated provider included, and its ISO date. */
  first: SourceVendors
  date: string
  simulated: SourceVendors
  second: SecondSource
  overrides: readonly Override[]
  facts: Record<string, VendorFacts>
}

/** Ids of declarations by the name that the first source has for the vendor. */
export type VendorIds = ReadonlyMap<string, string>

const newest = (dates: readonly string[]): string => [...dates].sort().at(-1)!

const datesOf = ({ overrides }: Sources, date: string): Record<string, string> =>
  ({ 'models.dev': date, [secondSourceName]: secondSourceDate, ...overrides.length > 0 && { corrections: newest(overrides.map(each => each.date)) } })

/** The committed catalogue: anything unknown, and a correction that is no longer needed, ends the compilation. */
export function build(sources: Sources, vendorIds: VendorIds): { artefact: Artefact; report: CompileReport } {
  const corrected = applyOverrides(completed({ ...sources.first, ...sources.simulated }, sources.second), sources.overrides)
  const { vendors, report } = compile(corrected, vendorIds)
  const dates = datesOf(sources, sources.date)
  return { artefact: versioned({ date: newest(Object.values(dates)), sources: dates, facts: sources.facts, vendors }), report }
}

/** What the corrections were written for. */
const completedFirst = new WeakMap<Sources, SourceVendors>()

export interface Unreadable { vendor: string; model: string; reason: string }

/** A newer state of the first source, read on `date`. A correction holds as long as the source still says what it corrects. */
export function rebuild(feed: SourceVendors, date: string, sources: Sources, vendorIds: VendorIds): { artefact: Artefact; unreadable: Unreadable[] } {
  const unreadable: Unreadable[] = []
  let then = completedFirst.get(sources)
  if (then === undefined) completedFirst.set(sources, (then = completed(sources.first, sources.second)))
  const now = completed({ ...feed, ...sources.simulated }, sources.second, sources.first)
  const { vendors } = compile(applyUnchanged(now, then, sources.overrides), vendorIds, (vendor, model, { message }) => unreadable.push({ vendor, model, reason: message }))
  const dates = datesOf(sources, date)
  return { artefact: versioned({ date: newest(Object.values(dates)), sources: dates, facts: sources.facts, vendors }), unreadable }
}
