/** A local server that plays several vendors’ lists and refusals over real HTTP; `ask` leads every question to it, by the host that was meant. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { askProvider, type Ask } from '../../src/control/providers/ask.ts'

export interface Played {
  /** The credential that came, without `Bearer`; empty: none. */
  key: string
  method: string
  /** `models`, or what else is asked: `chat/completions`. */
  what: string
}
export type Answer = { status: number; body: string; headers?: Record<string, string> } | ((response: ServerResponse) => void)

export interface Vendors {
  ask: Ask
  url: string
  /** What a host answers. */
  hosts: Map<string, (played: Played) => Answer>
  /** `host method what key` of all questions. */
  asked: string[]
  close(): void
}

export const json = (status: number, body: unknown): Answer => ({ status, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })

const keyOf = ({ headers }: IncomingMessage): string => String(headers['api-key'] ?? headers['x-api-key'] ?? headers['x-goog-api-key'] ?? headers.authorization?.replace('Bearer ', '') ?? '')

export async function startVendors(): Promise<Vendors> {
  const hosts: Vendors['hosts'] = new Map()
  const asked: string[] = []
  const server = createServer((request, response) => {
    const [, host = '', what = ''] = /^\/([^/]+)\/.*?(models|chat\/completions|messages|converse|[\w.-]+:countTokens)$/.exec(request.url ?? '') ?? []
    const played = { key: keyOf(request), method: request.method ?? '', what }
    asked.push([host, played.method, what, played.key].join(' '))
    request.resume()
    const answer = hosts.get(host)?.(played) ?? json(404, { error: { message: 'no such host here' } })
    if (typeof answer === 'function') answer(response)
    else response.writeHead(answer.status, answer.headers).end(answer.body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url, hosts, asked,
    ask: (provider, question) => {
      const { hostname, pathname } = new URL(provider.baseUrl)
      return askProvider({ ...provider, guarded: false, baseUrl: `${url}/${hostname}${pathname}` }, question)
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
