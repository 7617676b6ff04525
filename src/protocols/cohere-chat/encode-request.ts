/** Canonical requests for Cohere's chat: https://docs.cohere.com/reference/chat. Values beyond what it takes are cut to its bounds, and told. */
import type { ChatRequest, FunctionTool, JsonObject, OutputFormat, Reasoning, Sampling, Tool } from '../canonical.ts'
import type { Encoded, Target } from '../codec.ts'
import { budgetOf } from '../effort.ts'
import { Losses } from '../losses.ts'
import { defined } from '../members.ts'
import { allDocuments, MessageWriter } from './encode-messages.ts'
import { nameForCohere } from './tool-names.ts'

const carried: ReadonlySet<keyof ChatRequest> = new Set(['model', 'stream', 'messages', 'tools', 'toolChoice', 'output', 'sampling', 'maxOutputTokens', 'stop', 'logprobs', 'reasoning', 'usageInStream', 'extras'])
const carriedSampling: ReadonlySet<keyof Sampling> = new Set(['temperature', 'topP', 'topK', 'frequencyPenalty', 'presencePenalty', 'seed'])
const carriedOfTool = new Set(['type', 'name', 'description', 'parameters', 'strict', 'extras'])
const mostStops = 5

export function encodeRequest(request: ChatRequest, target: Target): Encoded {
  const losses = new Losses()
  losses.settings(request, carried)
  losses.sampling(request.sampling, carriedSampling)
  const writer = new MessageWriter(losses, target.reasoning !== 'none')
  const messages = writer.write(request)
  const { documents, ...extras } = losses.extras(request.extras, 'cohere-chat', '')
  const { temperature, topP, topK, frequencyPenalty, presencePenalty, seed } = request.sampling ?? {}
  const bounded = (value: number | undefined, least: number, most: number, name: string): number | undefined => {
    if (value === undefined || (value >= least && value <= most)) return value
    losses.add(`${name} ${value < least ? 'below' : 'above'} ${value < least ? least : most}`, 'meaning')
    return value < least ? least : most
  }
  const body = defined<JsonObject>({
    model: target.model,
    messages,
    stream: request.stream || undefined,
    ...toolsOf(request, losses),
    documents: allDocuments(documents, writer.documents),
    response_format: outputOf(request.output, losses),
    max_tokens: request.maxOutputTokens,
    stop_sequences: stopsOf(request.stop, losses),
    temperature: bounded(temperature, 0, 1, 'temperature'),
    p: bounded(topP, 0.01, 0.99, 'top_p'),
    k: bounded(topK, 0, 500, 'top_k'),
    frequency_penalty: bounded(frequencyPenalty, 0, 1, 'frequency_penalty'),
    presence_penalty: bounded(presencePenalty, 0, 1, 'presence_penalty'),
    seed: bounded(seed, 0, Number.MAX_SAFE_INTEGER, 'seed'),
    logprobs: request.logprobs && true,
    thinking: thinkingOf(request, target, losses),
    ...extras,
  })
  if (request.logprobs && request.logprobs.alternatives > 0) losses.add('top_logprobs', 'meaning')
  return { body, losses: losses.list }
}

function stopsOf(stop: string[] | undefined, losses: Losses): string[] | undefined {
  if (!stop || stop.length <= mostStops) return stop
  losses.add(`stop sequences beyond ${mostStops}`, 'meaning')
  return stop.slice(0, mostStops)
}

/** A tool that is chosen by name is the only one that is offered, since no other choice than all or none can be said. */
/** Where nothing is left of tools there is no list. */
const noneLeft = (tools: readonly Tool[] | undefined, written: JsonObject[] | undefined): JsonObject[] | undefined => (written?.length === 0 && tools!.length > 0 ? undefined : written)

function toolsOf({ tools, toolChoice }: ChatRequest, losses: Losses): JsonObject {
  const chosen = toolChoice?.type === 'tool' ? [toolChoice.name] : toolChoice?.type === 'some' ? toolChoice.names : null
  const isRequired = toolChoice?.type === 'required' || toolChoice?.type === 'tool' || (toolChoice?.type === 'some' && toolChoice.mode === 'required')
  const offered = chosen ? tools?.filter((tool) => tool.type !== 'server' && chosen.includes(tool.name)) : tools
  if (chosen && tools && offered!.length < tools.length) losses.add('tools that tool_choice leaves out', 'hint')
  const written = noneLeft(tools, offered?.flatMap((tool) => toolOf(tool, losses)))
  const choice = isRequired ? 'REQUIRED' : toolChoice?.type === 'none' ? 'NONE' : undefined
  const native = toolChoice?.type === 'native' && toolChoice.format === 'cohere-chat' ? toolChoice.value : undefined
  if (toolChoice?.type === 'native' && native === undefined) losses.add('tool_choice', 'meaning')
  const functions = (offered ?? []).filter((tool): tool is FunctionTool => tool.type === 'function')
  const isStrict = functions.length > 0 && functions.every((tool) => tool.strict === true)
  if (!isStrict && functions.some((tool) => tool.strict === true)) losses.add('strict of some tools', 'hint')
  return defined<JsonObject>({ tools: written, tool_choice: native ?? choice, strict_tools: isStrict || undefined })
}

function toolOf(tool: Tool, losses: Losses): JsonObject[] {
  if (tool.type === 'server') {
    if (tool.format === 'cohere-chat') return [tool.value]
    losses.add(`the tool of the type "${typeof tool.value['type'] === 'string' ? tool.value['type'] : tool.kind ?? 'unknown'}"`, 'meaning')
    return []
  }
  if (tool.type === 'custom') {
    losses.add(`the tool "${tool.name}", which takes free text`, 'meaning')
    return []
  }
  losses.members(tool, carriedOfTool, 'a tool')
  const { name, description, parameters = { type: 'object', properties: {} } } = tool
  return [{ type: 'function', function: defined<JsonObject>({ name: nameForCohere(name), description, parameters }), ...losses.extras(tool.extras, 'cohere-chat', 'a tool') }]
}

function outputOf(output: OutputFormat | undefined, losses: Losses): JsonObject | undefined {
  switch (output?.type) {
    case undefined: return undefined
    case 'text': return { type: 'text' }
    case 'json': return { type: 'json_object' }
    case 'schema':
      losses.members(output, carriedOfSchema, 'the output schema')
      return { type: 'json_object', json_schema: output.schema }
    case 'native':
      if (output.format === 'cohere-chat') return output.value as JsonObject
      losses.add('output format', 'meaning')
  }
  return undefined
}

/** Cohere holds every schema strictly. */
const carriedOfSchema = new Set(['type', 'schema', 'strict'])

/** No budget is Cohere's own advice for much thought: https://docs.cohere.com/docs/reasoning */
const unbounded = new Set(['high', 'xhigh', 'max'])

function thinkingOf({ reasoning, maxOutputTokens }: ChatRequest, target: Target, losses: Losses): JsonObject | undefined {
  if (!reasoning) return undefined
  if (reasoning.summary !== undefined) losses.add('summary of reasoning', 'hint')
  if (reasoning.wantsProof) losses.add('proof of reasoning', 'hint')
  if (target.reasoning === 'none') {
    if (reasoning.mode !== 'off') losses.add('reasoning', 'meaning')
    return undefined
  }
  if (reasoning.mode === 'off') return { type: 'disabled' }
  // What models that think do by themselves is not asked of one that may not.
  const isUsual = reasoning.mode === 'adaptive' || (reasoning.budgetTokens === undefined && unbounded.has(reasoning.effort ?? ''))
  if (isUsual && target.reasoning === null) return undefined
  return defined<JsonObject>({ type: 'enabled', token_budget: budgetFor(reasoning, maxOutputTokens ?? (target.mostOutputTokens || null)) })
}

function budgetFor({ mode, effort, budgetTokens }: Reasoning, limit: number | null): number | undefined {
  if (budgetTokens !== undefined) return Math.max(1, budgetTokens)
  return mode === 'adaptive' || effort === undefined || unbounded.has(effort) ? undefined : budgetOf(effort, limit)
}
