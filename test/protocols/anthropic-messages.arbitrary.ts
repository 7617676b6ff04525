/** Canonical requests and answers that the Messages format carries whole: what is built of these survives encoding and decoding. */
import fc from 'fast-check'
import type { ChatAnswer, ChatRequest, ChatUsage, Citation, Extras, JsonObject, MediaPart, Message, NativePart, Part, Reasoning, ReasoningPart, TextPart, Tool, ToolCallPart, ToolChoice, ToolResultPart } from '../../src/protocols/canonical.ts'

const format = 'anthropic-messages'
const optional = <T extends object>(value: T): fc.Arbitrary<T> => fc.constantFrom(value, {} as T)
/** Some of the members. */
const some = <T extends object>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> => fc.record(members, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<Partial<T>>

const word = fc.stringMatching(/^[a-z]{1,8}$/)
const text = fc.string({ minLength: 1, maxLength: 30 }).map((value) => (value.trim() === '' ? 'word' : value))
/** Blanks at the end of the last message are not sent. */
const tightText = text.map((value) => value.trim())
const name = fc.string({ minLength: 1, maxLength: 9 })
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown) as fc.Arbitrary<JsonObject[string]>
const object = fc.dictionary(word, json, { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<JsonObject>
const extras: fc.Arbitrary<Extras> = fc.dictionary(word.map((value) => `x_${value}`), json.filter((value) => value !== null), { minKeys: 1, maxKeys: 2, noNullPrototype: true }).map((fields) => ({ format, fields }))
const cache = fc.constantFrom({}, { ttl: '5m' }, { ttl: '1h' })
const marks = { extras, cache }
const signature = { by: 'anthropic', value: 'sig' }

const citation: fc.Arbitrary<Citation> = fc.tuple(text, text, fc.nat(9)).map(([quote, title, document]) => ({
  quote, title, document, native: { format, value: { type: 'char_location', cited_text: quote, document_title: title, document_index: document, start_char_index: 0, end_char_index: 5 } },
}))
const textPart = (of: fc.Arbitrary<string>): fc.Arbitrary<TextPart> =>
  fc.record({ type: fc.constant('text' as const), text: of, citations: fc.array(citation, { minLength: 1, maxLength: 2 }), ...marks }, { requiredKeys: ['type', 'text'], noNullPrototype: true }) as fc.Arbitrary<TextPart>
const bare = text.map((value): TextPart => ({ type: 'text', text: value }))
const base64 = fc.base64String({ minLength: 4, maxLength: 20 })

const image = fc.tuple(fc.oneof(
  base64.map((value) => ({ source: { by: 'data' as const, base64: value }, mediaType: 'image/png' })), fc.webUrl().map((url) => ({ source: { by: 'url' as const, url } })), word.map((id) => ({ source: { by: 'file' as const, id } })),
), some(marks)).map(([source, more]): MediaPart => ({ type: 'media', kind: 'image', ...source, ...more } as MediaPart))
const document = fc.tuple(fc.oneof(
  base64.map((value) => ({ source: { by: 'data' as const, base64: value }, mediaType: 'application/pdf' })), text.map((value) => ({ source: { by: 'text' as const, text: value }, mediaType: 'text/plain' })),
  fc.webUrl().map((url) => ({ source: { by: 'url' as const, url } })), word.map((id) => ({ source: { by: 'file' as const, id } })), fc.array(bare, { minLength: 1, maxLength: 2 }).map((parts) => ({ source: { by: 'parts' as const, parts } })),
), some({ name: text, context: text, cites: fc.boolean(), ...marks })).map(([source, more]): MediaPart => ({ type: 'media', kind: 'document', ...source, ...more } as MediaPart))
const searchResult = fc.record({ name: text, cites: fc.boolean(), parts: fc.array(bare, { minLength: 1, maxLength: 2 }), url: fc.webUrl() })
  .map(({ name: title, cites, parts, url }): MediaPart => ({ type: 'media', kind: 'document', source: { by: 'parts', parts }, name: title, cites, extras: { format, fields: { type: 'search_result', source: url } } }))

const reasoning: fc.Arbitrary<ReasoningPart> = fc.oneof(
  fc.tuple(some({ text }), fc.string({ minLength: 1 })).map(([said, value]): ReasoningPart => ({ type: 'reasoning', ...said, proof: { by: 'anthropic', value: `sig${value}` } } as ReasoningPart)),
  fc.string({ minLength: 1 }).map((value): ReasoningPart => ({ type: 'reasoning', redacted: true, proof: { by: 'anthropic', value: `data${value}` } })),
)
const call = (more: object): fc.Arbitrary<ToolCallPart> => fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), name, some({ namespace: name, ...more }), object)
  .map(([id, called, rest, input]): ToolCallPart => ({ type: 'toolCall', id, name: called, arguments: JSON.stringify(input), ...rest } as ToolCallPart))
const native: fc.Arbitrary<NativePart> = fc.tuple(fc.constantFrom('server_tool_use', 'web_search_tool_result', 'mcp_tool_use', 'container_upload', 'of_tomorrow'), object)
  .map(([type, input]): NativePart => ({ type: 'native', format, value: { type, id: 'srvtoolu_1', name: 'x', input: { ...input } } }))
const result: fc.Arbitrary<ToolResultPart> = fc.tuple(fc.string({ minLength: 1, maxLength: 20 }), fc.array(fc.oneof(bare, image, document, searchResult), { maxLength: 3 }), some({ isError: fc.boolean(), ...marks }))
  .map(([callId, parts, more]): ToolResultPart => ({ type: 'toolResult', callId, parts, ...more } as ToolResultPart))

const message = (role: Message['role'], parts: fc.Arbitrary<Part[]>): fc.Arbitrary<Message> => fc.tuple(parts, fc.option(extras, { nil: undefined, freq: 6 })).map(([all, more]) => ({ role, parts: all, ...(more && { extras: more }) }))
const list = <T extends Part>(...kinds: fc.Arbitrary<T>[]): fc.Arbitrary<Part[]> => fc.array(fc.oneof(...kinds), { minLength: 1, maxLength: 4 })
const system: fc.Arbitrary<Message> = fc.array(fc.tuple(text, some({ cache })).map(([said, more]): TextPart => ({ type: 'text', text: said, ...more } as TextPart)), { minLength: 1, maxLength: 3 }).map((parts) => ({ role: 'system', parts }))
const user = message('user', list<Part>(textPart(text), image, document, searchResult, native))
const tool: fc.Arbitrary<Message> = fc.array(result, { minLength: 1, maxLength: 3 }).map((parts) => ({ role: 'tool', parts }))
const assistant = message('assistant', list<Part>(textPart(tightText), reasoning, call(marks), native))
/** What stands between two answers. Extras of a message go with its first part. */
const turn: fc.Arbitrary<Message[]> = fc.tuple(fc.oneof(user.map((one) => [one]), tool.map((one) => [one]), fc.tuple(tool, user.map(({ role, parts }): Message => ({ role, parts })))), fc.option(system, { nil: null, freq: 4 })).map(([said, told]) => (told ? [...said, told] : [...said]))
const messages: fc.Arbitrary<Message[]> = fc.tuple(fc.option(system, { nil: null }), fc.array(fc.tuple(turn, assistant), { maxLength: 3 }), turn)
  .map(([first, turns, last]) => [...(first ? [first] : []), ...turns.flatMap(([said, answered]) => [...said, answered]), ...last])

const schema = fc.dictionary(word, fc.constantFrom<JsonObject>({ type: 'string' }, { type: 'integer', description: 'how many' }, { enum: ['a', 'b'] }), { minKeys: 1, maxKeys: 3, noNullPrototype: true })
  .map((properties): JsonObject => ({ type: 'object', properties, required: Object.keys(properties), additionalProperties: false }))
const tools: fc.Arbitrary<Tool[]> = fc.uniqueArray(name, { minLength: 1, maxLength: 4 }).chain((names) => fc.tuple(...names.map((each): fc.Arbitrary<Tool> => fc.oneof(
  some({ description: text, parameters: schema, strict: fc.boolean(), deferred: fc.boolean(), namespace: name, ...marks }).map((more) => ({ type: 'function', name: each, ...more }) as Tool),
  fc.constantFrom<Tool>({ type: 'server', kind: 'web_search', format, value: { type: 'web_search_20250305', name: 'web_search', max_uses: 2 } }, { type: 'server', format, value: { type: 'bash_20250124', name: 'bash' } }),
))))

const thinking: fc.Arbitrary<Reasoning> = fc.oneof(
  fc.constant<Reasoning>({ mode: 'off' }),
  some({ effort: fc.constantFrom('low', 'medium', 'high', 'xhigh', 'max'), summary: fc.constantFrom('none', 'auto') }).map((more) => ({ mode: 'adaptive', ...more }) as Reasoning),
  fc.tuple(fc.integer({ min: 1024, max: 3000 }), some({ effort: fc.constant('high'), summary: fc.constantFrom('none', 'auto') })).map(([budgetTokens, more]) => ({ mode: 'on', budgetTokens, ...more }) as Reasoning),
)
const choice = (names: readonly string[]): fc.Arbitrary<ToolChoice> => fc.oneof(fc.constantFrom<ToolChoice>({ type: 'auto' }, { type: 'none' }, { type: 'required' }), ...(names.length > 0 ? [fc.constantFrom(...names).map((each): ToolChoice => ({ type: 'tool', name: each }))] : []))

/**
 * A budget is not taken where the last turn has calls without a thought, forced calls exclude thinking, and thinking excludes sampling.
 * Models that take instructions in mid-conversation take neither sampling nor a budget.
 */
function consistent(request: ChatRequest): ChatRequest {
  const { toolChoice, reasoning: wished } = request
  const isForced = toolChoice?.type === 'required' || toolChoice?.type === 'tool'
  const last = request.messages.findLastIndex(({ role }) => role === 'tool')
  const goesOn = wished?.mode === 'on' && last >= 0 && request.messages.slice(last).every(({ role }) => role !== 'assistant')
  const hasMid = request.messages.some(({ role }, index) => role === 'system' && index > 0)
  if (wished && wished.mode !== 'off' && (isForced || goesOn || (hasMid && wished.mode === 'on'))) delete request.reasoning
  if (hasMid) delete request.sampling
  if (request.reasoning && request.reasoning.mode !== 'off') delete request.sampling
  if (toolChoice?.type === 'none' || !toolChoice) delete request.parallelToolCalls
  return request
}

/** The API takes four marks in a request. */
function withFewMarks(request: ChatRequest): ChatRequest {
  let left = 4
  return JSON.parse(JSON.stringify(request), function (this: unknown, key, value: unknown) {
    return key === 'cache' && left-- <= 0 ? undefined : value
  }) as ChatRequest
}

export const carriedRequest: fc.Arbitrary<ChatRequest> = fc.tuple(messages, fc.option(tools, { nil: undefined }), word).chain(([said, offered, model]) => {
  const names = (offered ?? []).flatMap((each) => (each.type === 'server' ? [] : [each.name]))
  return fc.tuple(
    fc.boolean(), fc.integer({ min: 4000, max: 9000 }),
    some({
      reasoning: thinking, sampling: fc.constantFrom({ temperature: 0.5 }, { topP: 0.9, topK: 5 }, { temperature: 1, topP: 0.7 }), stop: fc.array(tightText, { minLength: 1, maxLength: 2 }), serviceTier: fc.constantFrom('auto', 'standard_only'),
      endUser: word, output: fc.oneof(schema.map((each) => ({ type: 'schema' as const, schema: each })), fc.constant({ type: 'native' as const, format, value: { type: 'grammar' } })), extras,
      ...(offered && { toolChoice: choice(names), parallelToolCalls: fc.boolean() }),
    }),
  ).map(([stream, maxOutputTokens, more]) => withFewMarks(consistent({ model, stream, messages: said, ...(offered && { tools: offered }), maxOutputTokens, ...structuredClone(more) } as ChatRequest)))
})

const count = fc.integer({ min: 1, max: 100_000 })
const usage: fc.Arbitrary<ChatUsage> = fc.tuple(fc.nat(), fc.nat(), some({ cacheRead: count, cacheWrite5m: count, cacheWrite1h: count, reasoning: count, searches: count })).map(([input, output, more]) => ({ input, output, ...more }) as ChatUsage)
const stops = fc.constantFrom({ stop: 'end' }, { stop: 'length' }, { stop: 'stop_sequence', stopSequence: '###' }, { stop: 'tool_calls' }, { stop: 'pause' }, { stop: 'refusal' }, { stop: 'context_window' }, { stop: 'other', nativeStop: 'compaction' })

export const carriedAnswer: fc.Arbitrary<ChatAnswer> = fc.tuple(
  word, word, usage, list<Part>(fc.tuple(fc.string(), fc.option(fc.array(citation, { minLength: 1, maxLength: 2 }), { nil: undefined })).map(([said, citations]): TextPart => ({ type: 'text', text: said, ...(citations && { citations }) })), reasoning, call({}), native), stops,
  some({ serviceTier: fc.constantFrom('standard', 'priority', 'batch') }),
).map(([id, model, counted, parts, stop, more]) => ({ id, model, choices: [{ index: 0, parts, ...stop }], usage: counted, ...more }) as ChatAnswer)

/** Beside what a stream tells. */
export const answerExtras: fc.Arbitrary<Pick<ChatAnswer, 'extras'>> = optional({ extras: { format, fields: { container: { id: 'c' }, usage: { inference_geo: 'global', iterations: [] } } } })

/** A request in which every member of the canonical form is set, in the words of other formats. */
export const everything = (): ChatRequest => ({
  model: 'gpt-5', stream: true, choices: 2, logprobs: { alternatives: 2 }, parallelToolCalls: false, verbosity: 'low', serviceTier: 'flex', endUser: 'u', metadata: { a: 'b' }, store: true, cacheKey: 'k', cacheRetention: '24h',
  modalities: ['text', 'audio'], audio: { voice: 'alloy', coding: 'mp3' }, maxOutputTokens: 9000, stop: ['\n', 'END'], toolChoice: { type: 'some', names: ['f', 'g'], mode: 'auto' },
  sampling: { temperature: 1.5, topP: 0.5, topK: 5, minP: 0.1, frequencyPenalty: 1, presencePenalty: 1, repetitionPenalty: 1, seed: 3, logitBias: { '1': 2 } },
  reasoning: { mode: 'on', effort: 'minimal', summary: 'detailed' },
  output: { type: 'schema', schema: { type: 'object', properties: { a: { type: 'integer', minimum: 1 } } }, name: 'n', description: 'd', strict: false },
  extras: { format: 'openai-chat', fields: { prediction: { type: 'content' } } },
  messages: [
    { role: 'system', parts: [{ type: 'text', text: 'first' }] },
    { role: 'user', name: 'Ada', extras: { format: 'openai-chat', fields: { weight: 1 } }, parts: [
      { type: 'text', text: 'hello', id: 'i', phase: 'commentary', proof: signature, cache: { ttl: '24h' }, citations: [{ url: 'https://a', start: 0, end: 2 }], extras: { format: 'openai-responses', fields: { logprobs: [1] } } },
      { type: 'text', text: '  ' },
      { type: 'media', kind: 'image', source: { by: 'data', base64: '/9j/AAAA' }, detail: 'high', name: 'a.jpg', context: 'c', cites: true, transcript: 't', id: 'i', proof: signature },
      { type: 'media', kind: 'image', source: { by: 'text', text: 'svg' } },
      { type: 'media', kind: 'audio', source: { by: 'data', base64: 'AAAA' }, mediaType: 'audio/mp3' },
      { type: 'media', kind: 'video', source: { by: 'url', url: 'https://v' }, mediaType: 'video/mp4' },
      { type: 'media', kind: 'document', source: { by: 'data', base64: 'AAAA' }, mediaType: 'application/msword', name: 'a.doc' },
      { type: 'media', kind: 'document', source: { by: 'text', text: 'plain' }, name: 'a.txt', detail: 'high' },
    ] },
    { role: 'developer', parts: [{ type: 'text', text: 'in the middle' }] },
    { role: 'assistant', parts: [
      { type: 'reasoning', text: 'hm', summary: ['s'], id: 'rs_1', proof: { by: 'openai', value: 'x' } },
      { type: 'refusal', text: 'no', id: 'r' },
      { type: 'toolCall', id: 'functions.f:0', name: 'f', arguments: '[1]', itemId: 'fc_1', namespace: 'ns', proof: { by: 'google', value: 'x' } },
      { type: 'toolCall', id: 'c2', name: 'g', arguments: 'free text', custom: true },
      { type: 'native', format: 'openai-responses', value: { type: 'web_search_call', id: 'ws' } },
    ] },
    { role: 'tool', parts: [{ type: 'toolResult', callId: 'functions.f:0', name: 'f', parts: [{ type: 'text', text: '1' }], id: 'fco_1' }, { type: 'toolResult', callId: 'c2', parts: [], custom: true }] },
    { role: 'assistant', parts: [{ type: 'text', text: 'done' }] }, { role: 'user', parts: [{ type: 'text', text: 'on' }] },
  ],
  tools: [
    { type: 'function', name: 'f', namespace: 'ns', description: 'd', parameters: { type: 'object', properties: { n: { type: 'number', maximum: 3 } } }, strict: true, deferred: true, extras: { format: 'openai-responses', fields: { z: 1 } } },
    { type: 'custom', name: 'g', description: 'd', grammar: { syntax: 'lark' } }, { type: 'function', name: 'h' },
    { type: 'server', kind: 'web_search', format: 'openai-responses', value: { type: 'web_search', search_context_size: 'low' } }, { type: 'server', format: 'openai-responses', value: { type: 'file_search' } },
  ],
})
