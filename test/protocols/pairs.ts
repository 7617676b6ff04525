/** Conversations made of features, written and read by one format or by two, in requests, answers and streams; and what of the features a format carries. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import type { ChatAnswer, ChatEvent, ChatRequest, ChatUsage, Choice, JsonObject, Message, Part } from '../../src/protocols/canonical.ts'
import type { Loss, Target } from '../../src/protocols/codec.ts'
import { protocols } from '../../src/protocols/index.ts'
import type { Protocol } from '../../src/protocols/protocol.ts'
import { Collector, spread } from '../../src/protocols/whole.ts'
import { scannerFor } from '../../src/wire/event-scanner.ts'
import { answerFeatures, requestFeatures, type AnswerPiece, type Feature, type Piece } from './capabilities.ts'

/** A format, and a model that shows what it can do. */
export interface Side { title: string; protocol: Protocol; target: Target; model: string }
const side = (title: string, format: string, model: string, proofs: string): Side => ({ title, protocol: protocols.get(format)!, model, target: { model, proofs, mostOutputTokens: 64_000, reasoning: null } })

/** One of each format. */
export const sides: readonly Side[] = [
  side('Chat completions', 'openai-chat', 'gpt-5', 'openai'), side('Responses', 'openai-responses', 'gpt-5', 'openai'), side('Messages', 'anthropic-messages', 'claude-opus-4-6', 'anthropic'),
  side('Gemini', 'gemini-generate', 'gemini-3.1-pro-preview', 'google'), side('Converse', 'bedrock-converse', 'global.anthropic.claude-opus-4-6-v1', 'anthropic'), side('Cohere', 'cohere-chat', 'command-a-reasoning-08-2025', 'cohere'), side('Ollama', 'ollama-chat', 'qwen3', 'ollama'),
]
/** Where the model decides. */
export const variants: readonly Side[] = [
  side('Messages, Claude 4.8', 'anthropic-messages', 'claude-opus-4-8', 'anthropic'), side('Messages, Claude 4.5', 'anthropic-messages', 'claude-sonnet-4-5', 'anthropic'), side('Gemini 2.5', 'gemini-generate', 'gemini-2.5-flash', 'google'), side('Converse, Nova', 'bedrock-converse', 'us.amazon.nova-2-lite-v1:0', 'amazon'), side('Converse, Llama', 'bedrock-converse', 'meta.llama3-3-70b-instruct-v1:0', 'meta'),
]

/** Given to every request: a format that demands an output limit would add one. */
const usual = { model: 'm', stream: false, maxOutputTokens: 32_000 } satisfies Partial<ChatRequest>

export function assembled(pieces: readonly Piece[]): ChatRequest {
  const sampling = Object.assign({}, ...pieces.map((piece) => piece.sampling)) as object
  const tools = pieces.flatMap((piece) => piece.tools ?? [])
  const turns = pieces.flatMap(({ turn }): Message[] => (turn ? [...turn, ...(turn.at(-1)!.role === 'tool' ? [{ role: 'assistant', parts: [{ type: 'text', text: 'well' }] } satisfies Message] : []), ...(turn.at(-1)!.role === 'user' || turn.at(-1)!.role === 'system' ? [{ role: 'assistant', parts: [{ type: 'text', text: 'yes' }] } satisfies Message] : []), { role: 'user', parts: [{ type: 'text', text: 'go on' }] }] : []))
  return {
    ...usual, ...Object.assign({}, ...pieces.map((piece) => piece.set)) as Partial<ChatRequest>,
    messages: [...pieces.flatMap(({ front }) => front ?? []), { role: 'user', parts: [{ type: 'text', text: 'hello' }, ...pieces.flatMap((piece) => piece.parts ?? [])] }, ...turns],
    ...(Object.keys(sampling).length > 0 && { sampling }), ...(tools.length > 0 && { tools: [...new Map(tools.map((tool) => ['name' in tool ? tool.name : '', tool])).values()] }),
  }
}

export function answerOf(pieces: readonly AnswerPiece[]): ChatAnswer {
  const own = pieces.flatMap((piece) => piece.parts ?? [])
  const parts: Part[] = own.length > 0 ? own : [{ type: 'text', text: 'Hello' }]
  const choice: Choice = { index: 0, parts, stop: 'end', ...Object.assign({}, ...pieces.map((piece) => piece.choice)) as Partial<Choice> }
  const usage: ChatUsage = { input: 100, output: 50, ...Object.assign({}, ...pieces.map((piece) => piece.usage)) as Partial<ChatUsage> }
  const again = pieces.some((piece) => piece.again) ? [{ index: 1, parts: [{ type: 'text', text: 'Or so' }], stop: 'end' } satisfies Choice] : []
  return { id: 'answer-1', model: 'm', createdAt: 1_700_000_000, choices: [choice, ...again], usage, ...Object.assign({}, ...pieces.map((piece) => piece.head)) as Partial<ChatAnswer> }
}

/**
 * What must be equal. Not what a format adds, or leaves out because it goes without saying: ids of calls (by their order), whose tool a
 * result is of, the vendor's own word for its search, the model, that usage is wanted in streams, the media type of what an address shows,
 * parameters of a function that takes none, the free choice of tools, the name of a schema. Strictness of some functions among others is
 * left aside, since Cohere has it for all or none.
 */
export const essence = (request: ChatRequest): unknown => JSON.parse(JSON.stringify(essential(request)))

function essential(request: ChatRequest): object {
  const ids = new Map<string, string>()
  const isStrict = request.tools?.every((tool) => tool.type !== 'function' || tool.strict === true)
  const named = (id: string): string => ids.get(id) ?? (ids.set(id, `call ${ids.size}`), ids.get(id)!)
  const { model: _, usageInStream: __, extras, toolChoice, output, ...rest } = request
  return {
    ...rest, ...(toolChoice && toolChoice.type !== 'auto' && { toolChoice }), ...(output && { output: output.type === 'schema' ? { ...output, name: undefined, schema: { ...output.schema, title: undefined } } : output }),
    ...(extras && Object.keys(extras.fields).length > 0 && { extras }),
    ...(rest.tools && { tools: rest.tools.map((tool) => (tool.type === 'server' && tool.kind ? { type: 'server', kind: tool.kind } : tool.type === 'function' ? { ...tool, strict: isStrict ? true : undefined, parameters: takesNone(tool.parameters) ? undefined : tool.parameters } : tool)) }),
    messages: rest.messages.map((message) => ({ ...message, parts: message.parts.map((part) => {
      if (part.type === 'toolCall') return { ...part, id: named(part.id), arguments: JSON.parse(part.arguments) as JsonObject }
      if (part.type === 'media' && part.source.by === 'url') return { ...part, mediaType: undefined }
      if (part.type !== 'toolResult') return part
      const { name: ___, ...result } = part
      return { ...result, callId: named(part.callId) }
    }) })),
  }
}

const takesNone = (schema: JsonObject | undefined): boolean => schema === undefined || isDeepStrictEqual(schema, { type: 'object', properties: {} })

/** The same of an answer; its id and time are made by some formats, the vendor's own form of a source is kept beside what it says, images stand apart in some. */
export function answerEssence(answer: ChatAnswer): object {
  let ids = 0
  const { id: _, model: __, createdAt: ___, fingerprint: ____, extras: _____, ...rest } = answer
  return {
    ...rest,
    choices: rest.choices.toSorted((a, b) => a.index - b.index).map(({ extras: ______, ...choice }) => ({
      ...choice, ...(choice.logprobs && { logprobs: choice.logprobs.map(({ token, logprob, top }) => ({ token, logprob, ...(top && top.length > 0 && { top: top.map((each) => ({ token: each.token, logprob: each.logprob })) }) })) }),
      parts: choice.parts.map((part) => {
        if (part.type === 'toolCall') return { type: 'toolCall', id: ++ids, name: part.name, arguments: JSON.parse(part.arguments) as JsonObject }
        if (part.type === 'text') return { type: 'text', text: part.text, ...(part.citations && { citations: part.citations.map(({ url, title, start, end }) => ({ url, title, start, end })) }) }
        // Clients of Responses are shown the thought of others as a summary.
        if (part.type === 'reasoning') return { type: 'reasoning', text: part.text ?? part.summary?.join('\n\n') }
        if ('id' in part) return { ...part, id: undefined }
        return part
      }).map((part) => JSON.parse(JSON.stringify(part)) as JsonObject).toSorted((a, b) => Number(a['type'] === 'media') - Number(b['type'] === 'media')),
    })),
  }
}

/** As the wire has it. */
const wire = (body: JsonObject): JsonObject => JSON.parse(JSON.stringify(body)) as JsonObject

export function hop(request: ChatRequest, { protocol, target, model }: Side): { request: ChatRequest; losses: Loss[] } {
  const { body, losses, headers } = protocol.codec!.encodeRequest(request, target)
  const betas = headers?.['anthropic-beta']?.split(',')
  return { request: protocol.codec!.decodeRequest(wire(body), { model, stream: request.stream, ...(betas && { betas }) }), losses }
}

const conversation: ChatRequest = { model: 'm', stream: true, usageInStream: true, messages: [{ role: 'user', parts: [{ type: 'text', text: 'hello' }] }] }
const client = { request: conversation, id: 'req_1', nowS: 1_700_000_000 }
/** Log probabilities are in an answer where they were asked for. */
const source = ({ target: { proofs } }: Side, tools: readonly string[]): { proofs: string; request: ChatRequest } => ({ proofs, request: { ...conversation, tools: tools.map((name) => ({ type: 'function', name })) } })
const calledIn = ({ choices }: ChatAnswer): string[] => choices.flatMap(({ parts }) => parts.flatMap((part) => (part.type === 'toolCall' ? [part.name] : [])))

export const answerHop = (answer: ChatAnswer, side: Side): ChatAnswer => side.protocol.codec!.decodeAnswer(wire(side.protocol.codec!.encodeAnswer(answer, client)), source(side, calledIn(answer)))

/** Through the bytes of a stream, cut into chunks of `size`. */
export function streamHop(events: readonly ChatEvent[], side: Side, size: number): ChatEvent[] {
  const { codec, framing } = side.protocol
  const encoder = codec!.encodeStream(client)
  let text = ''
  for (const event of events) text += encoder.write(event)
  const bytes = Buffer.from(text, framing === 'aws-event-stream' ? 'latin1' : 'utf8')
  const decoder = codec!.decodeStream(source(side, events.flatMap((event) => (event.type === 'part' && event.part.type === 'toolCall' ? [event.part.name] : []))))
  const out: ChatEvent[] = []
  const scanner = scannerFor(framing, 1 << 24, ({ name, data }) => { if (data !== null) decoder.event(name, data, out) })
  for (let at = 0; at < bytes.length; at += size) scanner.push(bytes.subarray(at, at + size))
  scanner.end()
  decoder.end(out)
  return out
}

class StreamError extends Error {}

export function collected(events: Iterable<ChatEvent>): ChatAnswer {
  const collector = new Collector()
  for (const event of events) collector.take(event)
  if (collector.error) throw new StreamError(collector.error.message)
  return collector.answer
}

/** `carried`: it comes back as it was, and nothing is told as lost. `otherwise`: nothing is told, and it comes back in other words. */
export type Way = { is: 'carried' | 'otherwise' } | { is: 'hint' | 'meaning'; losses: string[] }

const samplesOf = <T>(values: fc.Arbitrary<T>): T[] => fc.sample(values, { seed: 7, numRuns: 12 })

export function requestWay({ values }: Feature<Piece>, side: Side): Way {
  const losses: Loss[] = []
  let same = true
  for (const piece of samplesOf(values)) {
    const request = assembled([piece])
    const got = hop(request, side)
    losses.push(...got.losses)
    same &&= isDeepStrictEqual(essence(got.request), essence(request))
  }
  if (losses.length > 0) return { is: losses.some(({ kind }) => kind === 'meaning') ? 'meaning' : 'hint', losses: [...new Set(losses.map(({ what }) => what))] }
  return { is: same ? 'carried' : 'otherwise' }
}

/** An end that a format tells as an error is not carried. */
function isSame(answer: ChatAnswer, pass: (answer: ChatAnswer) => ChatAnswer): boolean {
  try {
    return isDeepStrictEqual(answerEssence(pass(answer)), answerEssence(answer))
  } catch (error) {
    if (error instanceof StreamError) return false
    throw error
  }
}

/** Whole and as a stream. */
export function answerWay({ values }: Feature<AnswerPiece>, side: Side): { whole: boolean; stream: boolean } {
  const all = samplesOf(values).map((piece) => answerOf([piece]))
  const same = (pass: (answer: ChatAnswer) => ChatAnswer): boolean => all.every((answer) => isSame(answer, pass))
  return { whole: same((answer) => answerHop(answer, side)), stream: same((answer) => collected(streamHop([...spread(answer)], side, 64))) }
}

/** Which features of a list a side carries, by their number. */
export const carriedRequests = (side: Side): boolean[] => requestFeatures.map((each) => requestWay(each, side).is === 'carried')
export const carriedAnswers = (side: Side): { whole: boolean; stream: boolean }[] => answerFeatures.map((each) => answerWay(each, side))

/** Of a draw of features what both carry; of such that exclude each other the first. */
export function shared<T>(features: readonly Feature<T>[], drawn: readonly (T | undefined)[], mayHave: (index: number) => boolean): T[] {
  const taken = new Set<string>()
  const pieces: T[] = []
  for (const [index, piece] of drawn.entries()) {
    if (piece === undefined || !mayHave(index)) continue
    const { apart = [] } = features[index]!
    if (apart.some((each) => taken.has(each))) continue
    for (const each of apart) taken.add(each)
    pieces.push(piece)
  }
  return pieces
}

/** Some features with their values. */
export const draws = <T>(features: readonly Feature<T>[], freq: number): fc.Arbitrary<(T | undefined)[]> => fc.tuple(...features.map(({ values }) => fc.option(values, { nil: undefined, freq })))
