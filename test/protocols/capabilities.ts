/**
 * What a conversation can hold, feature by feature, each as arbitrary values of it, and which of it a format carries: found by writing
 * and reading samples, so that the published matrix and the properties of pairs can claim nothing that the codecs don't do.
 */
import fc from 'fast-check'
import type { ChatAnswer, ChatRequest, ChatUsage, Choice, JsonObject, Message, Part, Sampling, TokenLogprob, Tool } from '../../src/protocols/canonical.ts'

/** A piece of a request. `parts` are the user's, `turn` is an answer of before with what its tools said. */
export interface Piece { set?: Partial<ChatRequest>; sampling?: Sampling; front?: Message[]; parts?: Part[]; turn?: Message[]; tools?: Tool[] }
/** A piece of an answer; of `choice` and `head` members, of the rest parts and classes of tokens. */
export interface AnswerPiece { parts?: Part[]; choice?: Partial<Choice>; head?: Partial<ChatAnswer>; usage?: Partial<ChatUsage>; again?: true }

export interface Feature<T> { what: string; group: string; values: fc.Arbitrary<T>; /** Of the features that exclude each other only the first is in a conversation. */ apart?: readonly string[] }

const text = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 24 }).map((value) => `a${value.trim()}`)
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/)
/** Without what would read as an escape of a letter that some format does not allow. */
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,5}(_[a-w][a-z0-9]{0,5})?$/)
const id = fc.stringMatching(/^[a-zA-Z0-9]{9}$/).map((value) => `call_${value}`)
const base64 = fc.uint8Array({ minLength: 3, maxLength: 24 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const png = base64.map((value) => `iVBORw0KGgo${value}`.slice(0, 12) + value)
const unit = fc.integer({ min: 1, max: 99 }).map((value) => value / 100)
const count = fc.integer({ min: 1, max: 9_999 })
const json = fc.dictionary(word, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 2 })), { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<JsonObject>
const schema = fc.uniqueArray(word, { minLength: 1, maxLength: 3 }).map((keys): JsonObject => ({ type: 'object', properties: Object.fromEntries(keys.map((key) => [key, { type: 'string', description: `What ${key} is` }])), required: keys, additionalProperties: false }))

const said = (value: string): Part => ({ type: 'text', text: value })
const of = <V, T>(values: fc.Arbitrary<V>, make: (value: V) => T): fc.Arbitrary<T> => values.map(make)
const set = (...values: Partial<ChatRequest>[]): fc.Arbitrary<Piece> => fc.constantFrom(...values.map((each): Piece => ({ set: each })))
const sampling = (key: Exclude<keyof Sampling, 'logitBias'>, values: fc.Arbitrary<number> = unit): fc.Arbitrary<Piece> => values.map((value): Piece => ({ sampling: { [key]: value } }))
const part = (values: fc.Arbitrary<Part>): fc.Arbitrary<Piece> => values.map((each): Piece => ({ parts: [each] }))
const answered = (values: fc.Arbitrary<Part[]>): fc.Arbitrary<Piece> => values.map((parts): Piece => ({ turn: [{ role: 'assistant', parts }] }))

interface Called { id: string; name: string; input: JsonObject; says: string }
const called = fc.record({ id, name, input: json, says: text }, { noNullPrototype: true })
/** Calls and their results. `more` of the results. */
function loop(calls: readonly Called[], more: object = {}, extra: readonly Part[] = []): Piece {
  return {
    tools: calls.map((each): Tool => ({ type: 'function', name: each.name, description: `Does ${each.name}`, parameters: { type: 'object', properties: {} } })),
    turn: [
      { role: 'assistant', parts: calls.map((each): Part => ({ type: 'toolCall', id: each.id, name: each.name, arguments: JSON.stringify(each.input) })) },
      { role: 'tool', parts: calls.map((each): Part => ({ type: 'toolResult', callId: each.id, parts: [said(each.says), ...extra], ...more })) },
    ],
  }
}
const distinct = fc.uniqueArray(called, { minLength: 2, maxLength: 3, selector: (each) => each.name }).filter((all) => new Set(all.map((each) => each.id)).size === all.length)
const tool = (more: fc.Arbitrary<Partial<Tool & { type: 'function' }>>): fc.Arbitrary<Piece> => fc.tuple(name, more).map(([each, rest]): Piece => ({ tools: [{ type: 'function', name: `t${each}`, parameters: { type: 'object', properties: {} }, ...rest }] }))
const choose = (make: (name: string) => ChatRequest['toolChoice']): fc.Arbitrary<Piece> => name.map((each): Piece => ({ tools: [{ type: 'function', name: `c${each}`, parameters: { type: 'object', properties: {} } }], set: { toolChoice: make(`c${each}`)! } }))
const media = (kind: 'image' | 'document' | 'audio' | 'video', source: fc.Arbitrary<{ by: 'data'; base64: string } | { by: 'url'; url: string } | { by: 'text'; text: string }>, more: object): fc.Arbitrary<Piece> =>
  part(source.map((each): Part => ({ type: 'media', kind, source: each, ...more } as Part)))
const data = (bytes: fc.Arbitrary<string>): fc.Arbitrary<{ by: 'data'; base64: string }> => bytes.map((value) => ({ by: 'data', base64: value }))
const address = (ending: string): fc.Arbitrary<{ by: 'url'; url: string }> => word.map((each) => ({ by: 'url', url: `https://example.com/${each}.${ending}` }))
const feature = <T>(group: string, what: string, values: fc.Arbitrary<T>, ...apart: string[]): Feature<T> => ({ group, what, values, apart })

export const requestFeatures: readonly Feature<Piece>[] = [
  feature('Messages', 'instructions', of(text, (value): Piece => ({ front: [{ role: 'system', parts: [said(value)] }] })), 'front'),
  feature('Messages', 'instructions of several texts', of(fc.array(text, { minLength: 2, maxLength: 3 }), (all): Piece => ({ front: [{ role: 'system', parts: all.map(said) }] })), 'front'),
  feature('Messages', 'the role `developer`', of(text, (value): Piece => ({ front: [{ role: 'developer', parts: [said(value)] }] })), 'front'),
  feature('Messages', 'instructions in mid-conversation', of(text, (value): Piece => ({ turn: [{ role: 'assistant', parts: [said('so')] }, { role: 'user', parts: [said('and')] }, { role: 'system', parts: [said(value)] }] })), 'mid'),
  feature('Messages', 'earlier answers', answered(text.map((value) => [said(value)]))),
  feature('Messages', 'several texts of a user', part(text.map(said))),
  feature('Messages', 'names of speakers', of(word, (value): Piece => ({ turn: [{ role: 'assistant', parts: [said('so')] }, { role: 'user', parts: [said('and')], name: value }] }))),
  feature('Messages', 'earlier refusals', answered(text.map((value) => [{ type: 'refusal', text: value }]))),
  feature('Messages', 'citations in earlier answers', answered(text.map((value) => [{ type: 'text', text: value, citations: [{ url: 'https://example.com', title: 'T', start: 0, end: 1 }] }]))),
  feature('Messages', 'cache marks', part(text.map((value): Part => ({ type: 'text', text: value, cache: {} })))),
  feature('Messages', 'cache marks with a lifetime', part(text.map((value): Part => ({ type: 'text', text: value, cache: { ttl: '1h' } })))),
  feature('Media', 'images (base64)', media('image', data(png), { mediaType: 'image/png' })),
  feature('Media', 'images by address', media('image', address('png'), {})),
  feature('Media', 'how closely an image is looked at', media('image', data(png), { mediaType: 'image/png', detail: 'high' })),
  feature('Media', 'PDF documents (base64)', media('document', data(base64), { mediaType: 'application/pdf', name: 'file' })),
  feature('Media', 'documents by address', media('document', address('pdf'), { mediaType: 'application/pdf' })),
  feature('Media', 'documents of plain text', media('document', text.map((value) => ({ by: 'text' as const, text: value })), { name: 'note', mediaType: 'text/plain' })),
  feature('Media', 'sound', media('audio', data(base64), { mediaType: 'audio/wav' })),
  feature('Media', 'video', media('video', data(base64), { mediaType: 'video/mp4' })),
  feature('Tools', 'functions', tool(fc.record({ description: text, parameters: schema }))),
  feature('Tools', '`strict`', tool(fc.constant({ strict: true, description: 'S', parameters: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false } }))),
  feature('Tools', 'deferred functions', tool(fc.constant({ deferred: true }))),
  feature('Tools', 'namespaces', tool(fc.constant({ namespace: 'group' }))),
  feature('Tools', 'tools for free text', of(name, (value): Piece => ({ tools: [{ type: 'custom', name: `f${value}`, description: 'Free' }] }))),
  feature('Tools', 'search by the vendor', fc.constant<Piece>({ tools: [{ type: 'server', kind: 'web_search', format: 'anthropic-messages', value: { type: 'web_search_20250305', name: 'web_search' } }] })),
  feature('Tools', 'a call and its result', of(called, (value) => loop([value]))),
  feature('Tools', 'several calls at once', of(distinct, (all) => loop(all))),
  feature('Tools', 'results that are errors', of(called, (value) => loop([value], { isError: true }))),
  feature('Tools', 'results with images', of(fc.tuple(called, png), ([value, bytes]) => loop([value], {}, [{ type: 'media', kind: 'image', source: { by: 'data', base64: bytes }, mediaType: 'image/png' }]))),
  feature('Tools', 'choice: as the model likes', choose(() => ({ type: 'auto' })), 'choice'),
  feature('Tools', 'choice: none', choose(() => ({ type: 'none' })), 'choice'),
  feature('Tools', 'choice: any', choose(() => ({ type: 'required' })), 'choice', 'force'),
  feature('Tools', 'choice: a certain one', choose((each) => ({ type: 'tool', name: each })), 'choice', 'force'),
  feature('Tools', 'choice: one of some', choose((each) => ({ type: 'some', names: [each, 'other'], mode: 'required' })).map((piece): Piece => ({ ...piece, tools: [...piece.tools!, { type: 'function', name: 'other' }] })), 'choice', 'force'),
  feature('Tools', 'one call at most', choose(() => ({ type: 'auto' })).map((piece): Piece => ({ ...piece, set: { ...piece.set, parallelToolCalls: false } })), 'choice'),
  feature('Output', 'any JSON', set({ output: { type: 'json' } }), 'output'),
  feature('Output', 'JSON by a schema', of(schema, (each): Piece => ({ set: { output: { type: 'schema', schema: each, name: 'answer' } } })), 'output'),
  feature('Output', 'output limit', of(fc.integer({ min: 30_000, max: 60_000 }), (value): Piece => ({ set: { maxOutputTokens: value } }))),
  feature('Output', 'stop sequences', of(fc.uniqueArray(text, { minLength: 1, maxLength: 3 }), (all): Piece => ({ set: { stop: all } }))),
  feature('Output', 'several answers', set({ choices: 2 })),
  feature('Output', 'log probabilities', set({ logprobs: { alternatives: 2 } })),
  feature('Output', 'verbosity', set({ verbosity: 'low' })),
  feature('Output', 'spoken output', set({ modalities: ['text', 'audio'], audio: { voice: 'alloy' } })),
  feature('Sampling', 'temperature', sampling('temperature'), 'thinking'),
  feature('Sampling', '`top_p`', sampling('topP'), 'thinking'),
  feature('Sampling', '`top_k`', sampling('topK', fc.integer({ min: 1, max: 99 })), 'thinking'),
  feature('Sampling', '`min_p`', sampling('minP')),
  feature('Sampling', '`frequency_penalty`', sampling('frequencyPenalty')),
  feature('Sampling', '`presence_penalty`', sampling('presencePenalty')),
  feature('Sampling', 'repetition penalty', sampling('repetitionPenalty')),
  feature('Sampling', '`seed`', sampling('seed', count)),
  feature('Sampling', '`logit_bias`', of(unit, (value): Piece => ({ sampling: { logitBias: { 5: value } } }))),
  feature('Thinking', 'off', set({ reasoning: { mode: 'off' } }), 'thinking'),
  feature('Thinking', 'by effort', set(...['low', 'medium', 'high'].map((effort) => ({ reasoning: { mode: 'on' as const, effort } }))), 'thinking', 'force'),
  feature('Thinking', 'by a budget', of(fc.integer({ min: 1024, max: 20_000 }), (value): Piece => ({ set: { reasoning: { mode: 'on', budgetTokens: value } } })), 'thinking', 'force'),
  feature('Thinking', 'as much as the model finds right', set({ reasoning: { mode: 'adaptive' } }), 'thinking', 'force'),
  feature('Thinking', 'earlier thought, without its proof', answered(text.map((value) => [{ type: 'reasoning', text: value }, said('so')])), 'mid'),
  feature('Request', 'end user', of(word, (value): Piece => ({ set: { endUser: value } }))),
  feature('Request', 'metadata', of(word, (value): Piece => ({ set: { metadata: { a: value } } }))),
  feature('Request', '`store`', set({ store: false })),
  feature('Request', 'service tier', set({ serviceTier: 'flex' })),
  feature('Request', 'beta features', set({ betas: ['interleaved-thinking-2025-05-14'] })),
  feature('Request', 'cache key', of(word, (value): Piece => ({ set: { cacheKey: value } }))),
  feature('Request', 'how long a cached prefix lives', set({ cacheRetention: '24h' })),
]

const token = fc.record({ token: text, logprob: fc.integer({ min: 1, max: 900 }).map((value) => -value / 100) }, { noNullPrototype: true })
const logprobs: fc.Arbitrary<TokenLogprob[]> = fc.array(fc.tuple(token, fc.array(token, { minLength: 1, maxLength: 2 })).map(([each, top]) => ({ ...each, top })), { minLength: 1, maxLength: 3 })
const call = fc.tuple(id, name, json).map(([own, each, input]): Part => ({ type: 'toolCall', id: own, name: each, arguments: JSON.stringify(input) }))
const calls = fc.uniqueArray(call, { minLength: 2, maxLength: 3, selector: (each) => (each as { id: string }).id })
const stopped = (group: string, what: string, ...stops: Pick<Choice, 'stop' | 'stopSequence' | 'nativeStop'>[]): Feature<AnswerPiece> => feature(group, what, fc.constantFrom(...stops).map((choice): AnswerPiece => ({ choice })), 'stop')
const used = (what: string, ...keys: (keyof ChatUsage)[]): Feature<AnswerPiece> => feature('Usage', what, fc.tuple(...keys.map(() => count)).map((counts): AnswerPiece => ({ usage: Object.fromEntries(keys.map((key, index) => [key, counts[index]!])) })))
const parts = (values: fc.Arbitrary<Part[]>): fc.Arbitrary<AnswerPiece> => values.map((all): AnswerPiece => ({ parts: all }))

export const answerFeatures: readonly Feature<AnswerPiece>[] = [
  feature('Answer', 'thought', parts(text.map((value) => [{ type: 'reasoning', text: value }]))),
  feature('Answer', 'text', parts(text.map((value) => [said(value)])), 'text'),
  feature('Answer', 'text with sources', parts(text.map((value) => [{ type: 'text', text: value, citations: [{ url: 'https://example.com/a', title: 'T', start: 0, end: value.length }] }])), 'text', 'sources'),
  feature('Answer', 'log probabilities', logprobs.map((each): AnswerPiece => ({ parts: [said('Hello')], choice: { logprobs: each } })), 'text'),
  feature('Answer', 'refusal', parts(text.map((value) => [{ type: 'refusal', text: value }])).map((piece): AnswerPiece => ({ ...piece, choice: { stop: 'refusal' } })), 'stop'),
  feature('Answer', 'images', parts(png.map((value) => [{ type: 'media', kind: 'image', source: { by: 'data', base64: value }, mediaType: 'image/png' }])), 'sources'),
  feature('Answer', 'a call', parts(call.map((each) => [each])).map((piece): AnswerPiece => ({ ...piece, choice: { stop: 'tool_calls' } })), 'stop', 'sources'),
  feature('Answer', 'several calls', parts(calls).map((piece): AnswerPiece => ({ ...piece, choice: { stop: 'tool_calls' } })), 'stop', 'sources'),
  feature('Answer', 'several answers', fc.constant<AnswerPiece>({ again: true })),
  stopped('End', 'the model was done', { stop: 'end' }),
  stopped('End', 'output limit', { stop: 'length' }),
  stopped('End', 'stop sequence', { stop: 'stop_sequence' }),
  stopped('End', 'which stop sequence', { stop: 'stop_sequence', stopSequence: 'END' }),
  stopped('End', 'withheld by a filter', { stop: 'content_filter' }),
  stopped('End', 'declined', { stop: 'refusal' }),
  stopped('End', 'context window', { stop: 'context_window' }),
  stopped('End', 'pause', { stop: 'pause' }),
  used('input and output'),
  used('read from the cache', 'cacheRead'),
  used('written to the cache', 'cacheWrite5m'),
  used('written to the cache for an hour', 'cacheWrite5m', 'cacheWrite1h'),
  used('thought', 'reasoning'),
  used('sound', 'audioIn', 'audioOut'),
  used('searches', 'searches'),
  feature('Usage', 'service tier', fc.constant<AnswerPiece>({ head: { serviceTier: 'priority' } })),
]
