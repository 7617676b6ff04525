/** Canonical requests and answers of all that Ollama's chat can carry: of each kind of part at most one text and one thought, in the order in which it writes them. */
import fc from 'fast-check'
import type { ChatAnswer, ChatRequest, FunctionTool, JsonObject, Message, Part, ToolCallPart, ToolResultPart } from '../../src/protocols/canonical.ts'
import { imageFrom } from '../../src/protocols/ollama-chat/images.ts'

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
const id = fc.stringMatching(/^call_[A-Za-z0-9]{1,12}$/)
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/)
/** As a wire would have carried it. */
const json = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 4, noNullPrototype: true }).map((value) => JSON.parse(JSON.stringify(value)) as JsonObject)
const extras = fc.dictionary(fc.stringMatching(/^x_[a-z]{1,8}$/), fc.jsonValue({ maxDepth: 1 }), { minKeys: 1, maxKeys: 2, noNullPrototype: true }).map((fields) => ({ format: 'ollama-chat' as const, fields: JSON.parse(JSON.stringify(fields)) as JsonObject }))
const some = <T extends object>(members: { [K in keyof T]: fc.Arbitrary<T[K]> }, required: (keyof T & string)[]): fc.Arbitrary<T> => fc.record(members, { requiredKeys: required as never, noNullPrototype: true }) as fc.Arbitrary<T>
const optional = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 1 })

const textPart: fc.Arbitrary<Part> = text.map((each) => ({ type: 'text', text: each }))
const thought: fc.Arbitrary<Part> = text.map((each) => ({ type: 'reasoning', text: each }))
const image: fc.Arbitrary<Part> = fc.tuple(fc.constantFrom('', 'iVBORw0KGgo', '/9j/', 'R0lGOD', 'UklGR'), fc.base64String({ minLength: 4, maxLength: 16 })).map(([beginning, rest]) => imageFrom(beginning + rest))
const images = fc.array(image, { maxLength: 2 })
const call: fc.Arbitrary<ToolCallPart> = some<ToolCallPart>({ type: fc.constant('toolCall'), id, name, arguments: json.map((value) => JSON.stringify(value)), extras }, ['type', 'id', 'name', 'arguments'])
const joined = (...parts: fc.Arbitrary<Part[]>[]): fc.Arbitrary<Part[]> => fc.tuple(...parts).map((all) => all.flat())

/** What was called, and the results of it, some of them without ids. */
const step: fc.Arbitrary<Message[]> = fc.tuple(some<Message>({ role: fc.constant('assistant'), parts: joined(optional(thought), images, optional(textPart)), extras }, ['role', 'parts']), fc.array(fc.tuple(call, fc.boolean(), joined(images, optional(textPart)), fc.option(extras, { nil: undefined })), { maxLength: 3 }), fc.boolean()).map(([turn, calls, isAnswered]) => {
  const ids = calls.map(([{ id: own }, hasId], index) => (hasId ? `${own}_${index}` : 'none'))
  const called = calls.map(([each], index) => ({ ...each, id: ids[index]! }))
  const results = calls.map(([{ name: callee }, , parts, more], index): ToolResultPart => ({ type: 'toolResult', callId: ids[index]!, name: callee, parts, ...(more && { extras: more }) }))
  const messages: Message[] = [{ ...turn, parts: [...turn.parts, ...called] }]
  return isAnswered && results.length > 0 ? [...messages, { role: 'tool', parts: results }] : messages
})

/** Calls without ids get them by their number in the conversation. */
function numbered(messages: Message[]): Message[] {
  let calls = 0
  let ids: string[] = []
  return messages.map((message) => {
    if (message.role === 'assistant') ids = []
    const parts = message.parts.map((part, index) => {
      if (part.type === 'toolCall') {
        const made = part.id === 'none' ? `ollama-call-${calls}` : part.id
        calls++
        ids.push(made)
        return { ...part, id: made }
      }
      return part.type === 'toolResult' ? { ...part, callId: ids[index]! } : part
    })
    return { ...message, parts }
  })
}

const said: fc.Arbitrary<Message[]> = some<Message>({ role: fc.constantFrom('system', 'user'), parts: joined(images, optional(textPart)), extras }, ['role', 'parts']).map((each) => [each])
const tool: fc.Arbitrary<FunctionTool> = some<FunctionTool>({ type: fc.constant('function'), name, description: text, parameters: json, extras }, ['type', 'name', 'parameters'])
const number = fc.double({ min: 0, max: 2, noNaN: true }).map((each) => Math.abs(each))

export const request: fc.Arbitrary<ChatRequest> = some<ChatRequest>({
  model: fc.constant('m'),
  stream: fc.boolean(),
  messages: fc.array(fc.oneof(said, step), { minLength: 1, maxLength: 5 }).map((all) => numbered(all.flat())),
  tools: fc.array(tool, { maxLength: 3 }),
  output: fc.oneof(fc.constant({ type: 'json' as const }), json.map((schema) => ({ type: 'schema' as const, schema }))),
  sampling: fc.record({ temperature: number, topP: number, topK: fc.nat(), minP: number, frequencyPenalty: number, presencePenalty: number, repetitionPenalty: number, seed: fc.integer() }, { requiredKeys: [], noNullPrototype: true }).filter((each) => Object.keys(each).length > 0),
  maxOutputTokens: fc.nat(),
  stop: fc.array(text, { maxLength: 5 }),
  logprobs: fc.nat({ max: 20 }).map((alternatives) => ({ alternatives })),
  reasoning: fc.constantFrom<NonNullable<ChatRequest['reasoning']>>({ mode: 'off' }, { mode: 'on' }, { mode: 'on', effort: 'low' }, { mode: 'on', effort: 'medium' }, { mode: 'on', effort: 'high' }, { mode: 'on', effort: 'max' }),
  extras: extras.map(({ fields }) => ({ format: 'ollama-chat' as const, fields: { ...fields, keep_alive: '5m', truncate: false, options: { num_ctx: 4096 } } })),
}, ['model', 'stream', 'messages'])

const logprob = { token: text, logprob: fc.double({ min: -20, max: -0.001, noNaN: true }), bytes: fc.array(fc.nat({ max: 255 }), { maxLength: 3 }) }
const token = fc.record(logprob, { requiredKeys: ['token', 'logprob'], noNullPrototype: true })
const logprobs = fc.array(fc.record({ ...logprob, top: fc.array(token, { maxLength: 2 }) }, { requiredKeys: ['token', 'logprob'], noNullPrototype: true }), { minLength: 1, maxLength: 3 })
const usage = fc.record({ input: fc.nat(), output: fc.nat() }, { noNullPrototype: true })

const answerOf = (withExtras: boolean): fc.Arbitrary<ChatAnswer> =>
  fc.tuple(text, fc.nat({ max: 4_000_000_000 }), joined(optional(thought), images, optional(textPart)), fc.array(call, { maxLength: 3 }), fc.constantFrom('stop', 'length', 'load'), fc.option(usage, { nil: undefined }), fc.option(logprobs, { nil: undefined }), fc.option(extras, { nil: undefined }))
    .map(([model, createdAt, parts, calls, reason, used, probabilities, more]) => ({
      id: '', model, createdAt,
      choices: [{
        index: 0,
        parts: [...parts, ...calls.map((each) => { const { extras: own, ...rest } = each; return withExtras && own ? each : rest })],
        ...(reason === 'stop' ? { stop: calls.length > 0 ? 'tool_calls' as const : 'end' as const } : reason === 'length' ? { stop: 'length' as const } : { stop: 'other' as const, nativeStop: reason }),
        ...(probabilities && { logprobs: probabilities }), ...(withExtras && more ? { extras: more } : {}),
      }],
      ...(used && { usage: used }), ...(withExtras && more ? { extras: more } : {}),
    }))

export const answer = answerOf(true)
/** A stream carries no extras. */
export const streamedAnswer = answerOf(false)
