/** The catalogue: its extent, a thousand feeds that nobody would want, and what a new catalogue costs the thread that serves. */
import { setImmediate as turn } from 'node:timers/promises'
import { builtIn, catalogOf } from '../../src/catalog/load.ts'
import { CatalogHandover, partsOf } from '../../src/threads/catalog-handover.ts'
import type { Measure, Row } from '../proof.ts'
import { runTests } from '../tests.ts'

const handovers = 20

const share = (all: readonly number[], part: number): number => [...all].sort((a, b) => a - b)[Math.ceil(all.length * part) - 1]!
const median = (all: readonly number[]): number => share(all, 0.5)

/** The longest turn of the event loop while a catalogue is built in slices, several times: by the clock, and in CPU time of this thread alone. */
async function longestTurns(): Promise<{ wallMs: number[]; cpuMs: number[]; totalMs: number[] }> {
  const artefact = builtIn()
  const [own, parts] = [catalogOf(artefact), partsOf(artefact)]
  const cpu = (): number => { const { user, system } = process.threadCpuUsage(); return (user + system) / 1000 }
  const result = { wallMs: [] as number[], cpuMs: [] as number[], totalMs: [] as number[] }
  for (let index = 0; index < handovers; index++) {
    let adopted = false
    const handover = new CatalogHandover(own, () => { adopted = true })
    await turn()
    const began = performance.now()
    let [wall, used, longestWall, longestCpu] = [began, cpu(), 0, 0]
    handover.take(parts)
    while (!adopted) {
      await turn()
      const [now, usedNow] = [performance.now(), cpu()]
      longestWall = Math.max(longestWall, now - wall)
      longestCpu = Math.max(longestCpu, usedNow - used)
      wall = now
      used = usedNow
    }
    result.wallMs.push(longestWall)
    result.cpuMs.push(longestCpu)
    result.totalMs.push(wall - began)
  }
  return result
}

const atLeast = (what: string, value: number, target: number): Row => ({ what, value, unit: '', target: `≥ ${target}`, met: value >= target })

export const measure: Measure = async (signal) => {
  const { entries } = catalogOf(builtIn())
  const priced = entries.filter(({ price }) => price !== null)
  const kinds = (kind: string): number => priced.filter((entry) => entry.kind === kind).length
  const current = new Set(priced.filter(({ kind, deprecated, releasedOn, source }) => kind === 'chat' && !deprecated && releasedOn >= '2025-07' && source === 'models.dev').map(({ logicalModel }) => logicalModel))
  const { wallMs, cpuMs, totalMs } = await longestTurns()
  return {
    title: 'Catalogue',
    claim: 'The catalogue covers the market, a feed that is broken changes nothing, no price moves beyond its bounds without review, and a new catalogue does not hold up requests.',
    method: 'Counts of the committed catalogue. 1,000 feeds made of the real one by seeded mutations (numbers, members, types, texts), 20 on top of one another each: after each the catalogue is loaded, a snapshot compiled, a request priced; prices before and after are asked for at every tier, date and tier of service. Hand-over: the longest turn of the event loop while the whole catalogue is built in slices, 20 times.',
    rows: [
      atLeast('Entries (vendor × model) with a price', priced.length, 2000), atLeast('Vendors', new Set(priced.map(({ vendor }) => vendor)).size, 40),
      atLeast('Chat models released since July 2025, counted once whoever serves them', current.size, 200),
      ...['embedding', 'image', 'audio', 'rerank'].map((kind): Row => ({ what: `Priced entries of kind ${kind}`, value: kinds(kind), unit: '' })),
      { what: 'Longest turn of a hand-over, CPU time of the thread, 95 %', value: share(cpuMs, 0.95), unit: 'ms', target: '≤ 20', met: share(cpuMs, 0.95) <= 20 },
      { what: 'By the clock, median of the longest turns', value: median(wallMs), unit: 'ms', target: '≤ 20', met: median(wallMs) <= 20 },
      { what: 'By the clock, the longest of all', value: Math.max(...wallMs), unit: 'ms' },
      { what: 'Time of a hand-over, median', value: median(totalMs), unit: 'ms' },
      ...await runTests(['test/catalog/mutations.test.ts'], signal),
    ],
  }
}
