/**
 * Streams of every wire format through the gateway: a vendor that sends an event each 20 ms without an end, clients that read what
 * comes, and the gateway on a processor of its own, whose CPU is read from the kernel. What is measured is a chunk, not a request.
 */
import { execFileSync, fork } from 'node:child_process'
import { createServer, request, Agent, type ClientRequest, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { ChatEvent, ChatRequest, JsonObject } from '../src/protocols/canonical.ts'
import { protocols } from '../src/protocols/index.ts'
import type { Framing } from '../src/wire/event-scanner.ts'
import { cpuUs } from './load.ts'

const streams = 100
const eventEveryMs = 20
const inFlowAfterMs = 300
const windowMs = 1_000

/** Where clients of each format ask; Gemini's and Bedrock's name the model in the path. */
const paths: Readonly<Record<string, string>> = {
  'openai-chat': '/v1/chat/completions', 'openai-responses': '/v1/responses', 'anthropic-messages': '/v1/messages', 'gemini-generate': '/v1beta/models/{model}:streamGenerateContent?alt=sse',
  'cohere-chat': '/v2/chat', 'ollama-chat': '/api/chat', 'bedrock-converse': '/model/{model}/converse-stream',
}
export const clientFormats: readonly string[] = Object.keys(paths)
export const vendorFormats: readonly string[] = [...protocols.values()].filter(({ codec }) => codec !== null).map(({ id }) => id)

const conversation: ChatRequest = { model: '', stream: true, messages: [{ role: 'user', parts: [{ type: 'text', text: 'Say what this costs.' }] }], maxOutputTokens: 100_000 }
const words = ['The', ' quick', ' brown', ' fox', ' jumps', ' over', ' the', ' lazy', ' dog', ',', ' and', ' says', ':', ' “why', ' not', '?”\n']
const types: Readonly<Record<Framing, string>> = { sse: 'text/event-stream', ndjson: 'application/x-ndjson', 'json-array': 'application/json', 'aws-event-stream': 'application/vnd.amazon.eventstream' }

interface Canned { type: string; head: Buffer; pieces: Buffer[] }

/** The first events of a stream, and one piece of text each, as bytes of the format. */
function canned(format: string): Canned {
  const { codec, framing } = protocols.get(format)!
  const encoder = codec!.encodeStream({ request: conversation, id: 'bench', nowS: 1_700_000_000 })
  const write = (...events: ChatEvent[]): Buffer => Buffer.from(events.map((event) => encoder.write(event)).join(''), framing === 'aws-event-stream' ? 'latin1' : 'utf8')
  const head = write({ type: 'start', id: 'answer_1', model: format, createdAt: 1_700_000_000 }, { type: 'part', choice: 0, part: { type: 'text', text: '' } }, { type: 'delta', choice: 0, text: 'Well' })
  return { type: types[framing], head, pieces: words.map((text) => write({ type: 'delta', choice: 0, text })) }
}

/** All vendors at one port, told apart by the first part of the path. */
class Vendors {
  /** Events that went out. */
  sent = 0
  readonly #open = new Set<{ response: ServerResponse; pieces: Buffer[]; next: number }>()
  readonly #server = createServer({ noDelay: true }, (request, response) => {
    const { type, head, pieces } = this.#canned.get(request.url!.split('/')[1]!)!
    const stream = { response, pieces, next: 0 }
    request.resume()
    response.writeHead(200, { 'content-type': type })
    response.write(head)
    response.once('close', () => this.#open.delete(stream))
    this.#open.add(stream)
  })
  readonly #canned = new Map(vendorFormats.map((format) => [format, canned(format)]))
  /** A part of the streams each few ms, so that they do not come as one burst. */
  #turn = 0
  readonly #timer = setInterval(() => {
    const turn = this.#turn++ % 4
    let i = 0
    for (const stream of this.#open) {
      if (i++ % 4 !== turn) continue
      stream.response.write(stream.pieces[stream.next++ % stream.pieces.length]!)
      this.sent++
    }
  }, eventEveryMs / 4)

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  get open(): number { return this.#open.size }

  close(): void {
    clearInterval(this.#timer)
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

export interface FormatStreams {
  /** CPU of the gateway for one event of a stream in one format to a client of another, µs. */
  window(vendor: string, client: string): Promise<number>
  close(): void
}

export async function startFormatStreams(): Promise<FormatStreams> {
  const pin = (processor: number, pid: number): void => void execFileSync('taskset', ['-a', '-p', '-c', String(processor), String(pid)], { stdio: 'ignore' })
  const vendors = new Vendors()
  const gateway = fork(join(import.meta.dirname, 'format-gateway.ts'), [String(await vendors.listen())], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: ['--min-semi-space-size=64', '--max-semi-space-size=64'] })
  const { port, key } = await new Promise<{ port: number; key: string }>((resolve, reject) => {
    gateway.once('message', (message) => resolve(message as { port: number; key: string }))
    gateway.once('exit', (code) => reject(new Error(`The gateway of the bench ended with exit code ${String(code)}.`)))
  })
  pin(0, gateway.pid!)
  pin(1, process.pid)
  const agent = new Agent({ maxSockets: streams })
  const open = (vendor: string, client: string): ClientRequest => {
    const { body }: { body: JsonObject } = protocols.get(client)!.codec!.encodeRequest({ ...conversation, model: vendor }, { model: vendor, proofs: '', mostOutputTokens: 100_000, reasoning: null })
    const sent = request({ agent, host: '127.0.0.1', port, path: paths[client]!.replace('{model}', vendor), method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } }, (response) => {
      if (response.statusCode !== 200) throw new Error(`${client} to ${vendor} was answered with ${response.statusCode}.`)
      response.on('error', () => {})
      response.resume()
    })
    sent.on('error', () => {})
    sent.end(JSON.stringify({ ...body, ...(!paths[client]!.includes('{model}') && { model: vendor, stream: true }) }))
    return sent
  }
  return {
    async window(vendor, client) {
      const clients = Array.from({ length: streams }, () => open(vendor, client))
      await wait(inFlowAfterMs)
      if (vendors.open !== streams) throw new Error(`${vendors.open} of ${streams} streams of ${client} to ${vendor} are open.`)
      const [cpuBefore, sentBefore] = [cpuUs(gateway.pid!).all, vendors.sent]
      await wait(windowMs)
      const us = (cpuUs(gateway.pid!).all - cpuBefore) / (vendors.sent - sentBefore)
      for (const each of clients) each.destroy()
      while (vendors.open > 0) await wait(10)
      return us
    },
    close() {
      agent.destroy()
      vendors.close()
      gateway.disconnect()
    },
  }
}
