/**
 * A canonical request, written as a body that the Messages API takes. Its rules that are not in the specification stand where they
 * are kept: thinking-out.ts, messages-out.ts, tools-out.ts. https://platform.claude.com/docs/en/api/messages/create
 */
import type { ChatRequest, JsonObject } from '../canonical.ts'
import type { Encoded, Target } from '../codec.ts'
import { tasteOf, type Taste } from './claude.ts'
import { format, isObject } from './fields.ts'
import { Losses } from './losses.ts'
import { Conversation } from './messages-out.ts'
import { BlockWriter } from './parts-out.ts'
import { enforceable } from './schema.ts'
import { writeThinking, type Thinking } from './thinking-out.ts'
import { writeTools } from './tools-out.ts'

export function encodeRequest(request: ChatRequest, target: Target): Encoded {
  const losses = new Losses()
  const writer = new BlockWriter(target, losses)
  const taste = tasteOf(target.model)
  const tools = writeTools(request, writer, taste)
  const conversation = new Conversation(request.messages, writer, taste.midSystem)
  writer.limitMarks()
  const choice = tools['tool_choice'] as JsonObject | undefined
  const isForced = choice?.['type'] === 'any' || choice?.['type'] === 'tool'
  const thinking = writeThinking(request, target, taste, losses, isForced, conversation.goesOnWithoutThought)
  const body: JsonObject = { model: target.model, max_tokens: thinking.maxTokens, ...conversation.written(), ...tools }
  if (thinking.thinking) body['thinking'] = thinking.thinking
  const output = writeOutput(request, thinking.effort, losses, taste)
  if (output) body['output_config'] = output
  Object.assign(body, writeSampling(request, thinking, losses, taste))
  const stop = writeStop(request, losses)
  if (stop) body['stop_sequences'] = stop
  if (request.stream) body['stream'] = true
  writeSettings(request, body, losses)
  loseTheRest(request, losses)
  const betas = betasOf(request, body)
  return { body: withExtras(body, request, losses), losses: losses.list, ...(betas.length > 0 && { headers: { 'anthropic-beta': betas.join(',') } }) }
}

function writeOutput({ output }: ChatRequest, effort: string | undefined, losses: Losses, taste: Taste): JsonObject | null {
  const written: JsonObject = {}
  if (effort !== undefined) written['effort'] = effort
  switch (output?.type) {
    case 'schema': {
      if (!taste.schemas) losses.meaning('the JSON schema of the answer')
      else {
        const { schema, isChanged } = enforceable(output.schema)
        if (isChanged) losses.hint('limits in the schema of the answer')
        written['format'] = { type: 'json_schema', schema }
      }
      if (output.name !== undefined) losses.hint('the name of the schema')
      if (output.description !== undefined) losses.hint('the description of the schema')
      if (output.strict === false) losses.hint('leave to depart from the schema')
      break
    }
    case 'json':
      losses.meaning('JSON without a schema')
      break
    case 'native':
      if (output.format === format) written['format'] = output.value
      else losses.meaning('the form of the answer')
  }
  return Object.keys(written).length > 0 ? written : null
}

/** Thinking takes no other sampling than the usual; new models take none at all. */
function writeSampling({ sampling = {} }: ChatRequest, { thinking }: Thinking, losses: Losses, taste: Taste): JsonObject {
  const { temperature, topP, topK } = sampling
  const thinks = thinking !== null && (thinking['type'] === 'enabled' || thinking['type'] === 'adaptive')
  const isFree = taste.sampling && !thinks
  const written: JsonObject = {}
  if (temperature !== undefined) {
    if (isFree) {
      if (temperature > 1) losses.meaning('a temperature above 1')
      written['temperature'] = Math.min(temperature, 1)
    } else if (temperature !== 1) losses.meaning('temperature')
    else written['temperature'] = 1
  }
  if (topP !== undefined) {
    const isAlone = written['temperature'] === undefined || taste.bothSampling
    if (topP >= 0.99 ? isAlone : isAlone && (isFree || (taste.sampling && topP >= 0.95))) written['top_p'] = topP
    else if (topP < 1) losses.meaning('top_p')
  }
  if (topK !== undefined) {
    if (isFree) written['top_k'] = topK
    else losses.meaning('top_k')
  }
  for (const [key, name] of others) if (sampling[key] !== undefined) losses.meaning(name)
  if (sampling.seed !== undefined) losses.hint('seed')
  return written
}

const others = [['minP', 'min_p'], ['frequencyPenalty', 'frequency_penalty'], ['presencePenalty', 'presence_penalty'], ['repetitionPenalty', 'repetition_penalty'], ['logitBias', 'logit_bias']] as const

/** The API refuses sequences of blanks alone. */
function writeStop({ stop }: ChatRequest, losses: Losses): string[] | null {
  const written = stop?.filter((each) => each.trim() !== '') ?? []
  if (written.length < (stop?.length ?? 0)) losses.meaning('a stop sequence of blanks')
  return written.length > 0 ? written : null
}

const longestUser = 512
/** By the tiers of other vendors. */
const tiers: Readonly<Record<string, string>> = { auto: 'auto', standard_only: 'standard_only', default: 'standard_only' }

function writeSettings({ endUser, serviceTier, betas, extras }: ChatRequest, body: JsonObject, losses: Losses): void {
  if (endUser !== undefined) {
    if (endUser.length <= longestUser) body['metadata'] = { user_id: endUser }
    else losses.hint('the end user')
  }
  if (serviceTier !== undefined) {
    const tier = tiers[serviceTier]
    if (tier !== undefined) body['service_tier'] = tier
    else losses.hint(`the service tier "${serviceTier.slice(0, 40)}"`)
  }
  // A body that says its version (Bedrock, Vertex) says its betas too; elsewhere they are a header.
  if (betas && extras?.format === format && typeof extras.fields['anthropic_version'] === 'string') body['anthropic_beta'] = betas
}

/** https://platform.claude.com/docs/en/build-with-claude/files */
const filesBeta = 'files-api-2025-04-14'

/** What the request asks for, and what its parts need, where it is no member of the body. */
function betasOf({ betas = [], messages }: ChatRequest, body: JsonObject): string[] {
  if (body['anthropic_beta'] !== undefined) return []
  const hasFile = messages.some(({ parts }) => parts.some((part) => part.type === 'media' && part.source.by === 'file'))
  return hasFile && !betas.includes(filesBeta) ? [...betas, filesBeta] : betas
}

function loseTheRest(request: ChatRequest, losses: Losses): void {
  if ((request.choices ?? 1) > 1) losses.meaning('several answers')
  if (request.logprobs) losses.meaning('log probabilities')
  for (const modality of request.modalities ?? []) if (modality !== 'text') losses.meaning(`output as ${modality}`)
  if (request.audio) losses.meaning('the voice of the answer')
  if (request.verbosity !== undefined) losses.hint('verbosity')
  if (request.store) losses.hint('the wish that the answer is kept')
  if (request.metadata && Object.keys(request.metadata).length > 0) losses.hint('metadata')
  if (request.cacheKey !== undefined) losses.hint('the cache key')
  if (request.cacheRetention !== undefined) losses.hint('the lifetime of caches')
}

/** Members that stand beside others of their object (`output_config`, `metadata`, `thinking`) join them. */
function withExtras(body: JsonObject, { extras }: ChatRequest, losses: Losses): JsonObject {
  const own = losses.own(extras, '')
  if (!own) return body
  const joined = Object.entries(own).map(([key, value]) => {
    const written = body[key]
    return [key, isObject(written) && isObject(value) ? { ...written, ...value } : value] as const
  })
  return { ...body, ...Object.fromEntries(joined) }
}
