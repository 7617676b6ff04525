/** A canonical request as OpenAI takes it. What the target's dialect adds is written where it is named; everything else is told as lost. */
import type { ChatRequest, JsonObject, Modality, OutputFormat } from '../canonical.ts'
import type { DialectField, Encoded, Target } from '../codec.ts'
import { effortOf } from '../effort.ts'
import { isLegacy } from './decode-request.ts'
import { encodeMessages } from './encode-messages.ts'
import { Writing } from './losses.ts'
import { merged } from './members.ts'
import { wireName } from './names.ts'
import { encodeTools } from './tools.ts'

/** OpenAI takes no more. */
const mostStops = 4

export function encodeRequest(request: ChatRequest, target: Target): Encoded {
  const writing = new Writing(target)
  const legacy = isLegacy(request)
  const body: JsonObject = { model: request.model, messages: encodeMessages(request.messages, legacy, writing) }
  if (request.stream) body['stream'] = true
  if (request.usageInStream) body['stream_options'] = { include_usage: true }
  Object.assign(body, encodeTools(request, legacy, writing))
  encodeOutput(request, body, writing)
  encodeSampling(request, body, writing)
  encodeReasoning(request, body, writing)
  encodeRest(request, body)
  if (request.betas && request.betas.length > 0) writing.lose(`the beta features ${request.betas.join(', ')}`, 'hint')
  writing.loseExtras(request.extras)
  const { extras } = request
  if (extras?.format !== 'openai-chat') return { body, losses: writing.losses }
  const { functions, ...fields } = extras.fields
  return { body: merged(body, functions === true || functions === undefined ? fields : extras.fields), losses: writing.losses }
}

function encodeOutput({ output, modalities, audio, maxOutputTokens, stop, choices, logprobs }: ChatRequest, body: JsonObject, writing: Writing): void {
  const format = output && encodeFormat(output, writing)
  if (format) body['response_format'] = format
  if (modalities) encodeModalities(modalities, body, writing)
  if (audio) body['audio'] = { ...audio.voice !== undefined && { voice: audio.voice }, ...audio.coding !== undefined && { format: audio.coding } }
  if (maxOutputTokens !== undefined) body['max_completion_tokens'] = maxOutputTokens
  if (stop && stop.length > mostStops) writing.lose(`stop sequences after the first ${mostStops}`, 'meaning')
  if (stop && stop.length > 0) body['stop'] = stop.slice(0, mostStops)
  if (choices !== undefined) body['n'] = choices
  if (logprobs) Object.assign(body, { logprobs: true, ...logprobs.alternatives > 0 && { top_logprobs: logprobs.alternatives } })
}

function encodeModalities(modalities: readonly Modality[], body: JsonObject, writing: Writing): void {
  const sayable = writing.dialect.has('image_modality') ? [...modalities] : modalities.filter((each) => each !== 'image')
  if (sayable.length < modalities.length) writing.lose('images in the answer', 'meaning')
  if (sayable.length > 0) body['modalities'] = sayable
}

function encodeFormat(output: OutputFormat, writing: Writing): JsonObject | null {
  switch (output.type) {
    case 'text': return { type: 'text' }
    case 'json': return { type: 'json_object' }
    case 'schema': {
      const { schema, name = 'response', description, strict } = output
      return { type: 'json_schema', json_schema: { name: wireName(name), ...description !== undefined && { description }, schema, ...strict !== undefined && { strict } } }
    }
    case 'native': {
      if (output.format === 'openai-chat' && typeof output.value === 'object' && output.value !== null && !Array.isArray(output.value)) return output.value
      writing.lose('the format of the answer', 'meaning')
      return null
    }
  }
}

function encodeSampling({ sampling = {} }: ChatRequest, body: JsonObject, writing: Writing): void {
  const { temperature, topP, topK, minP, frequencyPenalty, presencePenalty, repetitionPenalty, seed, logitBias } = sampling
  const plain = { temperature, top_p: topP, frequency_penalty: frequencyPenalty, presence_penalty: presencePenalty, seed, logit_bias: logitBias }
  for (const [key, value] of Object.entries(plain)) if (value !== undefined) body[key] = value
  const dialect: [DialectField, number | undefined][] = [['top_k', topK], ['min_p', minP], ['repetition_penalty', repetitionPenalty]]
  for (const [key, value] of dialect) {
    if (value === undefined) continue
    if (writing.dialect.has(key)) body[key] = value
    else writing.lose(key, 'hint')
  }
}

function encodeReasoning({ reasoning, maxOutputTokens }: ChatRequest, body: JsonObject, writing: Writing): void {
  if (!reasoning) return
  const { mode, effort, budgetTokens, summary, wantsProof } = reasoning
  if (summary !== undefined) writing.lose('how much of the thought is shown', 'hint')
  if (wantsProof) writing.lose('that the proof of the thought is wanted', 'hint')
  if (writing.target.reasoning === 'none') {
    if (mode !== 'off') writing.lose('thought, which the model has none of', 'hint')
    return
  }
  if (mode === 'off') body['reasoning_effort'] = 'none'
  else if (effort !== undefined) body['reasoning_effort'] = effort
  else if (budgetTokens !== undefined) body['reasoning_effort'] = effortOf(budgetTokens, maxOutputTokens ?? null)
  // As much as the model finds right is what it does unasked.
  else if (mode === 'on') body['reasoning_effort'] = 'medium'
  if (mode !== 'off' && budgetTokens !== undefined) writing.lose('a number of tokens to think with, which is asked for as an effort', 'hint')
}

/** Anthropic's word for what is usual. */
const tiers: Readonly<Record<string, string>> = { standard_only: 'default', standard: 'default' }

function encodeRest(request: ChatRequest, body: JsonObject): void {
  const { verbosity, serviceTier, endUser, metadata, store, cacheKey, cacheRetention } = request
  const tier = serviceTier !== undefined && Object.hasOwn(tiers, serviceTier) ? tiers[serviceTier] : serviceTier
  const rest = { verbosity, service_tier: tier, user: endUser, metadata, store, prompt_cache_key: cacheKey, prompt_cache_retention: cacheRetention }
  for (const [key, value] of Object.entries(rest)) if (value !== undefined) body[key] = value
}
