/** What travels with each request of the admin API: its id, who called from where, and the time. */
import type { IncomingMessage } from 'node:http'
import type { Identity } from './identity.ts'

/** A logged-in person, or automation with MEGAROUTER_ADMIN_TOKEN. */
export interface Caller {
  org: string
  user: { id: string; name: string; email: string }
  /** Empty for automation, which sends no cookie. */
  csrf: string
}

/** Where the request came from, as the nearest trusted hop saw it. */
export interface Client {
  address: string
  https: boolean
}

export interface Bindings {
  /** Set by the listener: only the front door's socket may say who the client is. */
  client: Client
}

export interface ControlEnv {
  Bindings: Bindings
  Variables: { requestId: string; identity: Identity; caller: Caller }
}

const header = (message: IncomingMessage, name: string): string => {
  const value = message.headers[name]
  return typeof value === 'string' ? value : ''
}

/** The client of a request that came through the front door, which removes these headers from outside and sets its own. */
export const clientOfFrontDoor = (message: IncomingMessage): Client => ({
  address: header(message, 'x-megarouter-client-address'),
  https: header(message, 'x-megarouter-scheme') === 'https',
})

export const clientOfSocket = (message: IncomingMessage): Client => ({ address: message.socket.remoteAddress ?? '', https: false })
