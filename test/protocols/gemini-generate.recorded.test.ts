/** Real exchanges of AI Studio and Vertex, and what Google's own clients send, through the codec and back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normaliseUsage } from '../../src/catalog/usage.ts'
import type { ChatAnswer, ChatEvent, Json, JsonObject } from '../../src/protocols/canonical.ts'
import type { Client, Target } from '../../src/protocols/codec.ts'
import { camelCase, isObject, listOf } from '../../src/protocols/gemini-generate/fields.ts'
import { geminiGenerate } from '../../src/protocols/gemini-generate/index.ts'
import { jsonSchemaOf } from '../../src/protocols/gemini-generate/schema.ts'
import { Collector } from '../../src/protocols/whole.ts'
import { EventShape } from '../../src/wire/event-shape.ts'
import { JsonArrayScanner } from '../../src/wire/json-array-scanner.ts'
import { JsonScanner, noUniqueKeys } from '../../src/wire/json-scanner.ts'
import { SseScanner } from '../../src/wire/sse-scanner.ts'
import { clientRequests, recordings, type RecordedExchange } from '../fixtures/recorded.ts'

const codec = geminiGenerate.codec!
const recorded = [...recordings('gemini-generate').values()]
const answered = recorded.filter(({ status }) => status === 200)
const source = { proofs: 'google' }

const modelIn = (path: string): string => /models\/([^:]+):/.exec(path)![1]!
const placeOf = (path: string) => ({ model: modelIn(path), stream: path.includes(':streamGenerateContent') })
const targetOf = (path: string): Target => ({ model: modelIn(path), proofs: 'google', mostOutputTokens: 0, reasoning: null })
const client: Client = { request: { model: 'm', stream: true, messages: [] }, id: 'req_1', nowS: 0 }

interface Sent { id: string; path: string; body: JsonObject }
const requests: Sent[] = [
  ...recorded.filter(({ requestBody }) => requestBody !== null).map(({ id, path, requestBody }) => ({ id, path, body: JSON.parse(requestBody!) as JsonObject })),
  ...clientRequests().filter(({ path }) => /enerateContent/.test(path)).map(({ id, path, body }) => ({ id, path, body: JSON.parse(body) as JsonObject })),
]

// What is written in another way than it came: all there is, each with its reason.
const isVoid = (value: Json): boolean => value === null || (typeof value === 'object' && Object.keys(value).length === 0)
/** Google takes both spellings of a name, and null, an empty list or an empty object for what is not set. */
const named = (value: Json | undefined, drop: (value: Json) => boolean): JsonObject =>
  Object.fromEntries(Object.entries(isObject(value) ? value : {}).filter(([, each]) => !drop(each)).map(([key, each]) => [camelCase(key), each]))
/** Names of enumerations are read in any case. */
const upper = (object: JsonObject, key: string): JsonObject => (typeof object[key] === 'string' ? { ...object, [key]: object[key].toUpperCase() } : object)
/** Google's own schema and JSON Schema say the same: the second alone is written. */
function withSchema(object: JsonObject, from: string, to: string): JsonObject {
  const { [from]: own, ...rest } = object
  const schema = rest[to] ?? own
  return isObject(schema) ? { ...rest, [to]: jsonSchemaOf(schema) } : rest
}

function normalPart(value: Json): JsonObject {
  const part = named(value, (each) => each === null)
  // The default.
  if (part['thought'] === false) delete part['thought']
  for (const key of ['inlineData', 'fileData', 'functionResponse']) if (part[key]) part[key] = named(part[key], (each) => each === null)
  if (part['functionCall']) part['functionCall'] = { args: {}, ...named(part['functionCall'], (each) => each === null) }
  return part
}

function normalConfig(value: Json | undefined): JsonObject {
  const config = withSchema(named(value, isVoid), 'responseSchema', 'responseJsonSchema')
  if (config['thinkingConfig']) config['thinkingConfig'] = upper(named(config['thinkingConfig'], isVoid), 'thinkingLevel')
  return config
}

function normalTools(tools: Json | undefined): Json[] {
  // A tool with several members is as many tools; functions that follow each other are one.
  return listOf(tools).flatMap((tool) => Object.entries(named(tool, (each) => each === null)).map(([key, value]) => (key !== 'functionDeclarations' ? { [key]: value } : {
    functionDeclarations: listOf(value).map((declaration) => withSchema(named(declaration, (each) => each === null), 'parameters', 'parametersJsonSchema')),
  })))
}

function normalRequest(body: JsonObject): JsonObject {
  const request = named(body, isVoid)
  request['contents'] = listOf(request['contents']).map((content) => ({ role: 'user', ...named(content, (each) => each === null) }) as JsonObject).map((content) => ({ ...content, parts: listOf(content['parts']).map(normalPart) }))
  if (request['systemInstruction']) {
    // Its role has no meaning.
    const { role: _, ...system } = named(request['systemInstruction'], isVoid)
    if (system['parts']) request['systemInstruction'] = { ...system, parts: listOf(system['parts']).map(normalPart) }
    else delete request['systemInstruction']
  }
  if (request['tools']) request['tools'] = normalTools(request['tools'])
  if (request['generationConfig']) request['generationConfig'] = normalConfig(request['generationConfig'])
  if (request['toolConfig']) {
    const config = named(request['toolConfig'], isVoid)
    if (config['functionCallingConfig']) config['functionCallingConfig'] = upper(named(config['functionCallingConfig'], isVoid), 'mode')
    request['toolConfig'] = config
  }
  return named(request, isVoid)
}

test('every recorded request comes out as it went in, and nothing of it is lost', () => {
  for (const { id, path, body } of requests) {
    const request = codec.decodeRequest(body, placeOf(path))
    const { body: written, losses } = codec.encodeRequest(request, targetOf(path))
    assert.deepEqual(written, normalRequest(body), id)
    assert.deepEqual(losses, [], id)
    assert.deepEqual(codec.decodeRequest(written, placeOf(path)), request, id)
  }
  assert.ok(requests.length >= 530, `${requests.length}`)
})

test('every recorded request is read, bounded and counted', () => {
  const endpoint = geminiGenerate.endpoints[0]!
  for (const { id, path, body } of requests) {
    const bytes = Buffer.from(JSON.stringify(body))
    const scan = scanOf(bytes)
    const facts = geminiGenerate.readRequest(endpoint, bytes, scan, placeOf(path))
    assert.ok(!('message' in facts), id)
    const request = codec.decodeRequest(body, placeOf(path))
    assert.deepEqual([facts.model, facts.stream, facts.maxOutputTokens, facts.choices, facts.reasoningOff], [request.model, request.stream, request.maxOutputTokens ?? null, request.choices ?? 1, request.reasoning?.mode === 'off'], id)
    const shape = geminiGenerate.shapeOf(endpoint, bytes, scan)
    assert.equal(shape.tools, request.tools?.length ?? 0, id)
    const isServerTool = request.tools?.some(({ type }) => type === 'server') === true
    const isUnbounded = isServerTool || 'cachedContent' in body || request.modalities?.includes('image') === true
    assert.equal(shape.extra !== null, isUnbounded, `${id}: ${shape.extra}`)
  }
})

const scanOf = (bytes: Buffer): JsonScanner => {
  const scan = new JsonScanner({ maxDepth: 100, maxKeys: 100_000, unique: noUniqueKeys })
  scan.push(bytes)
  scan.end()
  assert.equal(scan.fault, null)
  return scan
}

const whole = answered.filter(({ framing, stream }) => framing === 'json' && !stream)

test('every recorded answer comes out as it went in', () => {
  for (const { id, body } of whole) {
    const answer = JSON.parse(body.toString()) as JsonObject
    const written = codec.encodeAnswer(codec.decodeAnswer(answer, source), client)
    assert.deepEqual(written, normalAnswer(answer), id)
  }
  assert.ok(whole.length >= 300, `${whole.length}`)
})

/** An index may be left out where there is one candidate; a client of Vertex may ask for numbers in the place of names. */
function normalAnswer(answer: JsonObject): JsonObject {
  return { ...answer, candidates: listOf(answer['candidates']).map((candidate, index) => ({ index, ...(candidate as JsonObject), ...((candidate as JsonObject)['finishReason'] === 1 ? { finishReason: 'STOP' } : {}) })) }
}

const streams = answered.filter(({ stream }) => stream)

function eventsIn({ framing, body }: Pick<RecordedExchange, 'framing' | 'body'>): string[] {
  const found: string[] = []
  const scanner = framing === 'json' ? new JsonArrayScanner(1 << 24, ({ data }) => found.push(data!)) : new SseScanner(1 << 24, ({ data }) => data !== null && found.push(data))
  scanner.push(body)
  scanner.end()
  return found
}

function decoded(events: readonly string[]): ChatEvent[] {
  const out: ChatEvent[] = []
  const decoder = codec.decodeStream(source)
  for (const event of events) decoder.event('', event, out)
  decoder.end(out)
  return out
}

function collected(events: readonly ChatEvent[]): Collector {
  const collector = new Collector()
  for (const event of events) collector.take(event)
  return collector
}

test('every recorded stream says the same once it is written and read again', () => {
  for (const exchange of streams) {
    const first = decoded(eventsIn(exchange))
    const { answer, isOver, error } = collected(first)
    assert.ok(isOver && error === null && answer.choices.every(({ stop }) => stop !== undefined), exchange.id)
    const encoder = codec.encodeStream(client)
    const bytes = Buffer.from(first.map((event) => encoder.write(event)).join(''))
    assert.deepEqual(collected(decoded(eventsIn({ framing: 'sse', body: bytes }))).answer, answer, exchange.id)
  }
  assert.ok(streams.length >= 169, `${streams.length}`)
})

test('a recorded stream is what the same answer would be if it were not streamed', () => {
  let compared = 0
  for (const exchange of streams) {
    const chunks = eventsIn(exchange).map((data) => JSON.parse(data) as JsonObject)
    const joined = joinedAnswer(chunks)
    if (!joined) continue
    compared++
    assert.deepEqual(spoken(collected(decoded(eventsIn(exchange))).answer), spoken(codec.decodeAnswer(joined, source)), exchange.id)
  }
  assert.ok(compared >= 150, `${compared}`)
})

/** Ids are made up where there are none; what canonical streams don't carry is left out. */
const spoken = ({ choices, usage, id, model, createdAt, serviceTier }: ChatAnswer) => ({
  usage, id, model, createdAt, serviceTier, choices: choices.map((choice) => ({ ...choice, extras: null })),
})

/** Texts of one kind that follow each other in the same place are one part; a signature without a text belongs to the text before it. Null: arguments come in pieces. */
function joinedAnswer(chunks: JsonObject[]): JsonObject | null {
  const parts: JsonObject[] = []
  let finishReason: Json | undefined
  for (const chunk of chunks) {
    const candidate = listOf(chunk['candidates'])[0] as JsonObject | undefined
    finishReason = candidate?.['finishReason'] ?? finishReason
    for (const part of listOf((candidate?.['content'] as JsonObject | undefined)?.['parts']) as JsonObject[]) {
      if ((part['functionCall'] as JsonObject | undefined)?.['willContinue']) return null
      const last = parts.at(-1)
      const isText = typeof part['text'] === 'string'
      if (isText && part['text'] === '' && !part['thoughtSignature']) continue
      if (isText && typeof last?.['text'] === 'string' && last['thought'] === part['thought'] && !last['thoughtSignature']) {
        parts[parts.length - 1] = { ...last, ...part, text: last['text'] + String(part['text']) }
      } else parts.push(part)
    }
  }
  return { ...chunks.at(-1)!, candidates: [{ content: { parts, role: 'model' }, finishReason: finishReason ?? null, index: 0 }] }
}

test('what is metered of a recorded answer is what its canonical form says, and is no anomaly', () => {
  for (const { id, body } of whole) {
    const facts = geminiGenerate.readAnswer(body, scanOf(body))
    const usage = codec.decodeAnswer(JSON.parse(body.toString()) as JsonObject, source).usage!
    const metered = normaliseUsage(facts.usage, geminiGenerate.usage!)!
    assert.equal(metered.anomalous, false, id)
    const { input, cacheRead, audioIn, imageIn, output, reasoning, audioOut, imageOut } = metered.usage
    assert.deepEqual({ cacheRead: 0, audioIn: 0, imageIn: 0, reasoning: 0, audioOut: 0, imageOut: 0, ...usage }, { input, cacheRead, audioIn, imageIn, output, reasoning, audioOut, imageOut }, id)
  }
})

test('what is metered of a recorded stream is its last word, and all of its events are output or an end', () => {
  for (const exchange of streams) {
    const shape = new EventShape()
    let usage: unknown = null
    let finished = false
    let chars = 0
    for (const data of eventsIn(exchange)) {
      const facts = geminiGenerate.readEvent({ start: 0, end: 0, name: '', data, oversize: false }, shape)
      assert.equal(facts.error, null)
      usage = facts.usage ?? usage
      finished ||= facts.finished
      chars += facts.outputChars
    }
    const { answer } = collected(decoded(eventsIn(exchange)))
    assert.ok(finished, exchange.id)
    const metered = normaliseUsage(usage, geminiGenerate.usage!)!
    assert.equal(metered.anomalous, false, exchange.id)
    assert.equal(metered.usage.input + metered.usage.cacheRead + metered.usage.audioIn + metered.usage.imageIn, answer.usage!.input + (answer.usage!.cacheRead ?? 0) + (answer.usage!.audioIn ?? 0) + (answer.usage!.imageIn ?? 0))
    assert.equal(metered.usage.output + metered.usage.reasoning, answer.usage!.output + (answer.usage!.reasoning ?? 0))
    const said = answer.choices.flatMap(({ parts }) => parts).reduce((sum, part) => sum + (part.type === 'text' || part.type === 'reasoning' ? part.text?.length ?? 0 : 0), 0)
    assert.ok(chars >= said, exchange.id)
  }
})

test('every recorded error is read and classed', () => {
  const classes = new Map<string, number>()
  for (const { id, status, body } of recorded.filter((exchange) => exchange.status >= 400)) {
    const fault = geminiGenerate.readError(body)
    assert.ok(fault && fault.message.length > 10 && fault.status === status, id)
    const found = geminiGenerate.classify(status, fault)
    classes.set(found, (classes.get(found) ?? 0) + 1)
    if (/API key/.test(fault.message)) assert.equal(found, 'auth', id)
  }
  assert.deepEqual([...classes.keys()].sort(), ['auth', 'not_found', 'rate_limit', 'request'])
})
