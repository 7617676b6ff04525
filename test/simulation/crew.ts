/** Many seeds over several threads, each with a database of its own. Run as a worker this file is one of them. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { simulate, type Result } from './history.ts'
import { openScratch } from './scratch.ts'
import { Sum } from './sum.ts'

interface Share { first: number; count: number; step: number }

/** Ends early at the first `mostFailed` failures. */
export async function runSeeds(first: number, count: number, threads: number, mostFailed = 10): Promise<Sum> {
  const sum = new Sum()
  const workers = Array.from({ length: threads }, (_, index) => {
    const share: Share = { first: first + index, count: Math.ceil((count - index) / threads), step: threads }
    return new Worker(new URL(import.meta.url), { workerData: share })
  })
  await Promise.all(workers.map((worker) => new Promise<void>((resolve, reject) => {
    worker.on('message', (result: Result) => {
      sum.add(result)
      if (result.violations.length > 0) console.error(sum.describe(result))
      if (sum.failed.length >= mostFailed) for (const each of workers) void each.terminate()
    })
    worker.on('error', reject).on('exit', () => resolve())
  })))
  return sum
}

async function work({ first, count, step }: Share): Promise<void> {
  const scratch = await openScratch()
  for (let i = 0; i < count; i++) parentPort!.postMessage(await simulate(first + i * step, scratch.database))
  await scratch.close()
}

if (!isMainThread && parentPort !== null) await work(workerData as Share)
