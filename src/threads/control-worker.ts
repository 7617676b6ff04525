/** The control thread: runs the control plane (src/control) and speaks with the data plane. Only wiring. A start that fails is told and ends the thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { destination, pino } from 'pino'
import { startControl, type Control } from '../control/start.ts'
import type { FromControl, ToControl, WorkerSettings } from './messages.ts'

const port = parentPort
if (port === null) throw new Error('control-worker.ts runs as a worker thread of main.ts only')
const log = pino({ level: process.env['LOG_LEVEL'] ?? 'info', base: { thread: 'control' } }, destination({ dest: 2, sync: true }))
const post = (message: FromControl): void => port.postMessage(message)

const waiting: ToControl[] = []
let control: Control | null = null

async function receive(message: ToControl): Promise<void> {
  if (control === null) return void waiting.push(message)
  if (message.kind !== 'drain') return control.receive(message)
  await control.stop()
  port?.close()
}

port.on('message', (message: ToControl) => void receive(message).catch((error: unknown) => log.error({ err: error, message: message.kind }, 'a message of the data plane failed')))

try {
  control = await startControl({ ...workerData as WorkerSettings, variables: process.env, post, log })
  for (const message of waiting.splice(0)) await receive(message)
} catch (error) {
  log.debug({ err: error }, 'the control plane could not start')
  post({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) })
  // Ends this thread, also when a server of it already listens.
  setImmediate(() => process.exit(1))
}
