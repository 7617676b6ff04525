/** A strict hold is no smaller than any recorded bill, and what makes it true reaches the upstream byte for byte. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { normaliseUsage } from '../../src/catalog/usage.ts'
import { inputTokens } from '../../src/catalog/price.ts'
import { systemClock } from '../../src/clock.ts'
import { Exchange } from '../../src/gateway/exchange.ts'
import { inspect } from '../../src/gateway/inspect.ts'
import type { Deployment, Snapshot } from '../../src/gateway/snapshot.ts'
import { translate } from '../../src/gateway/translate.ts'
import { wordingFor, type Wording } from '../../src/gateway/wording.ts'
import { boundOf } from '../../src/ledger/bound.ts'
import { Calibration } from '../../src/ledger/calibration.ts'
import { limits } from '../../src/limits.ts'
import { openaiChat } from '../../src/protocols/openai-chat/index.ts'
import { vendors } from '../../src/providers/index.ts'
import type { Vendor } from '../../src/providers/provider.ts'
import { JsonScanner } from '../../src/wire/json-scanner.ts'
import { expectedRequest, type RequestForm } from '../conformance/edits.ts'
import { recordedExchanges, recordedRequests, requestBodyOf, type RecordedExchange } from '../fixtures/recorded.ts'
import { chat, startRig, testPrices, type Rig } from './harness.ts'

function exchangeOf(body: string, endpoint: string): Exchange {
  const spec = openaiChat.endpoints.find(({ name }) => name === endpoint)!
  const snapshot = { settings: { deadlines: { connectMs: 1 } } } as Snapshot
  const exchange = new Exchange({ headers: {} } as IncomingMessage, {} as ServerResponse, snapshot, { protocol: openaiChat, endpoint: spec, inPath: {} }, systemClock, '')
  exchange.body = Buffer.from(body)
  exchange.scan = new JsonScanner({ maxDepth: limits.jsonDepth, maxKeys: limits.jsonKeys, unique: new Set() })
  exchange.scan.push(exchange.body)
  exchange.scan.end()
  exchange.key = { org: 'o', tags: [] as readonly string[] } as Exchange['key']
  exchange.principal = { defaults: null } as Exchange['principal']
  assert.equal(inspect(exchange), null)
  return exchange
}

function deploymentOf(vendor: Vendor, upstreamModel: string, change: Partial<Deployment> = {}): Deployment {
  const provider = { id: vendor.id, identity: vendor.id, vendor, baseUrl: '', origin: '', pathPrefix: '', socketPath: null, guarded: false, credentials: [], own: null, isOpen: true }
  return { id: `${vendor.id}/${upstreamModel}`, identity: `${vendor.id}/${upstreamModel}`, provider, upstreamModel, logicalModel: upstreamModel, group: null, price: { version: 't', base: testPrices, tiers: [] }, contextTokens: 0, outputTokens: 0, reasoning: null, outputModalities: null, ...change }
}

/** The last usage object of an answer or a stream. */
function usageOf({ body, stream }: RecordedExchange): unknown {
  const texts = stream ? body.toString().split('\n').filter((line) => line.startsWith('data: {')).map((line) => line.slice(6)) : [body.toString()]
  return texts.map((text) => JSON.parse(text) as { usage?: unknown; x_groq?: { usage?: unknown } | null }).map(({ usage, x_groq: groq }) => usage ?? groq?.usage ?? null).findLast((usage) => usage !== null) ?? null
}

test('no recorded bill of a declared vendor is above the strict bound of its request', () => {
  let compared = 0
  let ended = 0
  for (const each of recordedExchanges().values()) {
    const declared = vendors.get(each.provider)
    if (!declared || declared.id === 'perplexity' || each.status !== 200 || each.requestBody === null || each.elided.length > 0 || each.endpoint === 'models') continue
    const reported = normaliseUsage(usageOf(each), declared.usage)
    if (!reported) continue
    // A reseller's prices vary, its tokens are counted like anyone's. `provider` picks one and is refused for it.
    const vendor = { ...declared, bounds: { ...declared.bounds, priceVaries: false } }
    const body = JSON.stringify({ ...(JSON.parse(each.requestBody) as object), ...(declared.bounds.priceVaries ? { provider: null } : {}) })
    const asked = exchangeOf(body, each.endpoint).asked!
    const { capability } = openaiChat.endpoints.find(({ name }) => name === each.endpoint)!
    const deployment = deploymentOf(vendor, each.model ?? asked.model, { contextTokens: 1_000_000, outputTokens: 128_000 })
    const bound = boundOf(asked, capability, deployment, 'strict', Infinity, new Calibration())
    if ('code' in bound) {
      assert.match(bound.message, /web_search_options|runs tools of its own|the field "(grammar|cache_prompt|venice_parameters)"/, each.id)
      continue
    }
    const { usage } = reported
    assert.ok(inputTokens(usage) <= bound.maxInputTokens, `${each.provider} ${each.id}: ${inputTokens(usage)} input tokens, ${bound.maxInputTokens} promised`)
    const output = usage.output + usage.reasoning + usage.audioOut + usage.imageOut
    assert.ok(output <= bound.maxOutputTokens, `${each.provider} ${each.id}: ${output} output tokens, ${bound.maxOutputTokens} promised`)
    compared++
    if (bound.maxTokens === null && output === bound.maxOutputTokens) ended++
  }
  assert.ok(compared > 1000, String(compared))
  assert.ok(ended > 100, `${ended} answers ended at the very limit, so that it is a limit`)
})

test('the image of a vendor that is declared to bound it is bounded without a context window', () => {
  const image = [...recordedExchanges().values()].filter(({ provider, requestBody, status, elided }) => provider === 'openai' && status === 200 && elided.length === 0 && requestBody?.includes('"image_url"'))
  assert.ok(image.length >= 3)
  for (const each of image) {
    const bound = boundOf(exchangeOf(each.requestBody!, each.endpoint).asked!, 'chat', deploymentOf(vendors.get('openai')!, each.model!), 'strict', Infinity, new Calibration())
    assert.ok('holdNano' in bound, JSON.stringify(bound))
    assert.ok(inputTokens(normaliseUsage(usageOf(each), vendors.get('openai')!.usage)!.usage) <= bound.maxInputTokens)
  }
})

test('what real clients send can be bounded', () => {
  let requests = 0
  for (const { path, body } of recordedRequests()) {
    const spec = openaiChat.endpoints.find((each) => path.split('?')[0]!.endsWith(each.path))
    if (!spec) continue
    const { extra, media } = exchangeOf(body, spec.name).asked!.size.shape()
    assert.deepEqual([extra, media], [null, null], path)
    requests++
  }
  assert.ok(requests > 20, String(requests))
})

test('the output limit is spliced in and all else stays byte for byte, for every recorded request and vendor', () => {
  for (const each of recordedExchanges().values()) {
    const { endpoint } = each
    if (endpoint === 'models' || endpoint === 'embeddings') continue
    const recorded = requestBodyOf(each).replace(/^\{/, '{ "megarouter":{},')
    const plain = { sent: recorded, exchange: exchangeOf(recorded, endpoint) }
    const nine = { sent: withNineLetters(recorded), exchange: exchangeOf(withNineLetters(recorded), endpoint) }
    for (const vendor of [...vendors.values()].filter(({ formats }) => formats.some(({ protocol }) => protocol === 'openai-chat'))) {
      const { quirks } = vendor
      const { sent, exchange } = quirks.nineLetterIds ? nine : plain
      const other = quirks.maxTokensField === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens'
      const isChat = endpoint === 'chat.completions'
      const renames = isChat && quirks.otherLimit === 'renamed' ? { renames: [quirks.maxTokensField, other] as const } : {}
      const fields: string[] = !isChat ? ['max_tokens'] : quirks.otherLimit === 'renamed' ? [quirks.maxTokensField] : [quirks.maxTokensField, other]
      const certain = quirks.otherLimit === 'unknown' ? 1 : fields.length
      const form: RequestForm = { ...renames, usage: ({ on_request: 'asked', always: 'unasked', refuses_to_be_asked: 'refused' } as const)[quirks.streamUsage], developerAsSystem: !quirks.developerRole, listsAsText: !quirks.contentParts }
      const target = { deployment: deploymentOf(vendor, 'up"stream'), credential: { id: 'c', secret: '', last4: '' }, delayMs: 0 } as unknown as Parameters<typeof translate>[2]
      for (const tokens of [1, 50, 4096]) {
        const { request } = translate(exchange, wording(exchange, target), target, 1, 'ua', tokens)
        const expected = expectedRequest(sent, 'up"stream', { ...form, limit: { fields, certain, tokens } })
        assert.equal(String(request.body), expected, `${vendor.id} ${each.id}`)
        // The vendor reads a limit, and none that is larger.
        const parsed = JSON.parse(expected) as Record<string, number | null | undefined>
        const read = fields.map((field) => parsed[field]).filter((limit) => limit !== null && limit !== undefined)
        assert.ok(fields.slice(0, certain).some((field) => Number(parsed[field]) >= 1) && read.every((limit) => limit <= tokens), `${vendor.id} ${each.id}`)
      }
      assert.equal(String(translate(exchange, wording(exchange, target), target, 1, 'ua').request.body), expectedRequest(sent, 'up"stream', form))
    }
  }
})

/** As a client writes the ids of calls that knows what its vendor takes. */
function withNineLetters(text: string): string {
  const ids = new Map<string, string>()
  return text.replace(/"(id|tool_call_id)"(\s*:\s*)"([^"]+)"/g, (_, key: string, colon: string, id: string) => {
    if (!ids.has(id)) ids.set(id, `id${String(ids.size).padStart(7, '0')}`)
    return `"${key}"${colon}"${ids.get(id)!}"`
  })
}

/** What passes as it came. */
function wording(exchange: Exchange, { deployment }: Parameters<typeof translate>[2]): Wording {
  const passes = wordingFor(exchange, deployment)
  if ('code' in passes) throw new Error(passes.message)
  return passes
}

const body = { model: 'priced', messages: [{ role: 'user', content: 'hi' }] }
const withBudget = (rig: Rig, limitNano: number, mode: 'strict' | 'standard'): Record<string, string> => ({ authorization: `Bearer ${rig.addKey({ budget: { limitNano, period: 'total', mode } }).text}` })
const arrived = (rig: Rig): Record<string, unknown> => JSON.parse(rig.upstream.log.at(-1)!.body.toString()) as Record<string, unknown>

test('under a strict budget the upstream gets a limit, and the client is told', async () => {
  const rig = await startRig()
  const headers = withBudget(rig, 10e9, 'strict')
  const unlimited = await chat(rig, body, headers)
  assert.equal(unlimited.status, 200, unlimited.text)
  assert.equal(arrived(rig)['max_completion_tokens'], 4096)
  assert.match(unlimited.headers.get('x-megarouter-warnings') ?? '', /output limited to 4096 tokens/)
  const limited = await chat(rig, { ...body, max_completion_tokens: 77 }, headers)
  assert.equal(arrived(rig)['max_completion_tokens'], 77)
  assert.equal(limited.headers.get('x-megarouter-warnings'), null)
})

test('what is left of a budget becomes the limit of an answer; less than 1,024 tokens are refused', async () => {
  const rig = await startRig()
  for (const mode of ['strict', 'standard'] as const) {
    // $0.03: 2,000 output tokens at $15 per million, less the input.
    const reply = await chat(rig, body, withBudget(rig, 30_000_000, mode))
    assert.equal(reply.status, 200, reply.text)
    const limit = Number(arrived(rig)['max_completion_tokens'])
    assert.ok(limit > 1800 && limit < 2000, `${mode}: ${limit}`)
    assert.match(reply.headers.get('x-megarouter-warnings') ?? '', new RegExp(`output limited to ${limit} tokens`))
    const count = rig.upstream.log.length
    const refused = await chat(rig, body, withBudget(rig, 15_000_000, mode))
    assert.equal(refused.status, 402, refused.text)
    assert.equal(rig.upstream.log.length, count)
  }
})

test('what a strict budget cannot bound is refused before anything is sent, and a standard one takes it', async () => {
  const rig = await startRig()
  const image = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] }]
  for (const [more, words] of [[{ web_search_options: {} }, /web_search_options/], [{ tools: [{ type: 'web_search' }] }, /a tool of the type/], [{ messages: image }, /context window/], [{ service_tier: 'priority' }, /service tier/]] as const) {
    const refused = await chat(rig, { ...body, ...more }, withBudget(rig, 10e9, 'strict'))
    assert.equal(refused.status, 403, refused.text)
    assert.equal((JSON.parse(refused.text) as { error: { code: string } }).error.code, 'budget_unenforceable')
    assert.match(refused.text, words)
    assert.equal(rig.upstream.log.length, 0)
  }
  const taken = await chat(rig, { ...body, web_search_options: {} }, withBudget(rig, 10e9, 'standard'))
  assert.equal(taken.status, 200, taken.text)
  const unpriced = await chat(rig, { ...body, model: 'up/echo-5' }, withBudget(rig, 10e9, 'strict'))
  assert.equal(unpriced.status, 403, unpriced.text)
  assert.match(unpriced.text, /price_unknown/)
})

test('M7: streams run side by side by slices where their worst cases would not fit; one more than there are slices is refused', async () => {
  const rig = await startRig()
  rig.upstream.script('echo-20', 'delay:300')
  // A slice is 2,048 tokens at $15 per million, and the input; 100,000 tokens are $1.50.
  const headers = withBudget(rig, 5 * 31_000_000, 'standard')
  const ask = () => chat(rig, { ...body, stream: true, max_completion_tokens: 100_000 }, headers)
  const replies = await Promise.all(Array.from({ length: 6 }, ask))
  assert.deepEqual(replies.map(({ status }) => status).toSorted(), [200, 200, 200, 200, 200, 402])
  for (const { status, text } of replies) if (status === 200) assert.ok(text.endsWith('data: [DONE]\n\n'))
  const { text } = await chat(rig, { ...body, max_completion_tokens: 100_000 }, headers)
  assert.match(text, /budget_exceeded/, 'an answer that is not streamed holds its worst case')
  assert.deepEqual([rig.money.ledger.held().heldNano, rig.alarms], [0, []])
})
