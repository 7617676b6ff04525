/**
 * Runs the test upstream as a process of its own, for kill tests, load and trying things by hand:
 *   node test/upstream/main.ts [--port 0] [--seed 1] [--bill FILE] [--prices FILE] [--chunk random|whole|N]
 * It prints its address and ends on SIGTERM.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { PriceTable } from './bill.ts'
import { startUpstream } from './server.ts'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '0' }, seed: { type: 'string', default: '1' }, bill: { type: 'string' }, prices: { type: 'string' }, chunk: { type: 'string' } },
})
const { chunk } = values
const upstream = await startUpstream({
  port: Number(values.port),
  seed: Number(values.seed),
  ...(values.bill === undefined ? {} : { file: values.bill }),
  ...(values.prices === undefined ? {} : { prices: JSON.parse(readFileSync(values.prices, 'utf8')) as Record<string, PriceTable> }),
  ...(chunk === undefined ? {} : { chunk: chunk === 'random' || chunk === 'whole' ? chunk : Number(chunk) }),
})
process.stdout.write(`upstream on ${upstream.url}\n`)
process.once('SIGTERM', () => { upstream.close().then(() => process.exit(0), () => process.exit(1)) })
