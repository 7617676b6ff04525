/**
 * What every declared vendor must do through the real data plane: each check sends requests to a gateway in front of a server that speaks
 * the vendor's dialect, and throws where the declaration does not fit it. New checks are added here, never for one vendor.
 */
import assert from 'node:assert/strict'
import type { ProviderData } from '../../src/gateway/snapshot.ts'
import { vendorsInEnvironment } from '../../src/control/vendor-environment.ts'
import type { Vendor } from '../../src/providers/provider.ts'
import { usageFlags } from '../../src/store/records.ts'
import type { RequestRecord } from '../../src/store/records.ts'
import { startRig, testPrices, type Rig } from '../gateway/harness.ts'
import { startDialectUpstream, keyOf, unlimitedTokens, type Arrival, type DialectUpstream } from './dialect-upstream.ts'
import type { Dialect, LimitField, Made } from './dialects.ts'

export interface Subject { vendor: Vendor; dialect: Dialect }

export interface Bench extends Subject {
  rig: Rig
  upstream: DialectUpstream
  /** Sends a request of the vendor's model and waits for its record. */
  ask(body: Record<string, unknown>, options?: AskOptions): Promise<Reply>
}

interface AskOptions { path?: string; key?: string }
interface Reply { status: number; text: string; record: RequestRecord; arrival: Arrival | undefined }

const modelOf = ({ id }: Vendor): string => `of-${id}`

/** One gateway for all subjects. */
export async function startBench(subjects: readonly Subject[]): Promise<(subject: Subject) => Bench> {
  const upstream = await startDialectUpstream((id) => subjects.find(({ vendor }) => vendor.id === id)!.dialect)
  const providers = subjects.map(({ vendor, dialect }): ProviderData => ({
    id: vendor.id, baseUrl: `${upstream.url}/${vendor.id}${basePathOf(vendor, dialect)}`, vendor, socketPath: null, guarded: false,
    credentials: vendor.auth === 'none' ? [] : [{ id: `key-${vendor.id}`, secret: keyOf(vendor.id), last4: 'last' }],
  }))
  const rig = await startRig({ providers: () => providers, attempts: 1, closes: [() => upstream.close()] })
  rig.publish((organisation) => {
    organisation.deployments = subjects.map(({ vendor }) => ({ id: modelOf(vendor), model: modelOf(vendor), provider: vendor.id, upstreamModel: 'model-1', price: { version: 't', base: testPrices, tiers: [] }, priceAs: null }))
  })
  return (subject) => ({ ...subject, rig, upstream, ask: (body, options) => ask(rig, upstream, subject, body, options) })
}

/** Path of the address that the declaration gives; of a server of one's own the documented one. */
function basePathOf({ baseUrl, places = {} }: Vendor, dialect: Dialect): string {
  if (baseUrl === undefined) return new URL(dialect.url).pathname.replace(/\/(chat\/completions|embeddings)$/, '')
  const address = Object.keys(places).reduce((url, name) => url.replaceAll(`{${name}}`, dialect.places[name] ?? `no-${name}`), baseUrl)
  return new URL(address).pathname.replace(/\/$/, '')
}

async function ask(rig: Rig, upstream: DialectUpstream, { vendor }: Subject, body: Record<string, unknown>, { path = '/v1/chat/completions', key = rig.key }: AskOptions = {}): Promise<Reply> {
  const [recorded, arrived] = [rig.records.length, upstream.arrivals.length]
  const response = await fetch(`${rig.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: JSON.stringify({ model: modelOf(vendor), ...body }) })
  const text = await response.text()
  await rig.recorded(recorded + 1)
  return { status: response.status, text, record: rig.records[recorded]!, arrival: upstream.arrivals[arrived] }
}

const user = (content: unknown): { role: string; content: unknown } => ({ role: 'user', content })
const hello = { messages: [user('hello')] }
const servesChat = ({ vendor }: Bench): boolean => vendor.endpoints.includes('chat')

/** The vendor's own count, to the token, and nothing about it in doubt. */
function counted({ record, arrival }: Reply, flags = 0): void {
  const made = arrival!.made!
  const { usage, flags: told } = record.attempts.at(-1)!
  const got: Made = { input: usage.input, cached: usage.cacheRead, output: usage.output, reasoning: usage.reasoning }
  assert.deepEqual(got, made)
  assert.equal(told, flags, 'flags')
}

const served = ({ status, text }: Reply): void => assert.equal(status, 200, text)

export const checks: Readonly<Record<string, (bench: Bench) => void | Promise<void>>> = {
  'is switched on by its variables, at the documented address': ({ vendor, dialect }) => {
    const own = vendor.baseUrl === undefined
    const base = dialect.url.replace(/\/(chat\/completions|embeddings)$/, '')
    for (const key of dialect.keys.length > 0 ? dialect.keys : [undefined]) {
      const { on, problems } = vendorsInEnvironment([vendor], { ...dialect.places, ...(key && { [key]: 'sk' }), ...(own && { [vendor.baseUrlEnv]: base }) })
      assert.deepEqual(problems, [])
      assert.deepEqual(on.map(({ baseUrl, keys }) => [baseUrl ?? vendor.baseUrl, keys.map(({ name }) => name)]), [[base, key ? [key] : []]])
    }
    const elsewhere = vendorsInEnvironment([vendor], { [vendor.baseUrlEnv]: 'http://127.0.0.1:9/v1/', ...(vendor.env[0] && { [vendor.env[0]]: 'sk' }) })
    assert.deepEqual(elsewhere.on.map(({ baseUrl }) => baseUrl), ['http://127.0.0.1:9/v1'])
  },

  'a plain answer is the vendor’s, and its usage is counted in disjoint classes': async (bench) => {
    if (!servesChat(bench)) return
    const reply = await bench.ask(hello)
    served(reply)
    assert.match(reply.text, /w0 w1 /)
    counted(reply)
  },

  'a stream is passed on, and its usage is counted although the client did not ask for it': async (bench) => {
    if (!servesChat(bench)) return
    for (const options of [{}, { stream_options: { include_usage: true } }]) {
      const reply = await bench.ask({ ...hello, stream: true, ...options })
      served(reply)
      assert.ok(reply.text.endsWith('data: [DONE]\n\n'), reply.text.slice(-200))
      counted(reply)
      const isAsked = 'stream_options' in options
      if (bench.dialect.usage === 'asked') assert.equal(reply.text.includes('"choices":[],"usage"'), isAsked, 'the usage chunk is for those who asked')
    }
  },

  'tools are called, and their results taken, with a developer’s message': async (bench) => {
    if (!servesChat(bench)) return
    const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]
    const before = [{ role: 'developer', content: 'be brief' }, user([{ type: 'text', text: 'weather' }, { type: 'text', text: ' in Oslo?' }])]
    for (const stream of [false, true]) {
      const call = await bench.ask({ messages: before, tools, stream })
      served(call)
      assert.match(call.text, /"tool_calls":\[\{.*"arguments":"\{\\"city\\":\\"Oslo\\"\}"/)
      const calls = [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } }]
      const result = { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'rain\n"hard"' }] }
      const answer = await bench.ask({ messages: [...before, { role: 'assistant', content: null, tool_calls: calls }, result], tools, stream })
      served(answer)
      counted(answer)
      const [first, second] = answer.arrival!.body['messages'] as { role: string; content: unknown }[]
      assert.equal(first!.role, bench.dialect.developer ? 'developer' : 'system')
      assert.equal(JSON.stringify(second!.content).replace(/.*?"text":"(.*?)".*?"text":"(.*?)".*/, '"$1$2"'), '"weather in Oslo?"')
    }
  },

  'a limit bounds, under either name where the vendor’s is known': async (bench) => {
    if (!servesChat(bench)) return
    const { quirks, bounds } = bench.vendor
    for (const field of ['max_tokens', 'max_completion_tokens'] satisfies LimitField[]) {
      if (quirks.otherLimit === 'unknown' && field !== quirks.maxTokensField) continue
      const reply = await bench.ask({ ...hello, [field]: 7 })
      served(reply)
      assert.equal(reply.arrival!.made!.output + reply.arrival!.made!.reasoning, Math.min(unlimitedTokens, Math.max(7, bounds.leastOutputTokens)), field)
      counted(reply)
    }
  },

  'a strict budget is never exceeded, whichever limit the client sets': async (bench) => {
    if (!servesChat(bench)) return
    const { text: key } = bench.rig.addKey({ budget: { limitNano: 1e12, period: 'total', mode: 'strict' } })
    for (const limits of [{}, { max_tokens: 7 }, { max_completion_tokens: 7 }, { max_tokens: 9, max_completion_tokens: 7 }]) {
      const reply = await bench.ask({ ...hello, ...limits }, { key })
      if (bench.vendor.bounds.priceVaries || bench.vendor.bounds.reasoningBeyondLimit) {
        assert.match(reply.text, /budget_unenforceable/)
        assert.equal(reply.arrival, undefined)
        continue
      }
      served(reply)
      const read = bench.dialect.limits.map((field) => reply.arrival!.body[field])
      assert.ok(read.some((limit) => typeof limit === 'number'), `no limit was read: ${JSON.stringify(reply.arrival!.body)}`)
      const most = Object.values(limits).length > 0 ? Math.max(...Object.values(limits)) : unlimitedTokens
      assert.ok(reply.arrival!.made!.output + reply.arrival!.made!.reasoning <= Math.max(most, bench.vendor.bounds.leastOutputTokens), JSON.stringify(limits))
    }
    assert.equal(bench.rig.money.ledger.held().heldNano, 0)
  },

  'an error is told in the vendor’s words, and billed where the vendor bills it': async (bench) => {
    if (!servesChat(bench)) return
    for (const status of [400, 401, 408, 422, 500]) {
      const reply = await bench.ask({ messages: [user(`fail ${status}`)] })
      assert.equal(reply.status, status, reply.text)
      assert.match(reply.text, /it failed/)
      const attempt = reply.record.attempts.at(-1)!
      assert.match(attempt.errorText ?? '', /it failed/)
      assert.equal(attempt.costNano > 0, bench.dialect.billsErrors.includes(status), `${status} billed`)
    }
  },

  'a client that leaves stops a vendor that then stops billing, and waits for the bill of one that does not': async (bench) => {
    if (!servesChat(bench)) return
    const { rig, upstream, dialect, vendor } = bench
    const [recorded, arrived] = [rig.records.length, upstream.arrivals.length]
    const leaving = new AbortController()
    const response = await fetch(`${rig.url}/v1/chat/completions`, {
      method: 'POST', signal: leaving.signal, headers: { authorization: `Bearer ${rig.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: modelOf(vendor), messages: [user('slow')], stream: true }),
    })
    await response.body!.getReader().read()
    leaving.abort()
    await rig.recorded(recorded + 1)
    const attempt = rig.records[recorded]!.attempts.at(-1)!
    const arrival = upstream.arrivals[arrived]!
    if (dialect.billsAfterAbort) {
      assert.equal(attempt.outcome, 'drained')
      counted({ status: 499, text: '', record: rig.records[recorded]!, arrival })
    } else {
      assert.equal(attempt.outcome, 'cancelled')
      while (!arrival.cut) await new Promise((resolve) => setTimeout(resolve, 5))
      assert.ok((attempt.flags & usageFlags.estimated) > 0 && attempt.usage.output < arrival.made!.output)
    }
  },

  'embeddings are passed on and counted': async (bench) => {
    if (!bench.vendor.endpoints.includes('embeddings')) return
    const reply = await bench.ask({ input: ['a', 'b'] }, { path: '/v1/embeddings' })
    served(reply)
    counted(reply)
  },
}
