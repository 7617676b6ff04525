/** A gateway whose cache is on, before a vendor that never gives the same answer twice and says who asked it. The model's name says how it answers. */
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after } from 'node:test'
import type { Exchange } from '../../src/gateway/exchange.ts'
import type { CachePolicy } from '../../src/gateway/exact-cache.ts'
import { noRateLimit, type KeyEntry } from '../../src/gateway/snapshot.ts'
import { providerAt, startRig, testPrices, type Rig, type RigOptions } from './harness.ts'
import { project, team } from './rows.ts'

export interface Got { status: number; headers: Headers; text: string; cache: string }
export interface CacheRig extends Rig {
  /** Of all that came to the vendor. */
  arrived: { model: string; authorization: string }[]
  /** Set: how answers are kept for all requests, as a routing policy would. */
  policy: ((exchange: Exchange) => CachePolicy | null) | null
  ask(body: Record<string, unknown>, key?: string, headers?: Record<string, string>): Promise<Got>
}

const chunk = (delta: object, finish: string | null = null): string => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
const lastOf = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], usage })}\n\ndata: [DONE]\n\n`

/** What each model does wrong; the others answer whole. */
export const faulty = ['length', 'content_filter', 'refusal', 'error', 'error-in-200', 'cut', 'empty', 'no-reason', 'no-end', 'slow'] as const

function plain(response: ServerResponse, model: string, text: string): void {
  if (model === 'error') return void response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"no"}}')
  response.writeHead(200, { 'content-type': 'application/json', 'openai-model': model, 'x-request-id': text, ...(model === 'cut' && { 'content-length': '100000' }) })
  if (model === 'empty') return void response.end('{}')
  if (model === 'error-in-200') return void response.end('{"error":{"message":"no","code":500}}')
  const said = model === 'large' ? 'x'.repeat(3 * 1024 * 1024) : text
  const finish = model === 'no-reason' ? null : model === 'length' || model === 'content_filter' ? model : 'stop'
  const body = JSON.stringify({ id: `chatcmpl-${text}`, object: 'chat.completion', created: 1, model, choices: [{ index: 0, message: { role: 'assistant', content: model === 'refusal' ? null : said, refusal: model === 'refusal' ? 'No.' : null }, finish_reason: finish }], usage })
  if (model === 'slow') setTimeout(() => response.end(body), 300)
  else if (model === 'cut') response.write(body.slice(0, 50), () => response.destroy())
  else response.end(body)
}

function streamed(response: ServerResponse, model: string, text: string): void {
  if (model === 'error') return plain(response, model, text)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  if (model === 'empty') return void response.end()
  response.write(chunk({ role: 'assistant', content: '' }) + chunk(model === 'refusal' ? { refusal: text } : { content: text }))
  if (model === 'large') for (let i = 0; i < 48; i++) response.write(chunk({ content: 'x'.repeat(64 * 1024) }))
  if (model === 'error-in-200') return void setTimeout(() => response.end('data: {"error":{"message":"no","code":500}}\n\n'), 30)
  if (model === 'cut') return void setTimeout(() => response.destroy(), 30)
  const end = chunk({}, model === 'no-reason' ? null : model === 'length' || model === 'content_filter' ? model : 'stop')
  if (model === 'slow') setTimeout(() => response.end(end + lastOf), 300)
  else response.end(model === 'no-reason' ? '' : model === 'no-end' ? end : end + lastOf)
}

const isFaulty = (model: string): boolean => ['error', 'error-in-200', 'cut', 'empty'].includes(model)

/** In Anthropic's format, ended as the model's name says. */
function messages(response: ServerResponse, reason: string, stream: boolean, text: string): void {
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude', content: [{ type: 'text', text }], stop_reason: reason, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } }
  response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' })
  if (!stream) return void response.end(JSON.stringify(message))
  for (const [name, data] of [
    ['message_start', { message: { ...message, content: [], stop_reason: null } }], ['content_block_start', { index: 0, content_block: { type: 'text', text: '' } }], ['content_block_delta', { index: 0, delta: { type: 'text_delta', text } }],
    ['content_block_stop', { index: 0 }], ['message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 1 } }], ['message_stop', {}],
  ] as const) response.write(`event: ${name}\ndata: ${JSON.stringify({ type: name, ...data })}\n\n`)
  response.end()
}

async function startVendor(): Promise<{ url: string; arrived: CacheRig['arrived'] }> {
  const arrived: CacheRig['arrived'] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      const { model, stream } = JSON.parse(Buffer.concat(parts).toString()) as { model: string; stream?: boolean }
      const authorization = String(request.headers['authorization'])
      const number = arrived.push({ model, authorization })
      const text = `answer ${number} for ${authorization}`
      if (request.url!.endsWith('/messages')) messages(response, model, stream === true, text)
      else if (request.url!.endsWith('/embeddings') && !isFaulty(model)) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data: [{ object: 'embedding', index: 0, embedding: [number, ...model === 'large' ? Array.from({ length: 700_000 }, () => 0.5) : []] }], model, usage: { prompt_tokens: 1, total_tokens: 1 } }))
      else if (stream === true) streamed(response, model, text)
      else plain(response, model, text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  after(() => { server.closeAllConnections(); server.close() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, arrived }
}

/** Two organisations, `org_test` and `org_b`; in the first the teams `team_a` and `team_b`, with a project `proj_a` in the first of them. */
export async function startCacheRig(options: Partial<RigOptions> = {}): Promise<CacheRig> {
  const { url, arrived } = await startVendor()
  const shop = (secret: string) => providerAt('shop', url, { endpoints: ['chat', 'completions', 'embeddings'] }, [secret])
  const rig = await startRig({ attempts: 1, providers: () => [shop('sk-a'), providerAt('claude', url, { formats: [{ protocol: 'anthropic-messages' }], endpoints: ['chat'], proofs: 'anthropic' })], ...options })
  rig.publish((organisation, data) => {
    organisation.cacheTtlMs = 60_000
    for (const model of ['one', 'two']) organisation.deployments.push({ id: `shop-${model}`, model, provider: 'shop', upstreamModel: model, price: { version: 't', base: testPrices, tiers: [] }, priceAs: null })
    data.organisations.push({ id: 'org_b', name: 'B', timeZone: 'UTC', budget: null, rateLimit: noRateLimit, unknownPrice: 'allow', storesContent: false, cacheTtlMs: 60_000, providers: [shop('sk-b')], deployments: organisation.deployments.filter(({ provider }) => provider === 'shop'), aliases: [] })
    data.settings.soleOrg = null
  })
  rig.govern(team('team_a'), team('team_b'), project('proj_a', 'team_a'))
  const made: CacheRig = {
    ...rig, arrived, policy: null,
    async ask(body, key = rig.key, headers = {}) {
      const response = await fetch(`${rig.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify({ model: 'one', messages: [{ role: 'user', content: 'hi' }], megarouter: { cache: true }, ...body }) })
      const text = await response.text().catch(() => 'cut')
      return { status: response.status, headers: response.headers, text, cache: response.headers.get('x-megarouter-cache')! }
    },
  }
  const { cache } = rig.gateway
  const find = cache.find.bind(cache)
  cache.find = (exchange, deployments) => {
    if (made.policy !== null) exchange.cachePolicy = made.policy(exchange)
    return find(exchange, deployments)
  }
  return made
}

/** Asks twice: a miss, then a hit with the same bytes. */
export async function keeps(rig: CacheRig, body: Record<string, unknown>, key?: string, headers?: Record<string, string>): Promise<void> {
  const [first, second] = [await rig.ask(body, key, headers), await rig.ask(body, key, headers)]
  assert.deepEqual([first.cache, second.cache], ['miss', 'hit'], JSON.stringify(body))
  assert.equal(second.text, first.text)
}

export const keyIn = (rig: Rig, change: Partial<KeyEntry>): string => rig.addKey(change).text
