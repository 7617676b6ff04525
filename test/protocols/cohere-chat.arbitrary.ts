/** Canonical requests and answers of all that Cohere's chat can carry. */
import fc from 'fast-check'
import type { ChatAnswer, ChatRequest, Citation, FunctionTool, JsonObject, Message, Part, TextPart, ToolCallPart } from '../../src/protocols/canonical.ts'

export const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/)
const name = fc.oneof(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_-]{0,20}$/), fc.constantFrom('get-weather', 'mcp.x/y', '1st', 'a_x2d_b', '_x2-', 'größe'))
/** As a wire would have carried it. */
const json = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4, noNullPrototype: true }).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
const extras = fc.dictionary(fc.stringMatching(/^x_[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 1 }), { minKeys: 1, maxKeys: 2, noNullPrototype: true }).map((fields) => ({ format: 'cohere-chat' as const, fields: JSON.parse(JSON.stringify(fields)) as JsonObject }))
/** Optional members are there or not. */
const some = <T extends object>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }, required: (keyof T & string)[]): fc.Arbitrary<T> => fc.record(members, { requiredKeys: required as never, noNullPrototype: true }) as fc.Arbitrary<T>

const textPart: fc.Arbitrary<TextPart> = text.map((each) => ({ type: 'text', text: each }))
const thought: fc.Arbitrary<Part> = text.map((each) => ({ type: 'reasoning', text: each }))
const base64 = fc.base64String({ minLength: 4, maxLength: 16 })
const image: fc.Arbitrary<Part> = fc.oneof(
  some<Extract<Part, { type: 'media' }>>({ type: fc.constant('media'), kind: fc.constant('image'), source: fc.webUrl().map((url) => ({ by: 'url' as const, url })), detail: fc.constantFrom('low', 'high', 'auto') }, ['type', 'kind', 'source']),
  some<Extract<Part, { type: 'media' }>>({ type: fc.constant('media'), kind: fc.constant('image'), source: base64.map((each) => ({ by: 'data' as const, base64: each })), mediaType: fc.constantFrom('image/png', 'image/jpeg'), detail: fc.constantFrom('low', 'high') }, ['type', 'kind', 'source', 'mediaType']),
)
const document: fc.Arbitrary<Part> = some<Extract<Part, { type: 'media' }>>({ type: fc.constant('media'), kind: fc.constant('document'), source: text.map((each) => ({ by: 'text' as const, text: each })), name: text, id }, ['type', 'kind', 'source'])
const foreignBlock: fc.Arbitrary<Part> = json.map((value) => ({ type: 'native', format: 'cohere-chat', value: { ...value, type: 'tool_content' } }))

const args = json.map((value) => JSON.stringify(value))
const call: fc.Arbitrary<ToolCallPart> = some<ToolCallPart>({ type: fc.constant('toolCall'), id, name, arguments: args, extras }, ['type', 'id', 'name', 'arguments'])
const streamedCall: fc.Arbitrary<ToolCallPart> = call.map((each) => { const rest = { ...each }; delete rest.extras; return rest })

/** Of the whole text, so that it stands where it says. */
const cited = (part: TextPart, contentIndex: number): fc.Arbitrary<TextPart> =>
  fc.array(fc.record({ document: fc.nat({ max: 99 }), title: text, url: fc.webUrl() }, { noNullPrototype: true }), { maxLength: 2 }).map((sources) => {
    const citations = sources.map(({ document: number, title, url }): Citation => ({
      url, title, start: 0, end: part.text.length, document: number,
      native: { format: 'cohere-chat', value: { start: 0, end: part.text.length, text: part.text, type: 'TEXT_CONTENT', content_index: contentIndex, sources: [{ type: 'document', id: `doc:${number}`, document: { id: `doc:${number}`, title, url } }] } },
    }))
    return citations.length > 0 ? { ...part, citations } : part
  })

/** Thoughts and texts, then a plan and calls. */
const turn = (aCall: fc.Arbitrary<ToolCallPart>): fc.Arbitrary<Part[]> =>
  fc.tuple(fc.array(fc.oneof(thought, textPart), { maxLength: 3 }), fc.option(textPart, { nil: undefined }), fc.array(aCall, { maxLength: 3 })).chain(([content, plan, calls]): fc.Arbitrary<Part[]> => {
    // Without a plan of its own the last text before the calls is the plan.
    const parts: Part[] = calls.length === 0 ? content : plan ? [...content, plan] : content.filter(({ type }) => type !== 'text')
    const index = parts.findIndex(({ type }) => type === 'text')
    const first = parts[index]
    if (calls.length > 0 || first?.type !== 'text') return fc.constant([...parts, ...calls])
    return cited(first, index).map((each) => parts.with(index, each))
  }).filter((parts) => parts.length > 0)

const message: fc.Arbitrary<Message> = fc.oneof(
  some<Message>({ role: fc.constant('system'), parts: fc.array(textPart, { minLength: 1, maxLength: 2 }), extras }, ['role', 'parts']),
  some<Message>({ role: fc.constant('user'), parts: fc.array(fc.oneof(textPart, image, foreignBlock), { minLength: 1, maxLength: 3 }), extras }, ['role', 'parts']),
  some<Message>({ role: fc.constant('assistant'), parts: turn(call), extras }, ['role', 'parts']),
  fc.array(some<Extract<Part, { type: 'toolResult' }>>({ type: fc.constant('toolResult'), callId: id, parts: fc.array(fc.oneof(textPart, document, foreignBlock), { maxLength: 3 }), extras }, ['type', 'callId', 'parts']), { minLength: 1, maxLength: 3 }).map((parts) => ({ role: 'tool' as const, parts })),
)

const tool: fc.Arbitrary<FunctionTool> = some<FunctionTool>({ type: fc.constant('function'), name, description: text, parameters: json, extras }, ['type', 'name', 'parameters'])
const unit = fc.double({ min: 0, max: 1, noNaN: true }).map((each) => Math.abs(each))

export const request: fc.Arbitrary<ChatRequest> = some<ChatRequest>({
  model: fc.constant('m'),
  stream: fc.boolean(),
  // Results that follow each other are one message.
  messages: fc.array(message, { minLength: 1, maxLength: 6 }).map((list) => list.filter((each, index) => each.role !== 'tool' || list[index - 1]?.role !== 'tool')),
  tools: fc.oneof(fc.array(tool, { maxLength: 3 }), fc.array(tool.map((each) => ({ ...each, strict: true })), { minLength: 1, maxLength: 3 })),
  toolChoice: fc.constantFrom<NonNullable<ChatRequest['toolChoice']>>({ type: 'required' }, { type: 'none' }, { type: 'native', format: 'cohere-chat', value: 'SOME' }),
  output: fc.oneof(fc.constantFrom<NonNullable<ChatRequest['output']>>({ type: 'text' }, { type: 'json' }, { type: 'native', format: 'cohere-chat', value: { type: 'regex', regex: 'a' } }), json.map((schema) => ({ type: 'schema' as const, schema }))),
  sampling: fc.record({ temperature: unit, topP: fc.double({ min: 0.01, max: 0.99, noNaN: true }), topK: fc.nat({ max: 500 }), frequencyPenalty: unit, presencePenalty: unit, seed: fc.nat() }, { requiredKeys: [], noNullPrototype: true }).filter((each) => Object.keys(each).length > 0),
  maxOutputTokens: fc.nat(),
  stop: fc.array(text, { maxLength: 5 }),
  logprobs: fc.constant({ alternatives: 0 }),
  reasoning: fc.oneof(fc.constantFrom<NonNullable<ChatRequest['reasoning']>>({ mode: 'off' }, { mode: 'on' }), fc.integer({ min: 1, max: 50_000 }).map((budgetTokens) => ({ mode: 'on' as const, budgetTokens }))),
  extras: extras.map(({ fields }) => ({ format: 'cohere-chat' as const, fields: { ...fields, safety_mode: 'STRICT', priority: 7, documents: ['a text', { data: { a: 1 }, id: 'x' }] } })),
}, ['model', 'stream', 'messages'])

const usage = fc.record({ input: fc.nat(), output: fc.nat(), reasoning: fc.nat() }, { requiredKeys: ['input', 'output'], noNullPrototype: true })
const stop = fc.oneof(
  fc.constantFrom('end' as const, 'length' as const, 'stop_sequence' as const, 'tool_calls' as const).map((each) => ({ stop: each })),
  fc.constant({ stop: 'other' as const, nativeStop: 'TIMEOUT' }),
)
const logprobs = fc.array(fc.record({ token: text, logprob: fc.double({ min: -20, max: -0.001, noNaN: true }) }, { noNullPrototype: true }), { minLength: 1, maxLength: 3 })

const answerOf = (aCall: fc.Arbitrary<ToolCallPart>, withExtras: boolean): fc.Arbitrary<ChatAnswer> =>
  fc.tuple(id, turn(aCall), stop, fc.option(usage, { nil: undefined }), fc.option(logprobs, { nil: undefined }), fc.option(extras, { nil: undefined })).map(([answerId, parts, stopped, used, probabilities, more]) => ({
    id: answerId, model: '',
    choices: [{ index: 0, parts, ...stopped, ...(probabilities && { logprobs: probabilities }), ...(withExtras && more ? { extras: more } : {}) }],
    ...(used && { usage: used }),
    ...(withExtras && more ? { extras: more } : {}),
  }))

export const answer = answerOf(call, true)
/** A stream carries no extras. */
export const streamedAnswer = answerOf(streamedCall, false)
