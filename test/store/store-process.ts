/**
 * A process for store-worker.test.ts to kill: starts the store worker on the data directory of its first argument and feeds it
 * records, printing each id that it handed over, and how many of them the worker says it has saved.
 */
import { Worker } from 'node:worker_threads'
import type { FromStore } from '../../src/threads/messages.ts'
import { packRecords } from '../../src/threads/record-batch.ts'
import { seededRecord } from './fixtures.ts'

const recordsPerTurn = 20
const turnMs = 10

const worker = new Worker(new URL('../../src/threads/store-worker.ts', import.meta.url), { workerData: { databaseUrl: null, dataDir: process.argv[2], configFile: null } })
const seed = Number(process.argv[3])
let count = 0

function feed(): void {
  const records = Array.from({ length: recordsPerTurn }, () => seededRecord(seed, ++count))
  worker.postMessage({ kind: 'records', ...packRecords(records) })
  process.stdout.write(records.map(({ id }) => `handed ${id}\n`).join(''))
  // Answered after the records were taken in, which are saved in their order: what is not queued is saved.
  worker.postMessage({ kind: 'metrics', id: count, gauges: {}, series: [] })
}

worker.on('message', (message: FromStore) => {
  if (message.kind === 'ready') setInterval(feed, turnMs)
  if (message.kind !== 'metrics') return
  const queued = Number(/^megarouter_records_queued (\d+)$/m.exec(message.text)![1])
  process.stdout.write(`saved ${message.id - queued}\n`)
})
