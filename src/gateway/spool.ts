/**
 * Files for what is too large to wait in memory. A file has no name as soon as it is open, so that its bytes are gone with the process,
 * however that ends; all of them together are bounded. A full disk is a failure of the request that needs it.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { mkdir, open, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

export class Spool {
  heldBytes = 0
  readonly limitBytes: number
  readonly #folder: string

  /** What a crash left between opening and removing a name is removed. */
  constructor(folder: string, limitBytes: number) {
    this.#folder = folder
    this.limitBytes = limitBytes
    if (existsSync(folder)) for (const name of readdirSync(folder)) rmSync(join(folder, name))
  }

  async open(): Promise<SpoolFile> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const path = join(this.#folder, randomUUID())
    const handle = await open(path, 'wx+', 0o600)
    try {
      await unlink(path)
    } catch (error) {
      await handle.close()
      throw error
    }
    return new SpoolFile(this, handle)
  }
}

export class SpoolFile {
  bytes = 0
  readonly #spool: Spool
  readonly #handle: FileHandle
  /** Reads and writes that run: the file is closed behind them. */
  #busy: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(spool: Spool, handle: FileHandle) {
    this.#spool = spool
    this.#handle = handle
  }

  /** At the end. One at a time. */
  append(chunk: Buffer): Promise<void> {
    if (this.#spool.heldBytes + chunk.length > this.#spool.limitBytes) return Promise.reject(new Error('the spool has no room'))
    this.#spool.heldBytes += chunk.length
    const at = this.bytes
    this.bytes += chunk.length
    return this.#after(async () => {
      for (let done = 0; done < chunk.length;) done += (await this.#handle.write(chunk, done, chunk.length - done, at + done)).bytesWritten
    })
  }

  /** At most `most` bytes from `at` on. */
  read(at: number, most: number): Promise<Buffer> {
    return this.#after(async () => {
      const buffer = Buffer.allocUnsafe(Math.min(most, this.bytes - at))
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at)
      return buffer.subarray(0, bytesRead)
    })
  }

  close(): Promise<void> {
    if (this.#isClosed) return Promise.resolve()
    this.#isClosed = true
    this.#spool.heldBytes -= this.bytes
    return this.#busy.then(() => this.#handle.close())
  }

  #after<T>(run: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new Error('the spool file is closed'))
    const running = this.#busy.then(run)
    this.#busy = running.catch(() => {})
    return running
  }
}
