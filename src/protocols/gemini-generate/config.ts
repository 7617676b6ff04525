/** `generationConfig`: how the answer is made. */
import { budgetOf, effortOf } from '../effort.ts'
import type { ChatRequest, Json, JsonObject, Modality, OutputFormat, Reasoning, Sampling } from '../canonical.ts'
import type { Loss, Target } from '../codec.ts'
import { Fields, isObject } from './fields.ts'
import { format } from './parts.ts'
import { jsonSchemaOf } from './schema.ts'

type Lose = (what: string, kind: Loss['kind']) => void

const samplings = ['temperature', 'topP', 'topK', 'seed', 'presencePenalty', 'frequencyPenalty'] as const satisfies readonly (keyof Sampling)[]

/** Takes what canonical requests have; the rest stays in `fields`. */
export function decodeConfig(fields: Fields, request: ChatRequest): void {
  const sampling: Sampling = {}
  for (const name of samplings) {
    const value = fields.number(name)
    if (value !== undefined) sampling[name] = value
  }
  if (Object.keys(sampling).length > 0) request.sampling = sampling
  const maxOutputTokens = fields.number('maxOutputTokens')
  if (maxOutputTokens !== undefined) request.maxOutputTokens = maxOutputTokens
  const stop = fields.texts('stopSequences')
  if (stop) request.stop = stop
  const choices = fields.number('candidateCount')
  if (choices !== undefined) request.choices = choices
  if (fields.boolean('responseLogprobs') === true) request.logprobs = { alternatives: fields.number('logprobs') ?? 0 }
  const output = decodeOutput(fields)
  if (output) request.output = output
  const modalities = decodeModalities(fields)
  if (modalities) request.modalities = modalities
  const reasoning = decodeThinking(fields)
  if (reasoning) request.reasoning = reasoning
  decodeSpeech(fields, request)
}

function decodeOutput(fields: Fields): OutputFormat | undefined {
  const mimeType = fields.text('responseMimeType')
  if (mimeType === undefined || mimeType === 'application/json') {
    const schema = fields.object('responseJsonSchema') ?? fields.object('_responseJsonSchema') ?? fields.object('responseSchema')
    if (schema) return { type: 'schema', schema: jsonSchemaOf(schema) }
    return mimeType === undefined ? undefined : { type: 'json' }
  }
  if (mimeType === 'text/plain') return { type: 'text' }
  // One of the texts of an enumeration, and what may come.
  const value: JsonObject = { responseMimeType: mimeType }
  for (const name of ['responseSchema', 'responseJsonSchema']) {
    const schema = fields.object(name)
    if (schema) value[name] = schema
  }
  return { type: 'native', format, value }
}

const modalityNames: Readonly<Record<string, Modality>> = { TEXT: 'text', IMAGE: 'image', AUDIO: 'audio' }

function decodeModalities(fields: Fields): Modality[] | undefined {
  const named = fields.texts('responseModalities')
  const known = named?.map((name) => modalityNames[name.toUpperCase()])
  if (known?.every((each) => each !== undefined)) return known
  fields.put('responseModalities', named)
  return undefined
}

/** A budget of 0 is none, of -1 as much as the model finds right. */
function decodeThinking(fields: Fields): Reasoning | undefined {
  const given = fields.object('thinkingConfig')
  if (!given) return undefined
  const config = new Fields(given)
  const budget = config.number('thinkingBudget')
  const level = config.text('thinkingLevel')?.toLowerCase()
  const shows = config.boolean('includeThoughts')
  fields.put('thinkingConfig', config.rest())
  const effort = level === 'thinking_level_unspecified' ? undefined : level
  if (budget === undefined && effort === undefined && shows === undefined) return undefined
  return {
    mode: budget === 0 ? 'off' : budget === -1 ? 'adaptive' : 'on',
    ...(effort === undefined ? {} : { effort }),
    ...(budget === undefined || budget <= 0 ? {} : { budgetTokens: budget }),
    ...(shows === undefined ? {} : { summary: shows ? 'auto' : 'none' }),
  }
}

function decodeSpeech(fields: Fields, request: ChatRequest): void {
  const speech = fields.object('speechConfig')
  if (!speech) return
  const config = new Fields(speech)
  const voiceConfig = new Fields(config.take('voiceConfig'))
  const prebuilt = new Fields(voiceConfig.take('prebuiltVoiceConfig'))
  const voice = prebuilt.text('voiceName')
  if (voice !== undefined) request.audio = { voice }
  voiceConfig.put('prebuiltVoiceConfig', prebuilt.rest())
  config.put('voiceConfig', voiceConfig.rest())
  fields.put('speechConfig', config.rest())
}

export function encodeConfig(request: ChatRequest, target: Target, lose: Lose): JsonObject {
  const { sampling, maxOutputTokens, stop, choices, logprobs, modalities, audio } = request
  const config: JsonObject = {}
  for (const name of samplings) if (sampling?.[name] !== undefined) config[name] = sampling[name]
  if (sampling?.minP !== undefined) lose('min_p', 'meaning')
  if (sampling?.repetitionPenalty !== undefined) lose('repetition_penalty', 'meaning')
  if (sampling?.logitBias) lose('logit_bias', 'meaning')
  if (maxOutputTokens !== undefined) config['maxOutputTokens'] = maxOutputTokens
  if (stop && stop.length > 0) config['stopSequences'] = stop
  if (choices !== undefined) config['candidateCount'] = choices
  if (logprobs) {
    config['responseLogprobs'] = true
    if (logprobs.alternatives > 0) config['logprobs'] = logprobs.alternatives
  }
  if (modalities) config['responseModalities'] = modalities.map((each) => each.toUpperCase())
  if (audio?.voice !== undefined) config['speechConfig'] = { voiceConfig: { prebuiltVoiceConfig: { voiceName: audio.voice } } }
  if (audio?.coding !== undefined) lose('the coding of audio', 'hint')
  if (request.output) Object.assign(config, encodeOutput(request.output, lose))
  const thinking = request.reasoning && encodeThinking(request.reasoning, target, maxOutputTokens ?? null, lose)
  if (thinking && Object.keys(thinking).length > 0) config['thinkingConfig'] = thinking
  return config
}

function encodeOutput(output: OutputFormat, lose: Lose): JsonObject {
  switch (output.type) {
    case 'text': return { responseMimeType: 'text/plain' }
    case 'json': return { responseMimeType: 'application/json' }
    case 'schema': {
      const { schema, name, description } = output
      const said: JsonObject = {}
      if (name !== undefined && schema['title'] === undefined) said['title'] = name
      if (description !== undefined && schema['description'] === undefined) said['description'] = description
      return { responseMimeType: 'application/json', responseJsonSchema: { ...schema, ...said } }
    }
    case 'native':
      if (output.format === format && isObject(output.value)) return output.value
      lose('the form of the output', 'meaning')
      return {}
  }
}

const levels: Readonly<Record<string, string>> = { minimal: 'MINIMAL', low: 'LOW', medium: 'MEDIUM', high: 'HIGH' }

/** The generation of Gemini that a name says; the latest, where it says none; 0 for what is no Gemini. */
export function generationOf(model: string): number {
  const found = /gemini(?:-live)?-(\d+)/.exec(model)
  return found ? Number(found[1]) : model.includes('gemini') ? 3 : 0
}

/** Most tokens that models of the second generation may think with: https://ai.google.dev/gemini-api/docs/thinking */
const mostBudget = (model: string): number => (model.includes('pro') ? 32_768 : 24_576)

function encodeThinking(reasoning: Reasoning, { model, reasoning: kind }: Target, limit: number | null, lose: Lose): JsonObject {
  const { mode, effort, budgetTokens, summary } = reasoning
  const shown = summary === undefined ? {} : { includeThoughts: summary !== 'none' }
  if (kind === 'none') {
    if (mode !== 'off') lose('reasoning', 'meaning')
    return {}
  }
  const generation = generationOf(model)
  const asLevel = kind === 'effort' || (kind === null && generation !== 2)
  if (mode === 'off') return asLevel && (kind === 'effort' || generation > 2) ? leastLevel(lose) : { thinkingBudget: 0, ...shown }
  // All take a budget, whatever they would rather be told.
  if (budgetTokens !== undefined && (!asLevel || (kind === null && effort === undefined))) return { thinkingBudget: bounded(budgetTokens, model, lose), ...shown }
  if (!asLevel && effort !== undefined) return { thinkingBudget: Math.min(budgetOf(effort, limit), mostBudget(model)), ...shown }
  const named = effort ?? (budgetTokens === undefined ? undefined : effortOf(budgetTokens, limit))
  if (named !== undefined) return { thinkingLevel: levelOf(named, lose), ...shown }
  return mode === 'adaptive' && kind !== 'effort' ? { thinkingBudget: -1, ...shown } : shown
}

/** Models that are asked by level can't be asked for none; all of them know this one. */
function leastLevel(lose: Lose): JsonObject {
  lose('switching reasoning off (the least is asked for)', 'hint')
  return { thinkingLevel: 'LOW' }
}

function levelOf(effort: string, lose: Lose): string {
  const level = levels[effort]
  if (level !== undefined) return level
  if (effort !== 'xhigh' && effort !== 'max') return effort.toUpperCase()
  lose(`the effort "${effort}" (HIGH is the most)`, 'hint')
  return 'HIGH'
}

function bounded(budget: number, model: string, lose: Lose): number {
  const most = mostBudget(model)
  if (budget <= most || generationOf(model) !== 2) return budget
  lose(`a thinking budget of more than ${most} tokens`, 'hint')
  return most
}

/** Settings that stand in no member of a canonical request, by name. */
export function loseSettings({ verbosity, endUser, metadata, cacheKey, cacheRetention, betas, parallelToolCalls }: ChatRequest, lose: Lose): void {
  const hints: [string, Json | undefined][] = [['the end user', endUser], ['metadata', metadata], ['the cache key', cacheKey], ['the cache retention', cacheRetention]]
  for (const [what, value] of hints) if (value !== undefined) lose(what, 'hint')
  for (const beta of betas ?? []) lose(`the beta feature "${beta.slice(0, 60)}"`, 'hint')
  if (verbosity !== undefined) lose('verbosity', 'meaning')
  if (parallelToolCalls === false) lose('one tool call at a time', 'meaning')
}
