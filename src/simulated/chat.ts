/** Composes a complete chat or text completion from a request: what is said, where it ends, and what it used. Pure. */
import { pieces, prose, reasoning, tokens } from './prose.ts'
import { seeded, type Random } from './random.ts'
import { isRecord, models, readModel, readWhole, RequestError, seedOf, type Body, type ModelId } from './request.ts'
import { sample } from './sample.ts'

const maxTokens = 4096

export interface Choice {
  reasoning: string[]
  /** Text in pieces of one token. */
  content: string[]
  /** A tool call instead of content; its arguments in pieces of one token. */
  call: { id: string; name: string; arguments: string[] } | null
  finish: 'stop' | 'length' | 'tool_calls'
}
export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
  prompt_tokens_details: { cached_tokens: number }
  completion_tokens_details: { reasoning_tokens: number }
}
export interface Answer {
  model: ModelId
  seed: number
  stream: boolean
  includeUsage: boolean
  choices: Choice[]
  usage: Usage
}

export function composeChat(body: Body): Answer {
  const model = readModel(body, false)
  const messages = readMessages(body)
  const last = messages.at(-1) ?? {}
  return compose(body, model, tokens(JSON.stringify(messages)), messages.map((message) => [message.role, message.content]), (random) => ({
    thought: models[model].reasons ? reasoning(random) : '',
    ...reply(random, body, last),
  }))
}

export function composeCompletion(body: Body): Answer {
  const model = readModel(body, false)
  const prompt = Array.isArray(body.prompt) ? body.prompt[0] : body.prompt
  if (typeof prompt !== 'string') throw new RequestError(400, 'prompt must be a string.', 'prompt')
  return compose(body, model, tokens(prompt), prompt, (random) => ({ thought: '', text: prose(random, prompt), call: null }))
}

interface Reply { text: string; call: { name: string; arguments: string } | null }

function compose(body: Body, model: ModelId, promptTokens: number, asked: unknown, say: (random: Random) => Reply & { thought: string }): Answer {
  const count = readWhole(body, 'n', 1, 16, 1)
  const limit = readWhole(body, body.max_completion_tokens == null ? 'max_tokens' : 'max_completion_tokens', 1, 1_000_000, maxTokens)
  const stops = readStops(body)
  const seed = seedOf([model, asked, body.seed ?? null])
  const choices = Array.from({ length: count }, (_, index) => {
    const random = seeded(seed + index)
    return cut(say(random), stops, Math.min(limit, maxTokens), `call_simulated_${seed.toString(16)}${index}`)
  })
  const reasoned = sum(choices, (choice) => choice.reasoning.length)
  const completed = reasoned + sum(choices, (choice) => choice.content.length + (choice.call?.arguments.length ?? 0))
  return {
    model, seed, choices,
    stream: body.stream === true,
    includeUsage: isRecord(body.stream_options) && body.stream_options.include_usage === true,
    usage: {
      prompt_tokens: promptTokens, completion_tokens: completed, total_tokens: promptTokens + completed,
      // Vendors cache long prompts in blocks of 128 tokens; half of such a prompt counts as seen before.
      prompt_tokens_details: { cached_tokens: promptTokens < 1024 ? 0 : Math.floor(promptTokens / 256) * 128 },
      completion_tokens_details: { reasoning_tokens: reasoned },
    },
  }
}

const sum = <T>(values: readonly T[], of: (value: T) => number): number => values.reduce((total, value) => total + of(value), 0)

/** Applies stop sequences, then the token limit: to the reasoning first, since it is written first. */
function cut(reply: Reply & { thought: string }, stops: readonly string[], limit: number, id: string): Choice {
  const thought = pieces(reply.thought)
  const ends = reply.call === null ? stops.map((stop) => reply.text.indexOf(stop)).filter((index) => index >= 0) : []
  const said = pieces(reply.call?.arguments ?? reply.text.slice(0, ends.length > 0 ? Math.min(...ends) : undefined))
  const room = Math.max(0, limit - thought.length)
  const complete = thought.length + said.length <= limit
  const kept = said.slice(0, room)
  return {
    reasoning: thought.slice(0, limit),
    content: reply.call === null ? kept : [],
    call: reply.call === null ? null : { id, name: reply.call.name, arguments: kept },
    finish: !complete ? 'length' : reply.call === null ? 'stop' : 'tool_calls',
  }
}

function reply(random: Random, body: Body, last: Body): Reply {
  const tool = forcedTool(body)
  if (tool !== null) return { text: '', call: { name: tool.name, arguments: JSON.stringify(sample(random, tool.parameters)) } }
  const format = isRecord(body.response_format) ? body.response_format : {}
  if (format.type === 'json_schema') {
    const schema = isRecord(format.json_schema) ? format.json_schema.schema : undefined
    if (!isRecord(schema)) throw new RequestError(400, 'response_format.json_schema.schema must be an object.', 'response_format')
    return { text: JSON.stringify(sample(random, schema)), call: null }
  }
  const text = prose(random, textOf(last))
  return { text: format.type === 'json_object' ? JSON.stringify({ simulated: true, answer: text }) : text, call: null }
}

/** The tool that the request insists on; left to itself (`auto`) the simulated model answers in words. */
function forcedTool(body: Body): { name: string; parameters: unknown } | null {
  const { tools, tool_choice: choice } = body
  if (tools !== undefined && !Array.isArray(tools)) throw new RequestError(400, 'tools must be an array.', 'tools')
  if (choice !== 'required' && !isRecord(choice)) return null
  const wanted = isRecord(choice) && isRecord(choice.function) ? choice.function.name : null
  for (const tool of tools ?? []) {
    if (!isRecord(tool) || !isRecord(tool.function) || typeof tool.function.name !== 'string') continue
    const { name, parameters } = tool.function
    if (wanted === null || wanted === name) return { name, parameters: parameters ?? { type: 'object' } }
  }
  throw new RequestError(400, 'tool_choice names a tool that is not in tools.', 'tool_choice')
}

function readMessages(body: Body): Body[] {
  const { messages } = body
  if (!Array.isArray(messages) || messages.length === 0) throw new RequestError(400, 'messages must be an array with at least one message.', 'messages')
  return messages.map((message, index) => {
    if (!isRecord(message) || typeof message.role !== 'string') throw new RequestError(400, `messages[${index}] must be an object with a role.`, `messages[${index}]`)
    return message
  })
}

function textOf(message: Body): string {
  if (typeof message.content === 'string') return message.content
  if (!Array.isArray(message.content)) return ''
  return message.content.map((part) => (isRecord(part) && typeof part.text === 'string' ? part.text : '')).join(' ')
}

function readStops(body: Body): string[] {
  const stops = body.stop == null ? [] : Array.isArray(body.stop) ? body.stop : [body.stop]
  if (stops.length > 4 || !stops.every((stop) => typeof stop === 'string')) throw new RequestError(400, 'stop must be a string or up to 4 strings.', 'stop')
  return stops.filter((stop) => stop !== '')
}
