/** Canonical requests and answers that chat completions can carry whole: with all that the dialects add to OpenAI's own form. */
import fc from 'fast-check'
import type { ChatAnswer, ChatRequest, ChatUsage, Choice, Citation, Json, MediaPart, Message, Part, Proof, ReasoningPart, TextPart, Tool, ToolCallPart, ToolChoice, ToolResultPart } from '../../src/protocols/canonical.ts'
import type { DialectField } from '../../src/protocols/codec.ts'

/** Vendors read one mark of a cached prefix and one form of documents. */
export const everyField: readonly DialectField[] = ['top_k', 'min_p', 'repetition_penalty', 'cache_control', 'reasoning_details', 'file_url', 'video_url', 'image_modality', 'annotations', 'web_search_options']

/** Members that may be left out. */
export function some<T extends object>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }, required: (keyof T & string)[] = []): fc.Arbitrary<T> {
  return fc.record(members, { requiredKeys: required as never[] }) as unknown as fc.Arbitrary<T>
}

const text = fc.string({ minLength: 1, unit: 'grapheme' })
const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,30}$/)
const base64 = fc.base64String({ minLength: 4, maxLength: 40 }).filter((value) => value !== '')
const url = fc.webUrl()
const plainKey = fc.stringMatching(/^zz_[a-z]{1,8}$/)
const json = fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null && !JSON.stringify(value).includes('__proto__') && Object.is(JSON.stringify(value), JSON.stringify(JSON.parse(JSON.stringify(value)))))
  .map((value) => JSON.parse(JSON.stringify(value)) as Json)
const schema = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), json, { maxKeys: 3 })
const cache = some<{ ttl: string }>({ ttl: fc.constantFrom('5m', '1h') })
const count = fc.integer({ min: 0, max: 100_000 })
const units = fc.integer({ min: 1, max: 100_000 })
const number = fc.integer({ min: -200, max: 200 }).map((value) => value / 100)

// Parts.
const textPart = some<TextPart>({ type: fc.constant('text'), text, cache }, ['type', 'text'])
const data = (types: readonly string[]): fc.Arbitrary<Pick<MediaPart, 'source' | 'mediaType'>> => fc.record({ source: base64.map((value) => ({ by: 'data' as const, base64: value })), mediaType: fc.constantFrom(...types) })
const address = url.map((value) => ({ source: { by: 'url' as const, url: value } }))
const marked = (kind: MediaPart['kind'], where: fc.Arbitrary<object>, more: fc.Arbitrary<object> = fc.constant({})): fc.Arbitrary<MediaPart> =>
  fc.tuple(where, more, some<{ cache: object }>({ cache })).map(([located, rest, cached]) => ({ type: 'media', kind, ...located, ...rest, ...cached }) as MediaPart)
const image = marked('image', fc.oneof(data(['image/png', 'image/webp']), address), some<MediaPart>({ detail: fc.constantFrom('low', 'auto') } as never))
const named = name.map((value) => ({ name: value }))
const userPart: fc.Arbitrary<Part> = fc.oneof(
  { arbitrary: textPart as fc.Arbitrary<Part>, weight: 4 }, image,
  marked('audio', data(['audio/wav', 'audio/mpeg'])), marked('video', fc.oneof(data(['video/mp4']), address)),
  marked('document', fc.oneof(data(['application/pdf']), address, name.map((id) => ({ source: { by: 'file', id } }))), named),
)

// Thought.
const formats = ['anthropic-claude-v1', 'openai-responses-v1', 'unknown'] as const
/** A proof as whoever passes on thought of others makes it, with its form and id. */
const passedOn = (value: string, format: string, id: string | undefined): Proof => ({ by: 'openrouter', value: format === 'unknown' ? value : `${format} ${id ?? ''} ${value}` })

function thought(makers: readonly string[]): fc.Arbitrary<ReasoningPart> {
  return fc.record({ kind: fc.constantFrom('text', 'summary', 'hidden', 'redacted'), said: text, summaries: fc.array(text, { minLength: 1, maxLength: 3 }), id: fc.option(name), by: fc.constantFrom(...makers), format: fc.constantFrom(...formats), value: fc.option(base64) })
    .map(({ kind, said, summaries, id, by, format, value }): ReasoningPart => {
      const own = id === null ? {} : { id }
      const form = kind === 'redacted' ? 'anthropic-claude-v1' : kind === 'hidden' && format === 'anthropic-claude-v1' ? 'unknown' : format
      const proof = by === 'openrouter' ? passedOn(value ?? 'AAAA', form, id ?? undefined) : { by, value: value ?? 'AAAA' }
      if (kind === 'hidden') return { type: 'reasoning', ...own, proof }
      if (kind === 'redacted') return { type: 'reasoning', ...own, proof, redacted: true }
      return { type: 'reasoning', ...own, ...kind === 'text' ? { text: said } : { summary: summaries }, ...value !== null && { proof } }
    })
}

/** Summaries of the same thought have its id. A text without anything else ends where something else begins, so it is the last. */
function thoughts(makers: readonly string[], mayBeBare: boolean): fc.Arbitrary<ReasoningPart[]> {
  return fc.array(thought(makers), { maxLength: 3 }).map((parts) => {
    const told = parts.map((part, index) => (part.summary ? { ...part, id: `rs_${index}`, ...part.proof?.by === 'openrouter' && { proof: { ...part.proof, value: part.proof.value.replace(/^(\S+) \S* /, `$1 rs_${index} `) } } } : part))
    const isBare = (part: ReasoningPart): boolean => part.proof === undefined && part.id === undefined && part.summary === undefined
    return mayBeBare ? told : told.filter((part, index) => !isBare(part) || index === told.length - 1)
  })
}

const citation: fc.Arbitrary<Citation> = some<Citation>({ url, title: text, quote: text, start: count, end: count }, ['url', 'start', 'end'])
const documentCitation: fc.Arbitrary<Citation> = some<Citation>({ document: count, title: text, quote: text, start: count, end: count }, ['document'])

function calls(makers: readonly string[]): fc.Arbitrary<ToolCallPart[]> {
  const args = fc.oneof(fc.constant(''), fc.constant('{"a":'), text, schema.map((value) => JSON.stringify(value)))
  const call = fc.record({ name, args, custom: fc.boolean(), proof: fc.option(fc.record({ by: fc.constantFrom(...makers), value: base64 })) })
  return fc.array(call, { maxLength: 3 }).map((list) => list.map(({ args: given, custom, proof, ...rest }, index): ToolCallPart => ({ type: 'toolCall', id: `call_${index}`, ...rest, arguments: given, ...custom && { custom }, ...proof && { proof } })))
}

// Requests.
const results = (answered: readonly ToolCallPart[]): fc.Arbitrary<ToolResultPart[]> => fc.tuple(...answered.map(({ id, custom }) =>
  fc.tuple(fc.array(textPart, { maxLength: 2 }), fc.option(name)).map(([parts, called]): ToolResultPart => ({ type: 'toolResult', callId: id, parts, ...custom && { custom }, ...called && { name: called } }))))

/** `maker`: of the proofs that the vendor takes back. */
function turn(maker: string): fc.Arbitrary<Message[]> {
  const proofs = maker === 'google' ? ['google'] : ['openrouter']
  const noProofs = calls(proofs).map((list) => list.map(({ proof, ...rest }) => (maker === 'google' && proof ? { ...rest, proof } : rest)))
  const spoken = fc.record({
    thoughts: maker === 'google' ? fc.constant<ReasoningPart[]>([]) : thoughts(proofs, true), texts: fc.array(textPart, { maxLength: 2 }), citations: fc.array(citation, { maxLength: 2 }),
    refusal: fc.option(text), audio: fc.option(name), images: fc.array(image, { maxLength: 1 }), calls: noProofs,
  }).map(({ thoughts: thought, texts, citations, refusal, audio, images, calls: called }): Part[] => {
    const cited = texts.map((part, index) => (index === texts.length - 1 && citations.length > 0 ? { ...part, citations } : part))
    return [...thought, ...cited, ...refusal ? [{ type: 'refusal' as const, text: refusal }] : [], ...audio ? [{ type: 'media' as const, kind: 'audio' as const, source: { by: 'file' as const, id: audio } }] : [], ...images, ...called]
  })
  return spoken.chain((parts) => {
    const answered = parts.filter((part) => part.type === 'toolCall')
    const said: Message = { role: 'assistant', parts }
    return answered.length === 0 ? fc.constant([said]) : results(answered).map((list): Message[] => [said, { role: 'tool', parts: list }])
  })
}

const instructions = fc.record({ role: fc.constantFrom<'system' | 'developer'>('system', 'developer'), parts: fc.array(textPart, { minLength: 1, maxLength: 2 }) })
const asked = some<Message>({ role: fc.constant('user'), parts: fc.array(userPart, { minLength: 1, maxLength: 3 }), name }, ['role', 'parts'])
const conversation = (maker: string): fc.Arbitrary<Message[]> => fc.array(fc.oneof(instructions.map((each): Message[] => [each]), asked.map((each) => [each]), turn(maker)), { maxLength: 5 }).map((turns) => turns.flatMap((each, index) => each.map((message) => withIds(message, index))))

/** Ids of calls are a conversation's own. */
function withIds(message: Message, turnIndex: number): Message {
  return { ...message, parts: message.parts.map((part) => (part.type === 'toolCall' ? { ...part, id: `${part.id}_${turnIndex}` } : part.type === 'toolResult' ? { ...part, callId: `${part.callId}_${turnIndex}` } : part)) }
}

const grammar = fc.constantFrom({ type: 'text' }, { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "a"' } })
const tool: fc.Arbitrary<Tool> = fc.oneof(
  some<Tool & { type: 'function' }>({ type: fc.constant('function'), name, description: text, parameters: schema, strict: fc.boolean(), cache } as never, ['type', 'name']),
  some<Tool & { type: 'custom' }>({ type: fc.constant('custom'), name, description: text, grammar, cache } as never, ['type', 'name']),
  fc.constant<Tool>({ type: 'server', kind: 'web_search', format: 'openai-chat', value: { type: 'web_search', max: 3 } }),
)
const tooled = fc.record({ tools: fc.uniqueArray(tool, { minLength: 1, maxLength: 4, selector: (each) => (each.type === 'server' ? '' : each.name) }), search: fc.boolean(), parallel: fc.option(fc.boolean()), choice: fc.constantFrom('auto', 'none', 'required', 'tool', 'some', 'native', null) })
  .map(({ tools, search, parallel, choice }): Partial<ChatRequest> => {
    const names = tools.filter((each) => each.type !== 'server').map((each) => each.name)
    const choices: Record<string, ToolChoice> = {
      auto: { type: 'auto' }, none: { type: 'none' }, required: { type: 'required' }, tool: { type: 'tool', name: names[0] ?? 'other' }, some: { type: 'some', names, mode: 'required' },
      native: { type: 'native', format: 'openai-chat', value: { type: 'hosted' } },
    }
    const web: Tool = { type: 'server', kind: 'web_search', format: 'openai-chat', value: { web_search_options: { search_context_size: 'low' } } }
    return { tools: search ? [...tools, web] : tools, ...parallel !== null && { parallelToolCalls: parallel }, ...choice && { toolChoice: choices[choice]! } }
  })

const settings = some<ChatRequest>({
  output: fc.oneof(
    fc.constantFrom<NonNullable<ChatRequest['output']>>({ type: 'text' }, { type: 'json' }, { type: 'native', format: 'openai-chat', value: { type: 'grammar', grammar: 'a' } }),
    some<Extract<ChatRequest['output'], { type: 'schema' }>>({ type: fc.constant('schema'), schema, name, description: text, strict: fc.boolean() }, ['type', 'schema', 'name']),
  ),
  modalities: fc.uniqueArray(fc.constantFrom<'text' | 'image' | 'audio'>('text', 'image', 'audio'), { minLength: 1 }), audio: some<NonNullable<ChatRequest['audio']>>({ voice: name, coding: name } as never, ['voice'] as never),
  sampling: some<NonNullable<ChatRequest['sampling']>>({ temperature: number, topP: number, topK: units, minP: number, frequencyPenalty: number, presencePenalty: number, repetitionPenalty: number, seed: units, logitBias: fc.dictionary(fc.stringMatching(/^[1-9]\d{0,4}$/), number, { maxKeys: 3 }) } as never).filter((value) => Object.keys(value).length > 0),
  maxOutputTokens: count, stop: fc.array(text, { minLength: 1, maxLength: 4 }), choices: fc.integer({ min: 1, max: 9 }), logprobs: fc.record({ alternatives: fc.integer({ min: 0, max: 20 }) }),
  reasoning: fc.oneof(fc.constant({ mode: 'off' as const }), fc.record({ mode: fc.constant('on' as const), effort: fc.constantFrom('minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'other') })),
  verbosity: fc.constantFrom('low', 'high'), serviceTier: fc.constantFrom('auto', 'flex', 'priority'), endUser: text, metadata: fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), text, { maxKeys: 3 }), store: fc.boolean(),
  cacheKey: text, cacheRetention: fc.constantFrom('24h', 'in_memory'), usageInStream: fc.constant(true),
  extras: fc.dictionary(plainKey, json, { minKeys: 1, maxKeys: 3 }).map((fields) => ({ format: 'openai-chat' as const, fields })),
} as never)

export const chatRequest = (maker: string): fc.Arbitrary<ChatRequest> =>
  fc.record({ head: fc.record({ model: text, stream: fc.boolean() }), messages: conversation(maker), tools: fc.option(tooled), more: settings })
    .map(({ head, messages, tools, more }) => ({ ...tools, ...more, ...head, messages }))

// Answers.
const makers = ['openrouter', 'anthropic', 'openai', 'google', 'some-vendor'] as const
const usage: fc.Arbitrary<ChatUsage> = some<ChatUsage>({ input: count, cacheRead: units, cacheWrite5m: units, cacheWrite1h: units, audioIn: units, imageIn: units, output: count, reasoning: units, audioOut: units, imageOut: units, searches: units }, ['input', 'output'])
const stops: readonly Pick<Choice, 'stop' | 'stopSequence' | 'nativeStop'>[] = [
  { stop: 'end' }, { stop: 'end', nativeStop: 'STOP' }, { stop: 'length' }, { stop: 'tool_calls' }, { stop: 'content_filter' }, { stop: 'content_filter', nativeStop: 'SAFETY' }, { stop: 'context_window' },
  { stop: 'context_window', nativeStop: 'model_context_window_exceeded' }, { stop: 'stop_sequence' }, { stop: 'stop_sequence', stopSequence: 'END' }, { stop: 'refusal' }, { stop: 'pause' }, { stop: 'other' },
]
const paint = fc.array(fc.oneof(data(['image/png', 'image/webp']), address).map((located): MediaPart => ({ type: 'media', kind: 'image', ...located })), { maxLength: 2 })
const sound = fc.record({ type: fc.constant('media' as const), kind: fc.constant('audio' as const), source: base64.map((value) => ({ by: 'data' as const, base64: value })), id: name, transcript: text })
const token = some<NonNullable<Choice['logprobs']>[number]>({ token: text, logprob: number, bytes: fc.array(fc.integer({ min: 0, max: 255 })) } as never, ['token', 'logprob'] as never)
const logprobs = fc.array(fc.tuple(token, fc.array(token, { maxLength: 2 })).map(([each, top]) => ({ ...each, ...top.length > 0 && { top } })), { minLength: 1, maxLength: 3 })

const choice: fc.Arbitrary<Omit<Choice, 'index'>> = fc.record({
  thoughts: thoughts(makers, false), text: fc.option(text), citations: fc.array(citation, { maxLength: 2 }), documents: fc.array(documentCitation, { maxLength: 2 }), proof: fc.option(fc.record({ by: fc.constantFrom(...makers), value: base64 })),
  refusal: fc.option(text, { freq: 4 }), audio: fc.option(sound, { freq: 4 }), images: paint, calls: calls(makers), stop: fc.constantFrom(...stops), logprobs: fc.option(logprobs),
}).map(({ thoughts: thought, text: said, citations, documents, proof, refusal, audio, images, calls: called, stop, logprobs: tokens }) => {
  const cited = [...citations, ...documents]
  const parts: Part[] = [...thought, ...said ? [{ type: 'text' as const, text: said, ...cited.length > 0 && { citations: cited }, ...proof && { proof } }] : [], ...refusal ? [{ type: 'refusal' as const, text: refusal }] : [], ...audio ? [audio] : [], ...images, ...called]
  return { parts, ...refusal && stop.stop === 'end' ? { stop: 'refusal' as const } : stop, ...tokens && { logprobs: tokens } }
})

export const chatAnswer: fc.Arbitrary<ChatAnswer> = some<Omit<ChatAnswer, 'choices'>>({ id: name, model: text, createdAt: units, usage, serviceTier: fc.constantFrom('default', 'flex', 'priority'), fingerprint: name } as never, ['id', 'model', 'createdAt'] as never)
  .chain((head) => fc.array(choice, { minLength: 1, maxLength: 3 }).map((choices) => ({ ...head, choices: choices.map((each, index) => ({ index, ...each })) })))
