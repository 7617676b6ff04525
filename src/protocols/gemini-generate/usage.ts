/**
 * Google's token counts. The prompt contains what was cached; thoughts and what its own tools put into the prompt stand beside prompt and
 * candidates; the sum of the four is the total. Media are told by modality, cached media too. https://ai.google.dev/api/generate-content#UsageMetadata
 */
import type { ChatUsage, JsonObject } from '../canonical.ts'
import { own } from '../members.ts'
import { generationOf } from './config.ts'
import { isObject } from './fields.ts'

/** As `enum-encoding=int` numbers them. */
const modalities = ['MODALITY_UNSPECIFIED', 'TEXT', 'IMAGE', 'VIDEO', 'AUDIO', 'DOCUMENT']

const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0)

function ofModality(details: unknown, modality: 'AUDIO' | 'IMAGE'): number {
  let tokens = 0
  if (Array.isArray(details)) {
    for (let i = 0; i < details.length; i++) {
      const each = details[i] as { modality?: unknown; tokenCount?: unknown } | null
      const named = each?.modality
      if (named === modality || (typeof named === 'number' && modalities[named] === modality)) tokens += count(each?.tokenCount)
    }
  }
  return tokens
}

/** Of the input, what was not cached. */
const fresh = (meta: JsonObject, modality: 'AUDIO' | 'IMAGE'): number =>
  Math.max(0, ofModality(meta['promptTokensDetails'], modality) + ofModality(meta['toolUsePromptTokensDetails'], modality) - ofModality(meta['cacheTokensDetails'], modality))

/** Some events say how the request was served and count nothing. */
export const counts = (meta: unknown): meta is JsonObject => isObject(meta) && (typeof meta['promptTokenCount'] === 'number' || typeof meta['candidatesTokenCount'] === 'number' || typeof meta['totalTokenCount'] === 'number')

/** With the names of OpenAI's chats; thoughts stand beside the completion. Null: nothing is counted. */
export function meteredUsage(meta: unknown, searches: number): unknown {
  if (!counts(meta)) return null
  return {
    prompt_tokens: count(meta['promptTokenCount']) + count(meta['toolUsePromptTokenCount']),
    completion_tokens: count(meta['candidatesTokenCount']),
    total_tokens: meta['totalTokenCount'],
    prompt_tokens_details: { cached_tokens: count(meta['cachedContentTokenCount']), audio_tokens: fresh(meta, 'AUDIO'), image_tokens: fresh(meta, 'IMAGE') },
    completion_tokens_details: {
      reasoning_tokens: count(meta['thoughtsTokenCount']), audio_tokens: ofModality(meta['candidatesTokensDetails'], 'AUDIO'), image_tokens: ofModality(meta['candidatesTokensDetails'], 'IMAGE'),
    },
    server_tool_use: { web_search_requests: searches },
  }
}

export function usageOf(meta: JsonObject, searches: number): ChatUsage {
  const cacheRead = count(meta['cachedContentTokenCount'])
  const [audioIn, imageIn] = [fresh(meta, 'AUDIO'), fresh(meta, 'IMAGE')]
  const [audioOut, imageOut] = [ofModality(meta['candidatesTokensDetails'], 'AUDIO'), ofModality(meta['candidatesTokensDetails'], 'IMAGE')]
  const reasoning = count(meta['thoughtsTokenCount'])
  const usage: ChatUsage = {
    input: Math.max(0, count(meta['promptTokenCount']) + count(meta['toolUsePromptTokenCount']) - cacheRead - audioIn - imageIn),
    output: Math.max(0, count(meta['candidatesTokenCount']) - audioOut - imageOut),
  }
  if (cacheRead > 0) usage.cacheRead = cacheRead
  if (audioIn > 0) usage.audioIn = audioIn
  if (imageIn > 0) usage.imageIn = imageIn
  if (reasoning > 0) usage.reasoning = reasoning
  if (audioOut > 0) usage.audioOut = audioOut
  if (imageOut > 0) usage.imageOut = imageOut
  if (searches > 0) usage.searches = searches
  return usage
}

const detail = (modality: string, tokenCount: number): JsonObject[] => (tokenCount > 0 ? [{ modality, tokenCount }] : [])

/** As Google writes it: what is 0 is left out. What was written to a cache counts as prompt. */
export function usageMetadataOf(usage: ChatUsage, serviceTier: string | undefined): JsonObject {
  const { input, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0, audioIn = 0, imageIn = 0, output, reasoning = 0, audioOut = 0, imageOut = 0, costNano } = usage
  const texts = input + cacheRead + cacheWrite5m + cacheWrite1h
  const [prompt, candidates] = [texts + audioIn + imageIn, output + audioOut + imageOut]
  const media = [...detail('AUDIO', audioOut), ...detail('IMAGE', imageOut)]
  return {
    promptTokenCount: prompt,
    ...(candidates > 0 ? { candidatesTokenCount: candidates } : {}),
    totalTokenCount: prompt + candidates + reasoning,
    ...(cacheRead > 0 ? { cachedContentTokenCount: cacheRead } : {}),
    promptTokensDetails: [...detail('TEXT', texts), ...detail('IMAGE', imageIn), ...detail('AUDIO', audioIn)],
    ...(cacheRead > 0 ? { cacheTokensDetails: detail('TEXT', cacheRead) } : {}),
    ...(media.length > 0 ? { candidatesTokensDetails: media } : {}),
    ...(reasoning > 0 ? { thoughtsTokenCount: reasoning } : {}),
    ...(serviceTier === undefined ? {} : { serviceTier }),
    ...(costNano === undefined ? {} : { cost_usd: costNano / 1e9 }),
  }
}

/** Vertex names tiers by its traffic. */
const traffic: Readonly<Record<string, string>> = { ON_DEMAND_FLEX: 'flex', ON_DEMAND_PRIORITY: 'priority' }

export function tierIn(meta: unknown): string | null {
  if (!isObject(meta)) return null
  const { serviceTier, trafficType } = meta
  return typeof serviceTier === 'string' ? serviceTier : own(traffic, trafficType) ?? null
}

/** What is billed for searching: each query from the third generation on, before it the grounded answer. https://ai.google.dev/gemini-api/docs/pricing */
export function searchesIn(model: unknown, grounding: unknown): number {
  const queries = isObject(grounding) && Array.isArray(grounding['webSearchQueries']) ? new Set(grounding['webSearchQueries'].filter((query) => query !== '')) : null
  if (queries === null || queries.size === 0) return 0
  return generationOf(typeof model === 'string' ? model : '') >= 3 ? queries.size : 1
}
