/**
 * Compiles src/catalog/data/ into src/catalog/catalog.json: `node scripts/compile-catalog.ts`. The same input gives the same
 * bytes. With `--check` it writes nothing and fails when the committed file is not what the data compiles to.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { checkArtefact, type Artefact } from '../src/catalog/artefact.ts'
import { compile, parseSource, type CompileReport, type SourceVendors } from '../src/catalog/compile.ts'
import { applyOverrides, type Override } from '../src/catalog/overrides.ts'
import { vendors } from '../src/providers/index.ts'

const catalog = new URL('../src/catalog/', import.meta.url)
const file = (name: string): string => fileURLToPath(new URL(name, catalog))

interface DataSet { date: string; providers: SourceVendors }

/** The corrections, as they are committed. */
export const readOverrides = (): Override[] => parseSource(readFileSync(file('data/overrides.json'), 'utf8')) as Override[]

/** One line per entry, so that a change of the catalogue is read as a diff. */
function serialise({ format, version, vendors }: Artefact): string {
  const blocks = Object.entries(vendors).map(([vendor, rows]) =>
    `${JSON.stringify(vendor)}: [\n${rows.map(row => JSON.stringify(row)).join(',\n')}\n]`)
  return `{"format": ${format}, "version": ${JSON.stringify(version)}, "vendors": {\n${blocks.join(',\n')}\n}}\n`
}

/** The data set and the simulated provider, as they are committed. */
export function readData(): DataSet {
  const { date, providers } = parseSource(gunzipSync(readFileSync(file('data/models-dev-2026-07-02.json.gz'))).toString()) as DataSet
  const simulated = parseSource(readFileSync(file('data/simulated.json'), 'utf8')) as SourceVendors
  return { date, providers: { ...providers, ...simulated } }
}

export function compileData(): { artefact: Artefact; text: string; report: CompileReport } {
  const { date, providers } = readData()
  const ids = new Map([...vendors.values()].flatMap(vendor => vendor.catalogId === undefined ? [] : [[vendor.catalogId, vendor.id]]))
  const overrides = readOverrides()
  // Every correction is another price list, so that the version on a usage row always identifies the prices.
  const corrected = overrides.length === 0 ? '' : `+${overrides.map(override => override.date).sort().at(-1)}`
  const { artefact, report } = compile(applyOverrides(providers, overrides), `models-dev-${date}${corrected}`, ids)
  const text = serialise(artefact)
  checkArtefact(JSON.parse(text))
  return { artefact, text, report }
}

if (import.meta.main) {
  const { artefact, text, report } = compileData()
  if (!process.argv.includes('--check')) {
    writeFileSync(file('catalog.json'), text)
  } else if (readFileSync(file('catalog.json'), 'utf8') !== text) {
    console.error('src/catalog/catalog.json is not what its data compiles to. Run: node scripts/compile-catalog.ts')
    process.exitCode = 1
  }
  console.log(`${artefact.version}: ${report.entries} entries, ${report.priced} with a price, ${report.disbelieved} zero prices not believed, ${report.rounded} prices rounded to the nano-dollar`)
}
