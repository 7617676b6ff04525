/** Chats that Converse carries without a loss, each as its model takes it; answers and streams of them. */
import fc from 'fast-check'
import type { ChatAnswer, ChatRequest, Choice, FunctionTool, Json, JsonObject, MediaPart, Message, Part, ReasoningPart, Sampling, TextPart, Tool, ToolCallPart, ToolChoice } from '../../src/protocols/canonical.ts'
import { alwaysAdaptive, familyOf, knownBetas, takesOneCall, thinksByBudget, type Family } from '../../src/protocols/bedrock-converse/families.ts'

const format = 'bedrock-converse' as const
export const models = [
  'us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'global.anthropic.claude-opus-4-6-v1', 'us.anthropic.claude-opus-4-7', 'anthropic.claude-3-5-sonnet-20240620-v1:0',
  'us.amazon.nova-2-lite-v1:0', 'amazon.nova-lite-v1:0', 'openai.gpt-oss-120b-1:0', 'qwen.qwen3-32b-v1:0', 'meta.llama3-3-70b-instruct-v1:0', 'mistral.mistral-large-2402-v1:0',
  'writer.palmyra-x5-v1:0', 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123',
] as const

const words = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' }).filter((text) => text.trim() !== '')
const base64 = fc.uint8Array({ minLength: 1, maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as Json)
const objects = fc.dictionary(fc.string({ maxLength: 8 }), json, { maxKeys: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })
/** Without the members that say nothing. */
type Said<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> }
const said = <T extends object>(value: T): Said<T> => Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Said<T>

const plainName = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/)
export const toolNames = fc.oneof(plainName, fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }), fc.constantFrom('mcp.server/tool', 'a_x2e_b', '_x2e.', 'x2e_', '_x5f_x2e_'))
const ids = ({ shortIds }: Family): fc.Arbitrary<string> => (shortIds ? fc.stringMatching(/^[a-zA-Z0-9]{9}$/) : fc.stringMatching(/^[a-zA-Z0-9_.:-]{1,20}$/))
const cacheOf = ({ caching, cacheTtl }: Family): fc.Arbitrary<{ cache?: { ttl?: string } }> =>
  (caching === null ? fc.constant({}) : fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constantFrom(...(cacheTtl ? [{}, { ttl: '5m' }, { ttl: '1h' }] : [{}])).map((cache) => ({ cache })) }))

/** What other members of a block are kept as. */
const extras = maybe(fc.constantFrom({ format, fields: { newMember: [1, { a: null }] } as JsonObject }))

const s3 = fc.constantFrom('s3://bucket/a.png', 's3://my-bucket.x/folder/b')
const source = fc.oneof(base64.map((data) => ({ by: 'data' as const, base64: data })), s3.map((url) => ({ by: 'url' as const, url })))
const typesOf: Record<MediaPart['kind'], readonly string[]> = {
  image: ['image/png', 'image/jpeg', 'image/gif', 'image/webp'], video: ['video/mp4', 'video/3gpp', 'video/quicktime'], audio: ['audio/mpeg', 'audio/wav', 'audio/webm'],
  document: ['application/pdf', 'text/csv', 'text/markdown', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
}
const mediaOf = (kind: 'image' | 'video' | 'audio'): fc.Arbitrary<MediaPart> => fc.record({ source, mediaType: fc.constantFrom(...typesOf[kind]) }).map((rest) => ({ type: 'media', kind, ...rest }))
const documentFor = ({ citations }: Family): fc.Arbitrary<MediaPart> => fc.record({
  source: fc.oneof(source, words.map((text) => ({ by: 'text' as const, text })), fc.array(words.map((text): Part => ({ type: 'text', text })), { minLength: 1, maxLength: 3 }).map((parts) => ({ by: 'parts' as const, parts }))),
  mediaType: maybe(fc.constantFrom(...typesOf.document)), context: citations ? maybe(words) : fc.constant(undefined), cites: citations ? maybe(fc.boolean()) : fc.constant(undefined), extras,
}).map((rest) => said({ type: 'media', kind: 'document', ...rest }) as MediaPart)

const plainText = fc.record({ text: words, extras }).map((rest) => said({ type: 'text', ...rest }) as TextPart)
const citation = fc.oneof(
  fc.record({ title: maybe(words), quote: maybe(words), document: maybe(fc.nat(9)) }).map(({ title, quote, document: index }) => {
    const value = said({ title, sourceContent: quote === undefined ? undefined : [{ text: quote }], location: index === undefined ? undefined : { documentPage: { documentIndex: index, start: 1, end: 2 } } }) as unknown as JsonObject
    return { ...said({ title, quote, document: index }), native: { format, value } }
  }),
  fc.webUrl().map((url) => ({ url, native: { format, value: { location: { web: { url, domain: 'x' } } } as JsonObject } })),
)
const citedText = fc.record({ text: words, citations: fc.array(citation, { minLength: 1, maxLength: 2 }) }).map((rest): TextPart => ({ type: 'text', ...rest }))
const found: Part = { type: 'native', format, value: { searchResult: { source: 'a', title: 'b', content: [{ text: 'c' }] } } }
const native: fc.Arbitrary<Part> = fc.constantFrom<Part[]>(found, { type: 'native', format, value: { guardContent: { text: { text: 'x', qualifiers: ['query'] } } } })

/** Encrypted thought: a text, or bytes that are none. */
const hidden = fc.oneof(words, fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => `data:;base64,${Buffer.from([0xff, ...bytes]).toString('base64')}`))
export const thoughts = fc.oneof(
  fc.record({ text: words, value: words }).map(({ text, value }): ReasoningPart => ({ type: 'reasoning', text, proof: { by: 'anthropic', value } })),
  hidden.map((value): ReasoningPart => ({ type: 'reasoning', redacted: true, proof: { by: 'anthropic', value } })),
)

const withCache = <T extends Part>(part: fc.Arbitrary<T>, family: Family): fc.Arbitrary<T> => fc.tuple(part, cacheOf(family)).map(([each, cache]) => ({ ...each, ...cache }))

const userParts = (family: Family): fc.Arbitrary<Part[]> => {
  const others = fc.array(withCache(fc.oneof<fc.Arbitrary<Part>[]>(plainText, mediaOf('image'), mediaOf('video'), mediaOf('audio'), documentFor(family), native), family), { maxLength: 3 })
  return fc.tuple(withCache(plainText, family), others).map(([first, rest]) => [first, ...rest])
}

const callOf = (family: Family): fc.Arbitrary<ToolCallPart> => fc.record({ id: ids(family), name: toolNames, input: objects, extras }).map(({ input, ...rest }) => said({ type: 'toolCall', ...rest, arguments: JSON.stringify(input) }) as ToolCallPart)

const assistantParts = (family: Family): fc.Arbitrary<Part[]> => fc.array(withCache(fc.oneof<fc.Arbitrary<Part>[]>(plainText, family.citations ? citedText : plainText, callOf(family)), family), { minLength: 1, maxLength: 4 })
  // Claude with a budget wants the thought of the calls that are answered.
  .chain((parts) => (family.thoughtGoesBack ? thoughts.chain((thought) => fc.constantFrom(...(parts.some(({ type }) => type === 'toolCall') ? [] : [parts]), [thought, ...parts])) : fc.constant(parts)))

const resultParts = ({ resultMedia }: Family): fc.Arbitrary<Part[]> => fc.array(fc.oneof<fc.Arbitrary<Part>[]>(plainText, resultMedia.includes('image') ? mediaOf('image') : plainText, fc.constant(found), objects.map((value) => ({ type: 'text', text: JSON.stringify(value), extras: { format, fields: { json: value } } }))), { minLength: 1, maxLength: 3 })

/** The results that the assistant waits for, and what the user says with them where the model lets him. */
function resultsOf(family: Family, calls: readonly ToolCallPart[]): fc.Arbitrary<Message[]> {
  const results = fc.tuple(...calls.map(({ id }) => fc.record({ parts: resultParts(family), isError: family.resultStatus ? maybe(fc.boolean()) : fc.constant(undefined), cache: cacheOf(family) })
    .map(({ cache, ...rest }): Part => ({ ...said({ type: 'toolResult', callId: id, ...rest } as Part), ...cache }))))
  const also = family.apartFromResults === 'everything' ? fc.constant(null) : fc.option(withCache(plainText, family))
  return fc.tuple(results, also).map(([parts, text]) => [{ role: 'tool', parts }, ...(text ? [{ role: 'user', parts: [text] } satisfies Message] : [])])
}

const conversation = (family: Family): fc.Arbitrary<Message[]> => fc.array(fc.tuple(userParts(family), assistantParts(family)), { minLength: 1, maxLength: 3 }).chain((turns) => {
  const each = turns.map(([user, assistant], index) => {
    const calls = assistant.filter((part) => part.type === 'toolCall')
    const end: Message[] = index < turns.length - 1 ? [{ role: 'assistant', parts: [{ type: 'text', text: 'so be it' }] }] : []
    const head: Message[] = [{ role: 'user', parts: user }, { role: 'assistant', parts: assistant }]
    return calls.length === 0 ? fc.constant(head) : resultsOf(family, calls).map((results) => [...head, ...results, ...end])
  })
  return fc.tuple(...each).map((list) => named(list.flat()))
})

/** Each document has a name of its own. */
function named(messages: Message[]): Message[] {
  let count = 0
  for (const { parts } of messages) for (const part of parts) if (part.type === 'media' && part.kind === 'document') part.name = `Report [${++count}] (final)`
  return messages
}

const toolOf = (family: Family): fc.Arbitrary<Tool> => fc.oneof(
  fc.record({ name: toolNames, description: maybe(words), parameters: maybe(objects.map((schema): JsonObject => ({ ...schema, type: 'object' }))), strict: family.schemas ? maybe(fc.boolean()) : fc.constant(undefined), extras, cache: family.caching === 'all' ? cacheOf(family) : fc.constant({}) })
    .map(({ cache, ...rest }) => ({ ...said({ type: 'function', ...rest } as FunctionTool), ...cache })),
  ...(family.systemTools ? [fc.constantFrom<Tool>({ type: 'server', kind: 'web_search', format, value: { systemTool: { name: 'nova_grounding' } } }, { type: 'server', kind: 'code_execution', format, value: { systemTool: { name: 'nova_code_interpreter' } } })] : []),
)

const choiceOf = ({ toolChoice }: Family): fc.Arbitrary<ToolChoice | undefined> => {
  if (toolChoice === null) return fc.constant(undefined)
  return fc.oneof(fc.constantFrom<(ToolChoice | undefined)[]>(undefined, { type: 'auto' }, { type: 'required' }), ...(toolChoice === 'all' ? [toolNames.map((name): ToolChoice => ({ type: 'tool', name }))] : []))
}

function reasoningOf(model: string, { thinking }: Family): fc.Arbitrary<ChatRequest['reasoning']> {
  const summary = fc.constantFrom<({ summary?: string })[]>({}, { summary: 'none' }, { summary: 'auto' })
  const effort = fc.constantFrom('low', 'medium', 'high', 'xhigh', 'max')
  const off = fc.constant({ mode: 'off' as const })
  const budget = fc.tuple(fc.integer({ min: 1024, max: 30_000 }), summary).map(([budgetTokens, more]) => ({ mode: 'on' as const, budgetTokens, ...more }))
  const adaptive = fc.tuple(maybe(effort), summary).map(([each, more]) => said({ mode: 'adaptive' as const, effort: each, ...more }))
  switch (thinking) {
    case 'claude': return alwaysAdaptive(model) ? adaptive : thinksByBudget(model) ? fc.oneof(budget, off) : fc.oneof(adaptive, budget, off)
    case 'nova': return fc.oneof(fc.constantFrom('low', 'medium').map((each) => ({ mode: 'on' as const, effort: each })), off)
    case 'effort': return fc.constantFrom('low', 'medium', 'high').map((each) => ({ mode: 'on' as const, effort: each }))
    case 'qwen': return fc.constantFrom('low', 'high').map((each) => ({ mode: 'on' as const, effort: each }))
    case null: return fc.constant(undefined)
  }
}

const unknownMembers = fc.constantFrom<(JsonObject | undefined)[]>(undefined, { guardrailConfig: { guardrailIdentifier: 'abc', guardrailVersion: '1' }, performanceConfig: { latency: 'optimized' } }, { promptVariables: { a: { text: 'b' } }, additionalModelRequestFields: { other: { x: [1] } } })

const settings = (model: string, family: Family) => fc.record({
  temperature: maybe(fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0)), topP: maybe(fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0)), topK: family.topK === null ? fc.constant(undefined) : maybe(fc.nat(500)),
  maxOutputTokens: maybe(fc.integer({ min: 40_000, max: 90_000 })), stop: maybe(fc.array(words, { minLength: 1, maxLength: 3 })), serviceTier: maybe(fc.constantFrom('priority', 'default', 'flex', 'reserved')),
  metadata: maybe(fc.dictionary(fc.stringMatching(/^[a-zA-Z0-9 :_@$#=/+,.-]{1,20}$/), fc.stringMatching(/^[a-zA-Z0-9 :_@$#=/+,.-]{0,20}$/), { minKeys: 1, maxKeys: 3 }).map((value) => ({ ...value }) as JsonObject)),
  betas: family.thinking === 'claude' ? maybe(fc.subarray([...knownBetas], { minLength: 1 })) : fc.constant(undefined),
  output: family.schemas ? maybe(fc.record({ schema: objects, name: maybe(words), description: maybe(words) }).map((rest) => said({ type: 'schema' as const, ...rest }))) : fc.constant(undefined),
  reasoning: fc.option(reasoningOf(model, family), { nil: undefined, freq: 2 }), extras: unknownMembers.map((fields) => fields && { format, fields }),
})

export const requests: fc.Arbitrary<ChatRequest> = fc.constantFrom(...models).chain((model) => {
  const family = familyOf(model)
  const system = fc.option(fc.array(withCache(plainText, family), { minLength: 1, maxLength: 2 }), { nil: undefined })
  return fc.tuple(conversation(family), system, fc.array(toolOf(family), { maxLength: 3 }), choiceOf(family), fc.boolean(), fc.boolean(), settings(model, family)).map(([messages, systemParts, tools, toolChoice, oneCall, stream, { temperature, topP, topK, reasoning, ...rest }]) => {
    const usesTools = messages.some(({ role, parts }) => role === 'tool' || parts.some(({ type }) => type === 'toolCall'))
    const offered: Tool[] = tools.length === 0 && usesTools ? [{ type: 'function', name: 'one' }] : tools
    const choice = offered.length === 0 ? undefined : toolChoice
    const forces = choice?.type === 'required' || choice?.type === 'tool'
    const thinks = forces && (family.thinking === 'claude' || family.thinking === 'nova') ? undefined : reasoning
    const sampling: Sampling = thinks !== undefined && thinks.mode !== 'off' && family.thinking === 'claude' ? {} : said({ temperature, topP, topK })
    const single = oneCall && offered.length > 0 && family.thinking === 'claude' && takesOneCall(model) && choice?.type !== 'auto'
    return said({
      model, stream, messages: [...(systemParts ? [{ role: 'system', parts: systemParts } satisfies Message] : []), ...messages], ...rest, reasoning: thinks,
      tools: offered.length === 0 ? undefined : offered, toolChoice: choice, parallelToolCalls: single ? false : undefined, sampling: Object.keys(sampling).length === 0 ? undefined : sampling,
    } as ChatRequest)
  })
})

const serverParts: fc.Arbitrary<Part> = fc.constantFrom<JsonObject>(
  { toolUse: { toolUseId: 's1', name: 'nova_grounding', type: 'server_tool_use', input: { query: 'x' } } }, { toolResult: { toolUseId: 's1', type: 'nova_grounding_result', status: 'success', content: [{ json: { a: 1 } }, { text: 'b' }] } },
).map((value) => ({ type: 'native', format, value }))
const image: fc.Arbitrary<Part> = fc.record({ base64, mediaType: fc.constantFrom('image/png', 'image/webp') }).map(({ base64: data, mediaType }) => ({ type: 'media', kind: 'image', source: { by: 'data', base64: data }, mediaType }))

const stops = fc.oneof(
  fc.constantFrom<Pick<Choice, 'stop' | 'nativeStop'>[]>({ stop: 'end' }, { stop: 'tool_calls' }, { stop: 'length' }, { stop: 'content_filter' }, { stop: 'context_window' }, { stop: 'content_filter', nativeStop: 'guardrail_intervened' }, { stop: 'other', nativeStop: 'malformed_tool_use' }, { stop: 'other', nativeStop: 'malformed_model_output' }),
  words.map((stopSequence) => ({ stop: 'stop_sequence' as const, stopSequence })), fc.constant({ stop: 'stop_sequence' as const }),
)
const counts = fc.record({ input: fc.nat(), output: fc.nat(), cacheRead: maybe(fc.nat()), cacheWrite5m: maybe(fc.nat(1e6)), cacheWrite1h: maybe(fc.integer({ min: 1, max: 1e6 })) })
  .map((usage) => said(usage.cacheWrite1h === undefined ? usage : { ...usage, cacheWrite5m: usage.cacheWrite5m ?? 0 }))

const answerOf = (part: fc.Arbitrary<Part>, kept: boolean): fc.Arbitrary<ChatAnswer> => fc.record({ parts: fc.array(part, { maxLength: 5 }), stop: stops, usage: maybe(counts), serviceTier: fc.constantFrom(undefined, 'flex'), extras: kept ? fc.constantFrom(undefined, { format, fields: { metrics: { latencyMs: 3 }, trace: { guardrail: {} }, usage: { serverToolUsage: {} } } as JsonObject }) : fc.constant(undefined) })
  .map(({ parts, stop, usage, serviceTier, extras: more }) => said({ id: '', model: '', choices: [{ index: 0, parts, ...stop }], usage, serviceTier: usage && serviceTier, extras: usage && more } as ChatAnswer))

const family = familyOf(models[0])
export const answers = answerOf(fc.oneof<fc.Arbitrary<Part>[]>(plainText, citedText, thoughts, callOf(family), serverParts, image), true)
function withoutExtras(call: ToolCallPart): ToolCallPart {
  const { extras: _, ...rest } = call
  return rest
}

/** Other members of blocks are not part of a stream. */
export const streamedAnswers = answerOf(fc.oneof<fc.Arbitrary<Part>[]>(words.map((text) => ({ type: 'text', text })), citedText, thoughts, callOf(family).map(withoutExtras), serverParts, image), false)
