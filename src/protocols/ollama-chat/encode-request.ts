/** Canonical requests for Ollama's chat: https://docs.ollama.com/api/chat. It has no choice of tools: those that may not be called are left out. */
import type { ChatRequest, JsonObject, OutputFormat, Sampling, Tool, ToolChoice } from '../canonical.ts'
import type { Encoded, Target } from '../codec.ts'
import { effortOf } from '../effort.ts'
import { Losses } from '../losses.ts'
import { defined, isObject, own } from '../members.ts'
import { MessageWriter } from './encode-messages.ts'

const carried: ReadonlySet<keyof ChatRequest> = new Set(['model', 'stream', 'messages', 'tools', 'toolChoice', 'output', 'sampling', 'maxOutputTokens', 'stop', 'logprobs', 'reasoning', 'usageInStream', 'extras'])
const carriedSampling: ReadonlySet<keyof Sampling> = new Set(['temperature', 'topP', 'topK', 'minP', 'frequencyPenalty', 'presencePenalty', 'repetitionPenalty', 'seed'])
const carriedOfTool = new Set(['type', 'name', 'description', 'parameters', 'extras'])
/** The grammar of the output is made of the schema alone. */
const carriedOfSchema = new Set(['type', 'schema', 'strict'])
const mostAlternatives = 20

export function encodeRequest(request: ChatRequest, target: Target): Encoded {
  const losses = new Losses()
  losses.settings(request, carried)
  losses.sampling(request.sampling, carriedSampling)
  const messages = new MessageWriter(losses, target.reasoning !== 'none').write(request.messages)
  const { options: left, ...extras } = losses.extras(request.extras, 'ollama-chat', '')
  const { sampling = {}, maxOutputTokens, stop, logprobs } = request
  const options = defined<JsonObject>({
    temperature: sampling.temperature, top_p: sampling.topP, top_k: sampling.topK, min_p: sampling.minP, frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty, repeat_penalty: sampling.repetitionPenalty, seed: sampling.seed, num_predict: maxOutputTokens, stop, ...(isObject(left) ? left : {}),
  })
  if (logprobs && logprobs.alternatives > mostAlternatives) losses.add(`top_logprobs above ${mostAlternatives}`, 'hint')
  const body = defined<JsonObject>({
    model: target.model,
    messages,
    stream: request.stream,
    tools: toolsOf(request, losses),
    format: formatOf(request.output, losses),
    options: Object.keys(options).length > 0 ? options : left,
    think: thinkOf(request, target, losses),
    logprobs: logprobs && true,
    top_logprobs: logprobs && logprobs.alternatives > 0 ? Math.min(logprobs.alternatives, mostAlternatives) : undefined,
    ...extras,
  })
  return { body, losses: losses.list }
}

function toolsOf({ tools, toolChoice }: ChatRequest, losses: Losses): JsonObject[] | undefined {
  const offered = tools?.filter((tool) => isOffered(tool, toolChoice))
  if (tools && offered!.length < tools.length) losses.add('tools that tool_choice leaves out', 'hint')
  const isRequired = toolChoice?.type === 'required' || toolChoice?.type === 'tool' || (toolChoice?.type === 'some' && toolChoice.mode === 'required')
  if (isRequired || toolChoice?.type === 'native') losses.add('tool_choice', 'meaning')
  return toolChoice?.type === 'none' ? undefined : offered?.flatMap((tool) => toolOf(tool, losses))
}

function isOffered(tool: Tool, choice: ToolChoice | undefined): boolean {
  switch (choice?.type) {
    case 'none': return false
    case 'tool': return tool.type !== 'server' && tool.name === choice.name
    case 'some': return tool.type !== 'server' && choice.names.includes(tool.name)
    default: return true
  }
}

function toolOf(tool: Tool, losses: Losses): JsonObject[] {
  if (tool.type === 'server') {
    if (tool.format === 'ollama-chat') return [tool.value]
    losses.add(`the tool of the type "${typeof tool.value['type'] === 'string' ? tool.value['type'] : tool.kind ?? 'unknown'}"`, 'meaning')
    return []
  }
  if (tool.type === 'custom') {
    losses.add(`the tool "${tool.name}", which takes free text`, 'meaning')
    return []
  }
  losses.members(tool, carriedOfTool, 'a tool')
  const { name, description, parameters = { type: 'object', properties: {} } } = tool
  return [{ type: 'function', function: defined<JsonObject>({ name, description, parameters }), ...losses.extras(tool.extras, 'ollama-chat', 'a tool') }]
}

function formatOf(output: OutputFormat | undefined, losses: Losses): JsonObject | string | undefined {
  switch (output?.type) {
    case undefined: case 'text': return undefined
    case 'json': return 'json'
    case 'schema':
      losses.members(output, carriedOfSchema, 'the output schema')
      return output.schema
    case 'native':
      losses.add('output format', 'meaning')
      return undefined
  }
}

/** As Ollama's own OpenAI endpoint reads efforts. */
const efforts: Readonly<Record<string, string>> = { minimal: 'low', low: 'low', medium: 'medium', high: 'high', xhigh: 'max', max: 'max' }

/**
 * Models that think do so unless they are told not to, and others refuse to be asked: what is usual is not asked of a model that is not
 * known to think.
 */
function thinkOf({ reasoning, maxOutputTokens }: ChatRequest, target: Target, losses: Losses): boolean | string | undefined {
  if (!reasoning) return undefined
  const { mode, effort, budgetTokens } = reasoning
  if (reasoning.summary !== undefined) losses.add('summary of reasoning', 'hint')
  if (reasoning.wantsProof) losses.add('proof of reasoning', 'hint')
  if (mode === 'off') return target.reasoning === 'none' ? undefined : false
  if (target.reasoning === 'none') {
    losses.add('reasoning', 'meaning')
    return undefined
  }
  if (mode === 'adaptive') return undefined
  if (effort === undefined && budgetTokens === undefined) return true
  const named = effort ?? effortOf(budgetTokens!, maxOutputTokens ?? (target.mostOutputTokens || null))
  if (target.reasoning === null && (effort === undefined || effort === 'medium')) {
    if (effort === undefined) losses.add('budget of reasoning', 'hint')
    return undefined
  }
  const known = own(efforts, named)
  if (known === undefined) losses.add(`the reasoning effort "${named}"`, 'hint')
  return known ?? true
}
