/**
 * Canonical requests and answers in the form that the Responses API carries whole: items of one turn are one message, ids have the
 * prefixes that the vendor wants, what is usual is left out.
 */
import fc from 'fast-check'
import type { ChatAnswer, ChatRequest, ChatUsage, Extras, FunctionTool, CustomTool, JsonObject, MediaPart, Message, NativePart, OutputFormat, Part, Reasoning, StopReason, TextPart, TokenLogprob, Tool, ToolCallPart, ToolChoice, ToolResultPart } from '../../src/protocols/canonical.ts'

const format = 'openai-responses' as const
type Optional<T> = { [K in keyof T]: T[K] | undefined }

const plain = <T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>
/** Left out where it is undefined. */
export const record = <T extends object>(model: { [K in keyof Required<T>]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> => fc.record(model, { noNullPrototype: true }).map((value) => {
  const left = value as Optional<T>
  for (const key in left) if (left[key] === undefined) delete left[key]
  return left as T
})
export const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })
const name = fc.stringMatching(/^[a-z][a-zA-Z0-9-]{0,20}$/)
const words = fc.string({ minLength: 1, maxLength: 30, unit: 'grapheme' })
const base64 = fc.stringMatching(/^[A-Za-z0-9+/]{4,20}$/)
const json = fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null && !JSON.stringify(value).includes('__proto__')).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
const beside: fc.Arbitrary<Extras | undefined> = maybe(fc.dictionary(fc.stringMatching(/^x_[a-z]{1,6}$/), json, { minKeys: 1, maxKeys: 2, noNullPrototype: true }).map((fields) => ({ format, fields })))
const cache = maybe(fc.constantFrom('30m', '12h').map((ttl) => ({ ttl })))
const schema = fc.constantFrom<JsonObject>({ type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false }, { type: 'object' }, { type: 'object', properties: {}, additionalProperties: false })

const none = fc.constant(undefined)
const input = record<TextPart>({ type: fc.constant('text'), text: fc.string({ unit: 'grapheme' }), cache, citations: none, id: none, phase: none, proof: none, extras: beside })
const url = fc.webUrl()
const image = record<MediaPart>({
  type: fc.constant('media'), kind: fc.constant('image'), source: fc.oneof(url.map((each) => ({ by: 'url' as const, url: each })), name.map((id) => ({ by: 'file' as const, id }))), detail: maybe(fc.constantFrom('low', 'high', 'original')),
  cache, mediaType: none, name: none, context: none, cites: none, transcript: none, id: none, proof: none, extras: beside,
})
const picture = record<MediaPart>({
  type: fc.constant('media'), kind: fc.constant('image'), source: base64.map((each) => ({ by: 'data' as const, base64: each })), mediaType: fc.constantFrom('image/png', 'image/webp'), detail: none,
  cache, name: none, context: none, cites: none, transcript: none, id: none, proof: none, extras: none,
})
const file = fc.oneof(
  fc.tuple(base64, fc.constantFrom('application/pdf', 'text/plain'), name).map(([data, mediaType, title]): MediaPart => ({ type: 'media', kind: 'document', source: { by: 'data', base64: data }, mediaType, name: title })),
  fc.tuple(url, maybe(name)).map(([each, title]): MediaPart => ({ type: 'media', kind: 'document', source: { by: 'url', url: each }, ...(title !== undefined && { name: title }) })),
  fc.tuple(name, maybe(name)).map(([id, title]): MediaPart => ({ type: 'media', kind: 'document', source: { by: 'file', id }, ...(title !== undefined && { name: title }) })),
)
const content: fc.Arbitrary<Part> = fc.oneof(input, image, picture, file, name.map((type): NativePart => ({ type: 'native', format, value: { type: `input_x_${type}` } })))

/** All parts of a message bear the id of its item. */
const said: fc.Arbitrary<Message> = fc.tuple(fc.constantFrom('user' as const, 'system' as const, 'developer' as const), fc.array(content, { minLength: 1, maxLength: 3 }), maybe(name), beside).map(([role, parts, id, extras]) => {
  const own = structuredClone(parts)
  if (id !== undefined) for (const part of own) if (part.type === 'text' || part.type === 'media') part.id = `msg_${id}`
  return { role, parts: own, ...(extras && { extras }) }
})

const call = record<ToolCallPart>({
  type: fc.constant('toolCall'), id: name.map((each) => `call_${each}`), name, arguments: fc.oneof(fc.json(), words), custom: maybe(fc.constant(true)), namespace: maybe(name), itemId: none, cache: none, proof: none, extras: beside,
})
const citation = fc.oneof(
  plain({ url, title: words, start: fc.nat(50), end: fc.nat(99) }),
  url.map((each) => ({ url: each, native: { format, value: { type: 'url_citation', url: each } } })),
  name.map((title) => ({ title, native: { format, value: { type: 'file_citation', file_id: 'file_1', filename: title, index: 3 } } })),
)

/** Parts of one item each. `isWhole`: as answers have them, with ids and texts that are not empty. */
function items(isWhole: boolean, hasExtras: boolean): fc.Arbitrary<Part[]> {
  const extras = hasExtras ? beside : none
  const text = isWhole ? words : fc.string({ unit: 'grapheme' })
  const phase = maybe(fc.constantFrom('commentary', 'final_answer'))
  const own = fc.tuple(fc.array(plain({ text, citations: maybe(fc.array(citation, { minLength: 1, maxLength: 2 })), extras }), { minLength: 1, maxLength: 2 }), maybe(text), phase).map(([texts, refusal, each]): Part[] => [
    ...texts.map(({ citations, ...rest }): TextPart => ({ type: 'text', id: 'msg', text: rest.text, ...(each !== undefined && { phase: each }), ...(citations && { citations }), ...(rest.extras && { extras: rest.extras }) })),
    ...(refusal === undefined ? [] : [{ type: 'refusal' as const, text: refusal, id: 'msg' }]),
  ])
  const short = fc.tuple(text, phase).map(([each, its]): Part[] => [{ type: 'text', text: each, ...(its !== undefined && { phase: its }) }])
  const thought = fc.tuple(fc.array(words, { maxLength: 2 }), fc.array(words, { maxLength: 2 }), maybe(base64), extras).map(([summary, texts, proof, own]): Part[] => {
    const parts: Part[] = (texts.length > 0 ? texts : [undefined]).map((each) => ({ type: 'reasoning', id: 'rs', ...(each !== undefined && { text: each }) }))
    if (summary.length > 0) Object.assign(parts[0]!, { summary })
    if (proof !== undefined) Object.assign(parts.at(-1)!, { proof: { by: 'openai', value: proof } })
    if (own) Object.assign(parts[0]!, { extras: own })
    return parts
  })
  const calls = fc.tuple(call, fc.boolean()).map(([each, hasId]): Part[] => {
    const { extras: its, ...rest } = each
    return [{ ...rest, ...(hasExtras && its && { extras: its }), ...((isWhole || hasId) && { itemId: each.custom ? 'ctc' : 'fc' }) }]
  })
  const other = json.map((value): Part[] => [{ type: 'native', format, value: { type: 'file_search_call', id: 'fs', status: 'completed', value } }])
  return isWhole ? fc.oneof(own, thought, calls, other) : fc.oneof(own, short, thought, calls, other)
}

/** Ids that no other item has. */
function numbered(groups: readonly Part[][]): Part[] {
  return groups.flatMap((parts, index) => structuredClone(parts).map((part) => {
    if ('id' in part && part.id !== undefined && part.type !== 'toolCall') part.id = `${part.id}_${index}`
    if (part.type === 'toolCall') {
      part.id = `${part.id}_${index}`
      if (part.itemId !== undefined) part.itemId = `${part.itemId}_${index}`
    }
    if (part.type === 'native') part.value = { ...part.value, id: `fs_${index}` }
    return part
  }))
}

const turn: fc.Arbitrary<Message> = fc.array(items(false, true), { minLength: 1, maxLength: 4 }).map((groups) => ({ role: 'assistant', parts: numbered(groups) }))
const result = fc.tuple(
  record<ToolResultPart>({ type: fc.constant('toolResult'), callId: name, custom: maybe(fc.constant(true)), id: maybe(name), parts: fc.constant([]), name: none, isError: none, cache: none, extras: beside }),
  fc.oneof(fc.constant<Part[]>([]), words.map((text): Part[] => [{ type: 'text', text }]), fc.array(content, { minLength: 2, maxLength: 3 })),
).map(([part, parts]): Part => ({ ...part, parts }))
const results: fc.Arbitrary<Message> = fc.array(fc.oneof(result, json.map((value): Part => ({ type: 'native', format, value: { type: 'computer_call_output', value } }))), { minLength: 1, maxLength: 3 }).map((parts) => ({ role: 'tool', parts }))

const messages = fc.array(fc.oneof(said, turn, results), { maxLength: 6 }).map((all) => all.filter(({ role }, index) => (role !== 'assistant' && role !== 'tool') || all[index - 1]?.role !== role))

const functionTool = record<FunctionTool>({
  type: fc.constant('function'), name, description: maybe(words), parameters: maybe(schema), strict: maybe(fc.constant(true)), deferred: maybe(fc.constant(true)), namespace: none, cache: none, extras: beside,
})
const customTool = record<CustomTool>({
  type: fc.constant('custom'), name, description: maybe(words), grammar: maybe(fc.constantFrom<JsonObject>({ type: 'text' }, { type: 'grammar', syntax: 'lark', definition: 'start: "a"' })), namespace: none, cache: none, extras: beside,
})
const group = fc.tuple(fc.array(fc.oneof(functionTool, customTool), { minLength: 1, maxLength: 3 }), maybe(words)).map(([members, description]): Tool[] => {
  const tools = structuredClone(members)
  for (const tool of tools) tool.namespace = 'group'
  if (description !== undefined) tools[0]!.extras = { format, fields: { ...tools[0]!.extras?.fields, namespace: { description } } }
  return tools
})
const serverTool = fc.constantFrom<Tool>(
  { type: 'server', kind: 'web_search', format, value: { type: 'web_search', external_web_access: false } }, { type: 'server', kind: 'code_execution', format, value: { type: 'code_interpreter', container: { type: 'auto' } } },
  { type: 'server', format, value: { type: 'mcp', server_label: 'a', server_url: 'https://example.com' } },
)
const tools = fc.array(fc.oneof(functionTool.map((tool) => [tool]), customTool.map((tool) => [tool]), serverTool.map((tool) => [tool]), group), { maxLength: 4 }).map((all): Tool[] => all.flatMap((each, index) => each.map((tool) => ('namespace' in tool ? { ...tool, namespace: `group_${index}` } : tool))))
const toolChoice: fc.Arbitrary<ToolChoice> = fc.oneof(
  fc.constantFrom<ToolChoice>({ type: 'auto' }, { type: 'none' }, { type: 'required' }, { type: 'native', format, value: { type: 'web_search_preview' } }), name.map((each): ToolChoice => ({ type: 'tool', name: each })),
  fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), fc.constantFrom('auto' as const, 'required' as const)).map(([names, mode]): ToolChoice => ({ type: 'some', names, mode })),
)
const output: fc.Arbitrary<OutputFormat> = fc.oneof(
  fc.constantFrom<OutputFormat>({ type: 'text' }, { type: 'json' }, { type: 'native', format, value: { type: 'grammar', definition: 'x' } }),
  record<Extract<OutputFormat, { type: 'schema' }>>({ type: fc.constant('schema'), schema, name, description: maybe(words), strict: maybe(fc.boolean()) }),
)
const effort = fc.constantFrom('minimal', 'low', 'medium', 'high', 'xhigh', 'max')
const summary = fc.constantFrom('auto', 'concise', 'detailed')
const wantsProof = maybe(fc.constant(true))
const reasoning: fc.Arbitrary<Reasoning> = fc.oneof(
  record<Reasoning>({ mode: fc.constant('on'), effort, summary: maybe(summary), wantsProof, budgetTokens: none }), record<Reasoning>({ mode: fc.constant('on'), summary, wantsProof, effort: none, budgetTokens: none }),
  record<Reasoning>({ mode: fc.constant('off'), summary: maybe(summary), wantsProof, effort: none, budgetTokens: none }), fc.constant<Reasoning>({ mode: 'adaptive', wantsProof: true }),
)
const number = fc.double({ min: 0, max: 2, noNaN: true }).map((value) => value + 0)
const settings = maybe(fc.constantFrom<JsonObject>({ previous_response_id: 'resp_1' }, { include: ['file_search_call.results'], truncation: 'auto' }, { 'reasoning.mode': 'pro', 'text.new': 1 }, { top_logprobs: 0, client_metadata: { a: 'b' } }).map((fields): Extras => ({ format, fields })))

export const requests: fc.Arbitrary<ChatRequest> = record<ChatRequest>({
  model: name, stream: fc.boolean(), messages, tools: maybe(tools), toolChoice: maybe(toolChoice), parallelToolCalls: maybe(fc.boolean()), output: maybe(output), verbosity: maybe(fc.constantFrom('low', 'high')), reasoning: maybe(reasoning),
  sampling: maybe(fc.oneof(plain({ temperature: number }), plain({ temperature: number, topP: number }))), maxOutputTokens: maybe(fc.integer({ min: 16, max: 200_000 })), logprobs: maybe(plain({ alternatives: fc.nat(20) })),
  serviceTier: maybe(fc.constantFrom('auto', 'flex', 'priority')), endUser: maybe(name), metadata: maybe(fc.dictionary(name, words, { noNullPrototype: true })), store: maybe(fc.boolean()), cacheKey: maybe(name), cacheRetention: maybe(fc.constantFrom('24h', 'in_memory')),
  modalities: none, audio: none, stop: none, choices: none, usageInStream: none, betas: none, extras: settings,
}).filter((request) => !(request.logprobs && request.extras?.fields['top_logprobs'] !== undefined))

const bytes = fc.array(fc.nat(255), { maxLength: 4 })
const token = plain({ token: words, logprob: fc.double({ min: -9, max: 0, noNaN: true }).map((value) => value + 0), bytes })
const tokens: fc.Arbitrary<TokenLogprob[]> = fc.array(fc.tuple(token, fc.array(token, { maxLength: 2 })).map(([each, top]) => ({ ...each, top })), { minLength: 1, maxLength: 3 })
const count = maybe(fc.integer({ min: 1, max: 100_000 }))
const usage: fc.Arbitrary<ChatUsage> = record<ChatUsage>({
  input: fc.nat(100_000), output: fc.nat(100_000), cacheRead: count, cacheWrite5m: count, cacheWrite1h: count, audioIn: count, imageIn: count, reasoning: count, audioOut: count, imageOut: count, costNano: fc.constant(undefined), searches: maybe(fc.integer({ min: 1, max: 9 })),
})

function stopOf(parts: readonly Part[], cut: [StopReason, string | undefined] | undefined): { stop: StopReason; nativeStop?: string } {
  if (cut) return { stop: cut[0], ...(cut[1] !== undefined && { nativeStop: cut[1] }) }
  return { stop: parts.some(({ type }) => type === 'toolCall') ? 'tool_calls' : parts.some(({ type }) => type === 'refusal') ? 'refusal' : 'end' }
}
const cut = maybe(fc.constantFrom<[StopReason, string | undefined]>(['length', undefined], ['content_filter', undefined], ['other', 'max_messages'], ['other', undefined], ['other', 'cancelled']))

/** `hasExtras`: what no stream tells. */
export const answers = (hasExtras: boolean): fc.Arbitrary<ChatAnswer> => plain({
  id: name, model: name, createdAt: fc.nat(2_000_000_000), groups: fc.array(items(true, hasExtras), { maxLength: 5 }), cut, logprobs: maybe(tokens), usage: maybe(usage), serviceTier: maybe(fc.constantFrom('default', 'flex')), extras: hasExtras ? beside : none,
}).map(({ groups, cut: its, logprobs, usage: used, serviceTier, extras, ...head }): ChatAnswer => {
  const parts = numbered(groups)
  for (const part of parts) if (part.type === 'reasoning' && part.proof) part.proof.value = `${part.id} ${part.proof.value}`
  // What the vendor said counts, and it counted none.
  if (used && extras) delete used.searches
  const hasText = parts.some(({ type }) => type === 'text')
  return {
    ...head, choices: [{ index: 0, parts, ...stopOf(parts, its), ...(hasText && logprobs && { logprobs }) }], ...(used && { usage: used }), ...(used && serviceTier !== undefined && { serviceTier }), ...(extras && { extras }),
  }
})
