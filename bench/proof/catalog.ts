/** The catalogue: its extent, a thousand feeds that nobody would want, and what a new catalogue costs the thread that serves. */
import { setImmediate as turn } from 'node:timers/promises'
import { builtIn, catalogOf } from '../../src/catalog/load.ts'
import { CatalogHandover } from '../../src/threads/catalog-handover.ts'
import type { Measure, Row } from '../proof.ts'
import { runTests } from '../tests.ts'

const handovers = 20

/** The longest time between two turns of the event loop while catalogues are built in slices. */
async function longestPause(): Promise<{ longestMs: number; medianMs: number; totalMs: number }> {
  const artefact = builtIn()
  const vendors = Object.entries(artefact.vendors).map(([vendor, rows]) => [vendor, JSON.stringify(rows)] as const)
  const longest: number[] = []
  const totals: number[] = []
  for (let index = 0; index < handovers; index++) {
    let adopted = false
    const handover = new CatalogHandover(catalogOf(artefact), () => { adopted = true })
    await turn()
    const began = performance.now()
    let last = began
    let most = 0
    handover.take({ head: { version: `${index}`, date: artefact.date, facts: {} }, vendors })
    while (!adopted) {
      await turn()
      most = Math.max(most, performance.now() - last)
      last = performance.now()
    }
    longest.push(most)
    totals.push(last - began)
  }
  const median = (all: number[]): number => all.sort((a, b) => a - b)[Math.floor(all.length / 2)]!
  return { longestMs: Math.max(...longest), medianMs: median(longest), totalMs: median(totals) }
}

const atLeast = (what: string, value: number, target: number): Row => ({ what, value, unit: '', target: `≥ ${target}`, met: value >= target })

export const measure: Measure = async (signal) => {
  const { entries } = catalogOf(builtIn())
  const priced = entries.filter(({ price }) => price !== null)
  const kinds = (kind: string): number => priced.filter((entry) => entry.kind === kind).length
  const current = new Set(priced.filter(({ kind, deprecated, releasedOn, source }) => kind === 'chat' && !deprecated && releasedOn >= '2025-07' && source === 'models.dev').map(({ logicalModel }) => logicalModel))
  const pause = await longestPause()
  return {
    title: 'Catalogue',
    claim: 'The catalogue covers the market, a feed that is broken changes nothing, no price moves beyond its bounds without review, and a new catalogue does not hold up requests.',
    method: 'Counts of the committed catalogue. 1,000 feeds made of the real one by seeded mutations (numbers, members, types, texts), 20 on top of one another each: after each the catalogue is loaded, a snapshot compiled, a request priced; prices before and after are asked for at every tier, date and tier of service. Hand-over: the longest turn of the event loop while the whole catalogue is built in slices, 20 times.',
    rows: [
      atLeast('Entries (vendor × model) with a price', priced.length, 2000), atLeast('Vendors', new Set(priced.map(({ vendor }) => vendor)).size, 40),
      atLeast('Chat models released since July 2025, counted once whoever serves them', current.size, 200),
      ...['embedding', 'image', 'audio', 'rerank'].map((kind): Row => ({ what: `Priced entries of kind ${kind}`, value: kinds(kind), unit: '' })),
      { what: 'Longest pause of a hand-over', value: pause.longestMs, unit: 'ms', target: '≤ 20', met: pause.longestMs <= 20 },
      { what: 'Median of the longest pauses', value: pause.medianMs, unit: 'ms' },
      { what: 'Time of a hand-over', value: pause.totalMs, unit: 'ms' },
      ...await runTests(['test/catalog/mutations.test.ts'], signal),
    ],
  }
}
