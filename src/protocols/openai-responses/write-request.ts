/** A canonical request in this format, and what it can't say there. */
import type { ChatRequest, Json, JsonObject, Message, OutputFormat } from '../canonical.ts'
import type { Encoded, Target } from '../codec.ts'
import { effortOf } from '../effort.ts'
import { format, type Losses, Losses as Lost, objectOr, only } from './json.ts'
import { shortId } from './names.ts'
import { writeChoice, writeTools } from './tools.ts'
import { writeMessage } from './write-items.ts'

/** The API takes no smaller one. */
const leastOutputTokens = 16
const summaries: Readonly<Record<string, string>> = { full: 'detailed', auto: 'auto', concise: 'concise', detailed: 'detailed' }
/** By names of other vendors. */
const tiers: Readonly<Record<string, string>> = { standard: 'default', standard_only: 'default', on_demand: 'default' }
export const tierOf = (tier: string): string => tiers[tier] ?? tier

export function encodeRequest(request: ChatRequest, target: Target): Encoded {
  const losses = new Lost()
  const { messages } = request
  // A request must have some input.
  const instructions = messages.length > 1 || request.extras?.format === format ? instructionsIn(messages) : undefined
  const body = settings(request, target, losses)
  const input: Json[] = []
  for (let i = instructions === undefined ? 0 : 1; i < messages.length; i++) writeMessage(messages[i]!, input, target, losses)
  lose(request, losses)
  return { body: only<JsonObject>({ model: target.model, stream: request.stream ? true : undefined, instructions, input: input.length > 0 ? input : undefined, ...body }), losses: losses.all }
}

/** A system message at the front that is one plain text. */
export function instructionsIn(messages: readonly Message[]): string | undefined {
  const first = messages[0]
  const part = first?.parts[0]
  if (first?.role !== 'system' || first.parts.length !== 1 || first.extras || part?.type !== 'text') return undefined
  return part.cache || part.id !== undefined || part.extras || part.proof || part.citations ? undefined : part.text
}

/** All but the model, the messages and what no field holds; answers repeat it. */
export function settings(request: ChatRequest, target: Target, losses: Losses): JsonObject {
  const { sampling, maxOutputTokens: most, logprobs, serviceTier: tier, endUser, cacheKey } = request
  const extras = losses.own(request.extras, '')
  const text: Record<string, Json | undefined> = { format: writeFormat(request.output, losses), verbosity: request.verbosity }
  const reasoning = writeReasoning(request, target, losses)
  const body: Record<string, Json | undefined> = {
    tools: request.tools && writeTools(request.tools, losses), tool_choice: writeChoice(request.toolChoice, request.tools, losses), parallel_tool_calls: request.parallelToolCalls,
    text: whole(text), reasoning: whole(reasoning), include: includes(request, extras), top_logprobs: logprobs && logprobs.alternatives > 0 ? logprobs.alternatives : undefined,
    max_output_tokens: most === undefined ? undefined : Math.max(leastOutputTokens, most), temperature: sampling?.temperature, top_p: sampling?.topP,
    metadata: request.metadata, store: request.store, prompt_cache_key: cacheKey === undefined ? undefined : fitting(cacheKey, 'the key of the prompt cache', losses),
    prompt_cache_retention: request.cacheRetention === 'in-memory' ? 'in_memory' : request.cacheRetention,
    safety_identifier: endUser === undefined ? undefined : fitting(endUser, 'the name of the end user', losses), service_tier: tier === undefined ? undefined : tierOf(tier),
  }
  if (most !== undefined && most < leastOutputTokens) losses.add(`an output limit below ${leastOutputTokens}`)
  for (const key in extras) {
    const dot = key.indexOf('.')
    const outer = key.slice(0, Math.max(0, dot))
    if (key === 'include') continue
    else if (outer === 'text' || outer === 'reasoning') body[outer] = { ...objectOr(body[outer]), [key.slice(dot + 1)]: extras[key]! }
    else body[key] = extras[key]!
  }
  return only<JsonObject>(body)
}

const whole = (members: Record<string, Json | undefined>): JsonObject | undefined => (Object.values(members).some((value) => value !== undefined) ? only<JsonObject>(members) : undefined)

function fitting(text: string, what: string, losses: Losses): string {
  const short = shortId(text)
  if (short !== text) losses.add(`${what}, which is shortened`)
  return short
}

function writeFormat(output: OutputFormat | undefined, losses: Losses): Json | undefined {
  if (!output) return undefined
  switch (output.type) {
    case 'text': return { type: 'text' }
    case 'json': return { type: 'json_object' }
    case 'schema': {
      const name = (output.name ?? 'response').replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64)
      return only<JsonObject>({ type: 'json_schema', name, description: output.description, schema: output.schema, strict: output.strict })
    }
    default:
      if (output.format === format) return output.value
      losses.add('the form of the output', 'meaning')
      return undefined
  }
}

function writeReasoning({ reasoning, maxOutputTokens }: ChatRequest, target: Target, losses: Losses): Record<string, Json | undefined> {
  if (!reasoning) return {}
  const { mode, effort, budgetTokens, summary } = reasoning
  if (target.reasoning === 'none') {
    if (mode !== 'off') losses.add('reasoning')
    return {}
  }
  if (summary !== undefined && summary !== 'none' && summaries[summary] !== summary) losses.add(`the reasoning summary "${summary}"`)
  const shown = summary === undefined ? undefined : summaries[summary]
  if (mode === 'off') return { effort: 'none', summary: shown }
  if (effort === undefined && budgetTokens !== undefined) losses.add('the number of thinking tokens, which becomes an effort')
  const named = effort ?? (budgetTokens !== undefined ? effortOf(budgetTokens, maxOutputTokens ?? null) : mode === 'on' && shown === undefined ? 'medium' : undefined)
  return { effort: named, summary: shown }
}

function includes({ reasoning, logprobs }: ChatRequest, extras: JsonObject | undefined): Json | undefined {
  const wanted: Json[] = [...(reasoning?.wantsProof ? ['reasoning.encrypted_content'] : []), ...(logprobs ? ['message.output_text.logprobs'] : [])]
  const others = extras?.['include']
  if (Array.isArray(others)) wanted.push(...others)
  return wanted.length > 0 ? wanted : undefined
}

const unsaid = [
  ['topK', 'top_k'], ['minP', 'min_p'], ['frequencyPenalty', 'frequency_penalty'], ['presencePenalty', 'presence_penalty'], ['repetitionPenalty', 'repetition_penalty'], ['seed', 'seed'], ['logitBias', 'logit_bias'],
] as const

/** What the API has no field for. */
function lose(request: ChatRequest, losses: Losses): void {
  for (const [key, name] of unsaid) if (request.sampling?.[key] !== undefined) losses.add(name, 'meaning')
  if (request.stop && request.stop.length > 0) losses.add('stop sequences', 'meaning')
  if ((request.choices ?? 1) > 1) losses.add('more than one choice', 'meaning')
  for (const modality of request.modalities ?? []) if (modality !== 'text') losses.add(`output of the modality "${modality}"`, 'meaning')
  if (request.audio) losses.add('settings of spoken output', 'meaning')
  for (const beta of request.betas ?? []) losses.add(`the beta feature "${beta}"`)
}
