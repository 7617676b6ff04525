/**
 * A process for store-worker.test.ts to kill: starts the store worker on the data directory of its first argument and feeds it
 * records, printing each id and the time (epoch ms) at which it was handed over.
 */
import { Worker } from 'node:worker_threads'
import type { FromStore } from '../../src/threads/messages.ts'
import { seededRecord } from './fixtures.ts'

const recordsPerTurn = 20
const turnMs = 10

const worker = new Worker(new URL('../../src/threads/store-worker.ts', import.meta.url), { workerData: { databaseUrl: null, dataDir: process.argv[2], configFile: null } })
const seed = Number(process.argv[3])
let count = 0

worker.on('message', (message: FromStore) => {
  if (message.kind !== 'ready') return
  setInterval(() => {
    const records = Array.from({ length: recordsPerTurn }, () => seededRecord(seed, ++count))
    worker.postMessage({ kind: 'records', records })
    const handedOver = Date.now()
    process.stdout.write(records.map(({ id }) => `${id} ${handedOver}\n`).join(''))
  }, turnMs)
})
