/**
 * The gateway as a real process: started as an operator starts it, with a clean environment and a data folder of its own, asked
 * only over HTTP, stopped by its pid. Fails with the process's own log when it does not become ready.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface GatewayOptions {
  /** Text of megarouter.yaml. */
  config?: string
  env?: Record<string, string>
  /** Kept when the gateway stops; without one a temporary folder is made and removed. */
  dataDir?: string
  /** 0: any free port. */
  port?: number
  nodeArgs?: string[]
}

export interface GatewayExit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface AdminReply<T = unknown> {
  status: number
  body: T
}

const main = join(import.meta.dirname, '../src/main.ts')
const readyMs = 30_000
const keptLogBytes = 64 * 1024 * 1024

export class GatewayProcess {
  readonly adminToken = 'test-admin-token-0123456789'
  readonly folder: string
  readonly dataDir: string
  /** Milliseconds from the last start to ready. */
  readyAfterMs = 0
  url = ''
  exited: Promise<GatewayExit> = Promise.resolve({ code: null, signal: null })
  private readonly options: GatewayOptions
  private child: ChildProcess | null = null
  private output = ''

  constructor(options: GatewayOptions = {}) {
    this.options = options
    this.folder = mkdtempSync(join(tmpdir(), 'megarouter-test-'))
    this.dataDir = options.dataDir ?? join(this.folder, 'data')
    this.configure(options.config ?? '')
  }

  /** Writes megarouter.yaml; a running gateway reloads it by itself. */
  configure(text: string): void {
    writeFileSync(join(this.folder, 'megarouter.yaml'), text)
  }

  /** Also the way to start again on the same data after a stop or kill. */
  async start(): Promise<this> {
    const began = performance.now()
    const { port = 0, env = {}, nodeArgs = [] } = this.options
    const child = spawn(process.execPath, [...nodeArgs, main], {
      cwd: this.folder,
      env: {
        PATH: process.env['PATH'] ?? '', HOME: this.folder, TZ: 'UTC',
        HOST: '127.0.0.1', PORT: String(port), MEGAROUTER_DATA_DIR: this.dataDir, MEGAROUTER_CONFIG: join(this.folder, 'megarouter.yaml'),
        // Upstreams of tests count whatever reaches them.
        MEGAROUTER_ADMIN_TOKEN: this.adminToken, LOG_LEVEL: 'info', MEGAROUTER_MODEL_LISTS: 'off', ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child = child
    this.url = ''
    const { promise, resolve } = Promise.withResolvers<GatewayExit>()
    this.exited = promise
    const killChild = (): void => { child.kill('SIGKILL') }
    process.once('exit', killChild)
    child.once('exit', (code, signal) => {
      process.removeListener('exit', killChild)
      resolve({ code, signal })
    })
    const listening = Promise.withResolvers<string>()
    let pending = ''
    const collect = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-keptLogBytes)
      pending += chunk.toString()
      const address = /listening on (http:\/\/[\d.]+:\d+)/.exec(pending)?.[1]
      // What follows the address in one piece may be longer than what is kept.
      pending = pending.slice(-4096)
      if (address !== undefined) listening.resolve(address)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const failed = promise.then(({ code, signal }) => { throw new Error(`The gateway ended with ${code ?? signal} before it was ready:\n${this.log.slice(-4000)}`) })
    const timeout = AbortSignal.timeout(readyMs)
    const late = new Promise<never>((_, reject) => timeout.addEventListener('abort', () => reject(new Error(`The gateway was not ready within ${readyMs / 1000} s:\n${this.log.slice(-4000)}`)), { once: true }))
    const unused = (): void => {}
    failed.catch(unused)
    late.catch(unused)
    this.url = await Promise.race([listening.promise, failed, late])
    await Promise.race([this.untilReady(timeout), failed, late])
    this.readyAfterMs = performance.now() - began
    return this
  }

  private async untilReady(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const answer = await fetch(`${this.url}/health/ready`).catch(() => null)
      await answer?.body?.cancel()
      if (answer?.status === 200) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  get pid(): number {
    return this.child?.pid ?? 0
  }

  /** What it printed, the latest part. */
  get log(): string {
    return this.output
  }

  get running(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<GatewayExit> {
    if (this.running) this.child?.kill(signal)
    return this.exited
  }

  kill(): Promise<GatewayExit> {
    return this.stop('SIGKILL')
  }

  /** Stops whatever runs and removes the temporary folder. */
  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }

  async admin<T = unknown>(method: string, path: string, body?: unknown): Promise<AdminReply<T>> {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.adminToken}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: (text === '' ? null : JSON.parse(text)) as T }
  }

  /** A new key's secret. */
  async createKey(fields: Record<string, unknown> = {}): Promise<{ id: string; key: string }> {
    const { status, body } = await this.admin<{ id: string; key: string }>('POST', '/keys', { name: 'test', ...fields })
    if (status >= 300) throw new Error(`POST /api/v1/keys answered ${status}: ${JSON.stringify(body)}`)
    return body
  }
}

export const startGateway = (options: GatewayOptions = {}): Promise<GatewayProcess> => {
  const gateway = new GatewayProcess(options)
  return gateway.start().catch(async (error: unknown) => {
    await gateway.remove()
    throw error
  })
}
