/**
 * What vendors of every format refuse, through every inbound format: the vendor's status and words, in the form that the client's SDK reads,
 * and what it means by the name that the client's format has for it. What is no answer at all is never a success.
 */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { Protocol } from '../../src/protocols/protocol.ts'
import { closeConnections, overAll, post, type RawAnswer } from './ask.ts'
import { isReadable } from './compare.ts'
import { clients, textOf } from './format-clients.ts'
import { formats, nameOf, recordedOf, sampled, startFormatRig, type Recorded } from './format-rig.ts'
import { sdkError } from './sdk-answers.ts'
import { vendorErrors, type Meaning, type VendorError } from './vendor-errors.ts'

const inbound = formats.filter(({ id }) => id in clients)
const protocolOf = new Map(formats.map((each) => [each.id, each]))
const byFormat = new Map(formats.map((protocol) => [protocol, recordedOf(protocol)]))

const refused = [...byFormat.values()].flatMap((exchanges) => sampled(exchanges).filter(({ status }) => status >= 400))
/** One whole answer and one stream of each format, to be spoilt. */
const sound = [...byFormat.values()].flatMap((exchanges) => [false, true].map((stream) => exchanges.find((each) => each.stream === stream && each.status === 200 && each.framing !== 'chunks' && each.body.length > 300)!))
const told = vendorErrors.filter(({ format }) => protocolOf.has(format)).map((each, index): Recorded & { said: VendorError } => ({
  ...byFormat.get(protocolOf.get(each.format)!)![0]!, id: `told-${index}`, stream: false, status: each.status, framing: 'json', headers: { 'content-type': 'application/json', ...each.headers }, body: Buffer.from(JSON.stringify(each.body)), said: each,
}))

const rig = await startFormatRig([...refused, ...sound, ...told])
after(closeConnections)

function ask(to: Protocol, { id, stream }: Recorded): Promise<RawAnswer> {
  rig.forget()
  const { path, headers, body } = clients[to.id]!.asks(nameOf(id), stream)
  return post({ url: rig.url, key: rig.key }, path, JSON.stringify(body), headers)
}

interface Form { message: string; word: string; requestId: string | undefined }

/** An error as the format has it; throws where it is none. */
function formOf({ id }: Protocol, { status, body }: RawAnswer): Form {
  const { type, error, request_id: requestId, ...flat } = JSON.parse(body.toString()) as { id?: string; __type?: string; message?: string; requestId?: string; type?: string; request_id?: string; error: { message: string; type?: string; code?: unknown; param?: unknown; status?: string; request_id?: string; details?: { metadata?: { request_id?: string } }[] } }
  switch (id) {
    case 'cohere-chat':
      return { message: flat.message!, word: '', requestId: flat.id }
    case 'ollama-chat':
      assert.equal(typeof error, 'string')
      return { message: String(error), word: '', requestId }
    case 'bedrock-converse':
    case 'bedrock-invoke':
      return { message: flat.message!, word: flat.__type!, requestId: flat.requestId }
  }
  assert.equal(typeof error.message, 'string')
  switch (id) {
    case 'anthropic-messages':
      assert.equal(type, 'error')
      return { message: error.message, word: error.type!, requestId }
    case 'gemini-generate':
      assert.equal(error.code, status)
      return { message: error.message, word: error.status!, requestId: error.details?.[0]?.metadata?.request_id }
    default:
      assert.ok('type' in error && 'code' in error && 'param' in error, body.toString())
      return { message: error.message, word: String(error.code), requestId: error.request_id }
  }
}

/** What a meaning is called, where the format has a word for it beside the status. */
const ofBedrock: Partial<Record<Meaning, RegExp>> = { context_window: /^ValidationException$/, content_policy: /^ValidationException$/, rate_limit: /^ThrottlingException$/, auth: /^(AccessDenied|Validation)Exception$/, not_found: /^ResourceNotFoundException$/, overloaded: /^ServiceUnavailableException$/, server: /^InternalServerException$/ }
const words: Readonly<Record<string, Partial<Record<Meaning, RegExp>>>> = {
  'openai-chat': { context_window: /^context_length_exceeded$/, content_policy: /^content_policy_violation$/, rate_limit: /^rate_limit_exceeded$/, quota: /^insufficient_quota$/, overloaded: /overloaded/ },
  'openai-responses': { context_window: /^context_length_exceeded$/, content_policy: /policy|invalid_prompt/, rate_limit: /^rate_limit_exceeded$/, quota: /^insufficient_quota$/, overloaded: /overloaded/ },
  'anthropic-messages': { context_window: /^invalid_request_error$/, content_policy: /^invalid_request_error$/, rate_limit: /^rate_limit_error$/, auth: /^(authentication|permission|invalid_request)_error$/, not_found: /^not_found_error$/, overloaded: /^overloaded_error$/, server: /^api_error$/ },
  'gemini-generate': { context_window: /^INVALID_ARGUMENT$/, content_policy: /^INVALID_ARGUMENT$/, rate_limit: /^RESOURCE_EXHAUSTED$/, auth: /^(UNAUTHENTICATED|PERMISSION_DENIED|INVALID_ARGUMENT)$/, not_found: /^NOT_FOUND$/, overloaded: /^UNAVAILABLE$/, server: /^INTERNAL$/ },
  'bedrock-converse': ofBedrock, 'bedrock-invoke': ofBedrock,
  // By the status alone.
  'cohere-chat': {}, 'ollama-chat': {},
}

/** How each format ends a stream that is whole. */
const ends: Readonly<Record<string, RegExp>> = {
  'openai-chat': /\[DONE\]|"finish_reason":"/, 'openai-responses': /response\.(completed|incomplete)"/, 'anthropic-messages': /message_stop|"stop_reason":"/, 'gemini-generate': /"finishReason"/,
  'cohere-chat': /\[DONE\]|"finish_reason":"(?!ERROR)/, 'ollama-chat': /"done":true/, 'bedrock-converse': /messageStop|metadata/, 'bedrock-invoke': /message_stop|"stop_reason":"/,
}
const failures: RegExp = /"error"|event: error|response\.failed|Exception/

async function none<T extends Recorded>(exchanges: readonly T[], compare: (exchange: T) => Promise<void>): Promise<void> {
  const found: string[] = []
  await overAll(exchanges, 8, async (exchange) => {
    await compare(exchange).catch(({ message }: Error) => found.push(`${exchange.protocol.id} ${exchange.status} ${exchange.id}: ${message.slice(0, 400)}`))
  })
  assert.ok(found.length === 0, `${found.length} of ${exchanges.length} differ:\n${found.slice(0, 20).join('\n')}`)
}

for (const to of inbound) {
  describe(`errors for clients of ${to.id}`, () => {
    const recorded = refused.filter(({ protocol }) => protocol !== to)
    it(`${recorded.length} recorded ones keep their status and words, in the client’s form, with the request’s id`, async () => {
      await none(recorded, async (exchange) => {
        const answer = await ask(to, exchange)
        assert.equal(answer.status, exchange.status, answer.body.toString('utf8', 0, 200))
        const { message, requestId } = formOf(to, answer)
        assert.equal(requestId, answer.headers['x-megarouter-request-id'])
        const said = isReadable(exchange.body) ? exchange.protocol.readError(exchange.body)?.message : undefined
        if (said !== undefined) assert.ok(message.includes(said.slice(0, 100)), `${message} does not say ${said}`)
      })
    })

    const others = told.filter(({ protocol }) => protocol !== to)
    it(`${others.length} of known meaning are called what the format calls them`, async () => {
      await none(others, async (exchange) => {
        const answer = await ask(to, exchange)
        assert.equal(answer.status, exchange.status)
        const { word, message } = formOf(to, answer)
        const expected = words[to.id]![exchange.said.meaning]
        if (expected) assert.match(word, expected, `${exchange.said.meaning}: ${message}`)
        const { headers = {} } = exchange.said
        const saysWhen = 'retry-after' in headers || exchange.body.includes('retryDelay')
        assert.equal(answer.headers['retry-after'], saysWhen ? '7' : undefined)
        if (to.id === 'gemini-generate') assert.equal(/"retryDelay":"([\d.]+)s"/.exec(answer.body.toString())?.[1], saysWhen ? '7' : undefined)
        for (const [name, value] of Object.entries(headers)) if (/ratelimit/.test(name)) assert.equal(answer.headers[name], value)
      })
    })

    it(`${others.length} are errors of the official SDK, with their status`, async () => {
      await none(others, async (exchange) => {
        rig.forget()
        const { body } = clients[to.id]!.asks(nameOf(exchange.id), false)
        assert.equal(await sdkError(clients[to.id]!.sees({ url: rig.url, key: rig.key }, { model: nameOf(exchange.id), ...body }, false)), exchange.status)
      })
    })

    const whole = sound.filter(({ protocol, stream }) => protocol !== to && !stream)
    const bodies = ['', '{', 'null', '[]', '"text"', '{}', '{"unexpected":true}', '<html><body>Bad gateway</body></html>', '{"choices":[]}', '{"choices":{}}', '{"content":null}', '{"output":"x"}', '{"candidates":null}', '{"message":7}']
    it(`${whole.length * bodies.length} answers that are none are 502 with the request’s id`, async () => {
      for (const body of bodies) {
        for (const { id } of whole) rig.upstream.spoilt.set(id, Buffer.from(body))
        await none(whole, async (exchange) => {
          const answer = await ask(to, exchange)
          assert.equal(answer.status, 502, `${JSON.stringify(body)} became ${answer.status} ${answer.body.toString('utf8', 0, 300)}`)
          assert.equal(formOf(to, answer).requestId, answer.headers['x-megarouter-request-id'])
        })
      }
      rig.upstream.spoilt.clear()
    })

    const streams = sound.filter(({ protocol, stream }) => protocol !== to && stream)
    const cuts: [string, (body: Buffer) => Buffer][] = [
      ['nothing', () => Buffer.alloc(0)], ['no event of the format', () => Buffer.from('data: {"unexpected":true}\n\n')], ['no JSON', () => Buffer.from('data: {\n\n')], ['its first half', (body) => body.subarray(0, body.length / 2)],
    ]
    for (const [what, cut] of cuts) {
      it(`${streams.length} streams of ${what} end in an error of the format, and in no end of it`, async () => {
        for (const { id, body } of streams) rig.upstream.spoilt.set(id, cut(body))
        await none(streams, async (exchange) => {
          const { status, headers, body } = await ask(to, exchange)
          const text = textOf(to, body)
          assert.ok(text.includes(String(headers['x-megarouter-request-id'])), `the request’s id is missing: ${status} ${text.slice(-300)}`)
          if (status === 200) assert.match(text, failures)
          else assert.equal(status, 502, text.slice(0, 200))
          assert.doesNotMatch(text, ends[to.id]!)
        })
        rig.upstream.spoilt.clear()
      })
    }
  })
}
