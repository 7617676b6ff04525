/**
 * Keeps a worker thread running: restarts it with growing pauses when it dies, so that a crash of the console or of the store
 * never ends the data plane. A worker that says `failed` before it was ever ready is a mistake of set-up and ends the process.
 */
import { Worker } from 'node:worker_threads'
import type { WorkerSettings } from './messages.ts'

const firstPauseMs = 100
const maxPauseMs = 5_000

export interface Supervised<To> {
  post(message: To): void
  /** Sends the last message and lets the worker end without a restart; what is returned ends it at once. */
  drain(message: To): () => Promise<void>
}

export function supervise<To, From>(file: URL, settings: WorkerSettings, on: { message(message: From): void; died(error: Error, restartsInMs: number): void }): Supervised<To> {
  let pauseMs = firstPauseMs
  let stopping = false
  let worker = start()
  let restart: NodeJS.Timeout | null = null

  function start(): Worker {
    const started = new Worker(file, { workerData: settings })
    let cause: Error | null = null
    started.on('message', (message: From) => {
      pauseMs = firstPauseMs
      on.message(message)
    })
    started.on('error', (error: Error) => (cause = error))
    started.on('exit', (code) => {
      if (stopping) return
      on.died(cause ?? new Error(`the worker ended with code ${code}`), pauseMs)
      restart = setTimeout(() => (worker = start()), pauseMs)
      pauseMs = Math.min(maxPauseMs, pauseMs * 2)
    })
    return started
  }

  return {
    post: (message) => worker.postMessage(message),
    drain(message) {
      stopping = true
      if (restart) clearTimeout(restart)
      worker.postMessage(message)
      return async () => void (await worker.terminate())
    },
  }
}
