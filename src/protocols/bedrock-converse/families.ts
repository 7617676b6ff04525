/**
 * What Bedrock's models take beyond the common form of Converse. It refuses a member that a model doesn't know, and its families differ
 * in where thinking and `top_k` stand, in what may stand beside the result of a tool and in what they can do at all.
 *
 * Sources: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html, …/conversation-inference-supported-models-features.html,
 * …/structured-output.html, …/claude-messages-adaptive-thinking.html; what pydantic-ai verified against Bedrock in July 2026 (its profiles of
 * models, https://github.com/pydantic/pydantic-ai/issues/6081); ids of Mistral's tools: https://github.com/anomalyco/opencode/pull/48843.
 */
import type { MediaPart } from '../canonical.ts'

export interface Family {
  /** How thinking is asked for in `additionalModelRequestFields`; null: not at all, or not known how. */
  thinking: 'claude' | 'nova' | 'effort' | 'qwen' | null
  topK: 'flat' | 'nested' | null
  /** `toolConfig.toolChoice`. */
  toolChoice: 'all' | 'any' | null
  /** A schema for the answer, and strict tools; where there are none, a tool that must be called takes their place. */
  schemas: boolean
  caching: 'all' | 'no tools' | null
  /** Lifetimes of the cache are named. */
  cacheTtl: boolean
  /** What may not stand in one turn with the result of a tool. */
  apartFromResults: 'nothing' | 'documents' | 'everything'
  resultStatus: boolean
  /** What the result of a tool may hold besides texts. */
  resultMedia: readonly MediaPart['kind'][]
  /** A conversation may begin with the assistant. */
  beginsAnyhow: boolean
  /** Ids of tool calls have nine characters, unless Bedrock made them. */
  shortIds: boolean
  /** Tools that Bedrock runs. */
  systemTools: boolean
  /** Thought goes back to the model, with its proof. */
  thoughtGoesBack: boolean
  /** Quotations of documents: asked for, and in earlier answers. */
  citations: boolean
}

/** A model that is not named, as that of an inference profile of one's own: what is usual, and Bedrock says what is wrong with it. */
const unknown: Family = {
  thinking: 'claude', topK: 'flat', toolChoice: 'all', schemas: true, caching: 'all', cacheTtl: true, apartFromResults: 'nothing',
  resultStatus: true, resultMedia: ['image', 'document', 'video'], beginsAnyhow: true, shortIds: false, systemTools: false, thoughtGoesBack: true, citations: true,
}
const plain: Family = { ...unknown, resultMedia: ['image'], thinking: null, topK: null, toolChoice: null, schemas: false, caching: null, cacheTtl: false, beginsAnyhow: false, thoughtGoesBack: false, citations: false }
const modern: Family = { ...plain, toolChoice: 'all', schemas: true, beginsAnyhow: true }

const families: Readonly<Record<string, Family>> = {
  anthropic: { ...unknown, apartFromResults: 'documents', resultMedia: ['image', 'document'] },
  amazon: { ...plain, thinking: 'nova', topK: 'nested', toolChoice: 'all', caching: 'no tools' },
  meta: { ...plain, apartFromResults: 'everything', resultMedia: ['image', 'document'] },
  mistral: { ...plain, toolChoice: 'any', apartFromResults: 'everything', resultMedia: ['document'], shortIds: true },
  writer: { ...plain, apartFromResults: 'everything', resultStatus: false },
  qwen: { ...plain, thinking: 'qwen', beginsAnyhow: true, schemas: true, resultMedia: [] },
  openai: { ...plain, thinking: 'effort', thoughtGoesBack: true },
  deepseek: { ...plain, thoughtGoesBack: true },
  google: { ...plain, schemas: true },
  minimax: { ...plain, schemas: true },
  nvidia: { ...plain, schemas: true },
  zai: modern, moonshot: { ...modern, resultMedia: [] }, moonshotai: { ...modern, resultMedia: [] },
  ai21: plain, cohere: plain,
}

/** Of a model's id, a profile's (`us.anthropic.…`) or an ARN, what follows the maker. */
const named = /(?:^|[./])(anthropic|amazon|meta|mistral|writer|qwen|openai|deepseek|google|minimax|nvidia|zai|moonshot|moonshotai|ai21|cohere)\.([^/]+)$/

/** Structured output is listed for these and no others. */
const withSchemas = /^(claude-(?!3|instant|v2|opus-4-20|sonnet-4-20|opus-4-[178]|opus-5|sonnet-5|fable|mythos)|qwen3|gemma-3-(12|27)b|minimax-m2|nemotron-nano|magistral-small|ministral-3|mistral-large-3|voxtral|glm|kimi)/

export function familyOf(model: string): Family {
  const [, maker, name] = named.exec(model) ?? []
  if (maker === undefined || name === undefined) return unknown
  const family = families[maker]!
  const schemas = maker === 'zai' || maker.startsWith('moonshot') || withSchemas.test(name)
  if (maker !== 'amazon') return { ...family, schemas }
  // Titan and the first Nova don't think, and only Nova 2 brings tools.
  const isSecond = name.startsWith('nova-2')
  return { ...family, thinking: isSecond ? 'nova' : null, systemTools: isSecond, ...(name.startsWith('nova') ? {} : { topK: null, toolChoice: null, caching: null }) }
}

/** Claude before 4.6 thinks by a number of tokens, later ones as much as they find right. */
const byBudget = /claude-(3|instant|v2|(opus|sonnet|haiku)-4-([0-5]-)?20\d{6})/
/** After 4.6 nothing else is taken, thinking cannot be switched off. */
const byBoth = /claude-(opus|sonnet|haiku)-4-6/
export const thinksByBudget = (model: string): boolean => byBudget.test(model)
export const alwaysAdaptive = (model: string): boolean => /claude-/.test(model) && !byBudget.test(model) && !byBoth.test(model)
/** Before 4.5 one call at a time could not be asked for. https://github.com/anthropics/anthropic-sdk-python/issues/739 */
export const takesOneCall = (model: string): boolean => !/claude-(3|instant|v2|(opus|sonnet)-4-20)/.test(model)

/** Beta features that Converse knows; it refuses a request that names another one. */
export const knownBetas: ReadonlySet<string> = new Set([
  'computer-use-2025-01-24', 'computer-use-2025-11-24', 'context-1m-2025-08-07', 'effort-2025-11-24', 'fine-grained-tool-streaming-2025-05-14',
  'structured-outputs-2025-11-13', 'thinking-binding-controls-2026-08-01', 'thinking-display-updates-2026-08-18',
])
