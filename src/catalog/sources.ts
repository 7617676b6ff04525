/** Reads the data that the catalogue is compiled from, as committed beside it. A file that is missing or damaged is a broken installation: it throws. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { VendorFacts } from './artefact.ts'
import type { Sources, VendorIds } from './build.ts'
import { parseSource, type SourceVendors } from './compile.ts'
import type { Override } from './overrides.ts'
import type { SecondSource } from './second-source.ts'

const data = (name: string): Buffer => readFileSync(new URL(`data/${name}`, import.meta.url))
const parsed = (name: string): unknown => parseSource(name.endsWith('.gz') ? gunzipSync(data(name)).toString() : data(name).toString())

/** The corrections, as they are committed. */
export const readOverrides = (): Override[] => parsed('overrides.json') as Override[]

/** Takes some 100 ms. */
export function readSources(): Sources {
  const { date, providers } = parsed('models-dev-2026-07-02.json.gz') as { date: string; providers: SourceVendors }
  const { providers: second } = parsed('genai-prices-2026-09-23.json.gz') as { providers: SecondSource }
  return { first: providers, date, simulated: parsed('simulated.json') as SourceVendors, second, overrides: readOverrides(), facts: parsed('vendor-facts.json') as Record<string, VendorFacts> }
}

export const vendorIdsOf = (vendors: Iterable<{ id: string; catalogId?: string }>): VendorIds =>
  new Map([...vendors].flatMap(({ id, catalogId }) => catalogId === undefined ? [] : [[catalogId, id] as const]))
