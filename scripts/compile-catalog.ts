/**
 * Compiles src/catalog/data/ into src/catalog/catalog.json: `node scripts/compile-catalog.ts`. The same input gives the same
 * bytes. With `--check` it writes nothing and fails when the committed file is not what the data compiles to.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkArtefact, serialise, type Artefact } from '../src/catalog/artefact.ts'
import { build } from '../src/catalog/build.ts'
import type { CompileReport } from '../src/catalog/compile.ts'
import { readSources, vendorIdsOf } from '../src/catalog/sources.ts'
import { vendors } from '../src/providers/index.ts'

const file = fileURLToPath(new URL('../src/catalog/catalog.json', import.meta.url))

export function compileData(): { artefact: Artefact; text: string; report: CompileReport } {
  const { artefact, report } = build(readSources(), vendorIdsOf(vendors.values()))
  const text = serialise(artefact)
  checkArtefact(JSON.parse(text))
  return { artefact, text, report }
}

if (import.meta.main) {
  const { artefact, text, report } = compileData()
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text)
  } else if (readFileSync(file, 'utf8') !== text) {
    console.error('src/catalog/catalog.json is not what its data compiles to. Run: node scripts/compile-catalog.ts')
    process.exitCode = 1
  }
  console.log(`${artefact.version}: ${report.entries} entries of ${Object.keys(artefact.vendors).length} vendors, ${report.priced} with a price, ${report.disbelieved} zero prices not believed, ${report.rounded} prices rounded to the nano-dollar`)
}
