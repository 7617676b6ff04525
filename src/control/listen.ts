/**
 * Where the admin API listens: a private socket that only the front door of this machine's user can open, and a port of its own
 * if one is set. Only on the socket are the front door's headers about the client believed; on the port they mean nothing.
 */
import { chmodSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { clientOfFrontDoor, clientOfSocket, type Bindings, type Client } from './context.ts'

export type Handler = (request: Request, bindings: Bindings) => Response | Promise<Response>

/** `sun_path` holds 108 bytes on Linux and 104 elsewhere, with a final zero. */
const maxSocketPathBytes = 103

export function socketPathIn(dataDir: string, pid: number, name = 'control'): string {
  const preferred = resolve(dataDir, `${name}.sock`)
  return Buffer.byteLength(preferred) <= maxSocketPathBytes ? preferred : join(tmpdir(), `megarouter-${pid}-${name}.sock`)
}

function attach(server: Server, handler: Handler, clientOf: (message: IncomingMessage) => Client): Server {
  const listener = getRequestListener((request, bindings) => handler(request, { client: clientOf(bindings.incoming as IncomingMessage) }))
  server.requestTimeout = 60_000
  server.headersTimeout = 10_000
  server.keepAliveTimeout = 30_000
  return server.on('request', (incoming, outgoing) => void listener(incoming, outgoing))
}

function listening(server: Server, start: () => void): Promise<void> {
  return new Promise((done, failed) => {
    server.once('error', failed)
    server.once('listening', () => {
      server.off('error', failed)
      done()
    })
    start()
  })
}

export async function listenOnSocket(handler: Handler, path: string): Promise<Server> {
  try {
    unlinkSync(path) // left behind by a process that was killed
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const server = attach(createServer(), handler, clientOfFrontDoor)
  await listening(server, () => server.listen({ path, readableAll: false, writableAll: false }))
  chmodSync(path, 0o600)
  return server
}

interface PortSettings { host: string; port: number; tls: { cert: Buffer; key: Buffer } | null }

export async function listenOnPort(handler: Handler, { host, port, tls }: PortSettings): Promise<Server> {
  const server = tls === null ? createServer() : createTlsServer(tls)
  attach(server, handler, (message) => ({ ...clientOfSocket(message), https: tls !== null }))
  await listening(server, () => server.listen({ host, port }))
  return server
}

/** Running answers get a moment to end; event streams are closed by their own drain. */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()))
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), graceMs)
  await closed
  clearTimeout(timer)
}
