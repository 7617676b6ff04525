/** Runs seeds by hand: `node test/simulation/main.ts --seed N [--verbose]`, `--seeds A..B`. A seed that fails prints its last events and repeats itself exactly. */
import { parseArgs } from 'node:util'
import { openScratch } from './scratch.ts'
import { simulate } from './history.ts'
import { Sum } from './sum.ts'

const { values } = parseArgs({ options: { seed: { type: 'string' }, seeds: { type: 'string' }, verbose: { type: 'boolean', default: false }, 'loses-released': { type: 'boolean', default: false } } })
const [first, last] = (values.seeds ?? `${values.seed ?? '1'}..${values.seed ?? '1'}`).split('..').map(Number)
const scratch = await openScratch()
const sum = new Sum()
const begunMs = performance.now()
for (let seed = first!; seed <= last!; seed++) {
  const result = await simulate(seed, scratch.database, { verbose: values.verbose, losesReleased: values['loses-released'] })
  sum.add(result)
  if (result.violations.length > 0 || values.verbose) console.log(sum.describe(result, values.verbose))
}
console.log(sum.text())
console.log(`${((performance.now() - begunMs) / (last! - first! + 1)).toFixed(1)} ms per seed`)
await scratch.close()
process.exitCode = sum.failed.length > 0 ? 1 : 0
