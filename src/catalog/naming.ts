/**
 * Which entries of the catalogue are the same model. Two ids are one model only when they spell the same name, apart from
 * path, case, separators and the decorations listed here: what is left over (turbo, fp8, free, thinking, a date) is another model.
 * The data set's own `base_model` is no help: it links variants that differ in speed, precision and price.
 */

/** Vendors and the ids of their own models: there the id is the logical name, and they are tried first. Earlier ones name a group. */
const origins: readonly (readonly [vendor: string, own: RegExp])[] = [
  ['openai', /./], ['anthropic', /./], ['google', /./], ['mistral', /./], ['deepseek', /./], ['xai', /./], ['cohere', /./],
  ['perplexity', /./], ['moonshotai', /./], ['moonshotai-cn', /./], ['zai', /./], ['zhipuai', /./], ['minimax', /./], ['minimax-cn', /./],
  ['alibaba', /^q[vw]/i], ['alibaba-cn', /^q[vw]/i], ['stepfun-ai', /./], ['stepfun', /./], ['xiaomi', /./], ['nvidia', /^nvidia\//],
  ['llama', /^llama-/i], ['nova', /./], ['groq', /^groq\//], ['inception', /./], ['upstage', /./], ['morph', /./],
  ['poolside', /./], ['sakana', /./], ['sarvam', /./], ['voyageai', /./], ['arcee', /^(?:arcee-ai\/)?(?:trinity|afm)/],
]

const originRank = new Map(origins.map(([vendor, own], rank) => [vendor, { own, rank }]))

/** The rank of a vendor that made the model, null when it did not. */
export function originOf(vendor: string, id: string): number | null {
  const origin = originRank.get(vendor)
  return origin !== undefined && origin.own.test(id) ? origin.rank : null
}

/** Words that name no model: routers and sizes. They would catch what clients mean by `auto` or by an alias. */
const genericNames = new Set([
  'auto', 'balanced', 'best', 'cheap', 'custom', 'default', 'embedding', 'fast', 'free', 'fusion', 'large', 'latest', 'medium',
  'model', 'reasoner', 'router', 'small', 'test',
])

/** Reviewed spellings of one model, by key, with the page to check them against. */
const synonyms = new Map([
  // https://console.groq.com/docs/model/llama-3.3-70b-versatile and llama-3.1-8b-instant
  ['llama-3-3-70b-versatile', 'llama-3-3-70b-instruct'],
  ['llama-3-1-8b-instant', 'llama-3-1-8b-instruct'],
  // Full names of the one instruction-tuned Llama 4 of each size: https://huggingface.co/meta-llama
  ['llama-4-scout-17b-16e-instruct', 'llama-4-scout'],
  ['llama-4-scout-17b-instruct', 'llama-4-scout'],
  ['llama-4-maverick-17b-128e-instruct', 'llama-4-maverick'],
  ['llama-4-maverick-17b-instruct', 'llama-4-maverick'],
  // https://docs.anthropic.com/en/docs/about-claude/models: the undated aliases of Claude 4
  ['claude-opus-4', 'claude-opus-4-0'],
  ['claude-sonnet-4', 'claude-sonnet-4-0'],
])

/** Makers' names that stand for somebody else's packaging of a model: other weights, precision or terms, so another model. */
const repackagers = new Set(['chutesai', 'neuralmagic', 'pearl-ai', 'public', 'stealth', 'tee', 'unsloth'])

/** `us.anthropic.claude-sonnet-4-6-v1:0` is `claude-sonnet-4-6`: region, maker and version of the hosted artefact. */
const bedrockId = /^(?:(?:us|us-gov|eu|au|jp|apac|global)\.)?[a-z0-9]+\.(.*?)(?:-v\d+(?::\d+)?)?$/

/** The name inside a vendor's id, in lower case, without the vendor's own decoration. */
export function plainName(vendor: string, id: string): string {
  const lower = id.toLowerCase()
  const path = lower.split('/')
  let name = path.at(-1)!
  const maker = path.at(-2) ?? ''
  if (vendor === 'amazon-bedrock') name = bedrockId.exec(name)?.[1] ?? name
  if (vendor.startsWith('google-vertex')) name = name.replace(/@default$/, '')
  // The host that the router shall take, as in `openai/gpt-oss-120b:groq`.
  if (vendor === 'huggingface') name = name.replace(/:[a-z-]+$/, '')
  if (vendor === 'databricks') name = name.replace(/^databricks-/, '')
  if (vendor === 'fireworks-ai') name = name.replaceAll(/(\d)p(\d)/g, '$1.$2')
  name = name.replace(/^(?:meta-)?llama-v?(?=\d)/, 'llama-')
  if (repackagers.has(maker)) return `${maker}-${name}`
  // `~` marks a vendor's own moving pointer; what it points to differs from vendor to vendor.
  return genericNames.has(name) || lower.startsWith('~') ? `${vendor}-${name}` : name
}

/** Equal for names of the same model. A colon before a size is a separator (`gpt-oss:120b`), before a word it marks a variant (`:free`). */
export function groupKey(name: string): string {
  const key = spelledKey(name)
  return synonyms.get(key) ?? key
}

const spelledKey = (name: string): string => name.toLowerCase().replaceAll(/:(?=\d)/g, '-').replaceAll(/[._@ ]/g, '-')

/** True where the name is a listed synonym, so that a group is not named by it. */
export const isSynonym = (name: string): boolean => synonyms.has(spelledKey(name))

const datedKey = /^(.+)-(\d{4})-?(\d{2})-?(\d{2})$/

/** Splits `claude-sonnet-4-5-20250929` into the undated key and the ISO date. Shorter dates (`-0324`, `-2507`) are names of models. */
export function snapshotDate(key: string): { undated: string; date: string } | null {
  const [, undated, year, month, day] = datedKey.exec(key) ?? []
  if (undated === undefined || Number(year) < 2022 || Number(month) > 12 || Number(month) < 1 || Number(day) > 31) return null
  return { undated: groupKey(undated), date: `${year}-${month}-${day}` }
}
