/**
 * What generations of Claude take: members that one demands are refused by another with status 400.
 * https://platform.claude.com/docs/en/about-claude/models/migration-guide
 */

/** Family and version, 4.05 for 4.5; null: no model of that name. Names of Bedrock, Vertex and OpenRouter have it inside. */
export function claudeOf(model: string): { family: string; version: number } | null {
  const found = /claude-(?:([a-z]+)-)?(\d{1,2})(?:[.-](\d{1,2}))?(?!\d)(?:-([a-z]+))?/i.exec(model)
  if (!found) return null
  const [, before, major, minor, behind] = found
  return { family: (before ?? behind ?? '').toLowerCase(), version: Number(major) + Number(minor ?? 0) / 100 }
}

export interface Taste {
  /** Instructions in mid-conversation, as messages of the role `system`. */
  midSystem: boolean
  /** `thinking: adaptive` with an effort, or a budget; both: what is asked. */
  thinking: 'adaptive' | 'budget' | 'both'
  /** How thinking is switched off; null: it can't be. */
  off: 'disabled' | 'between_tools' | null
  /** `temperature`, `top_p` and `top_k`. */
  sampling: boolean
  /** `temperature` and `top_p` in one request. */
  bothSampling: boolean
  /** A call of some tool, or of a given one, can be demanded. */
  forcedTools: boolean
  /** `output_config.format` and strict tools. */
  schemas: boolean
}

/** Of an imitator's model: nobody knows. */
const unknown: Taste = { midSystem: false, thinking: 'both', off: 'disabled', sampling: true, bothSampling: true, forcedTools: true, schemas: true }

/** Families without older members: all of them think by themselves. */
const alwaysThinking = (family: string): boolean => family === 'fable' || family === 'mythos'

export function tasteOf(model: string): Taste {
  const claude = claudeOf(model)
  if (!claude) return unknown
  const { family, version } = claude
  const modern = alwaysThinking(family) || version >= (family === 'opus' ? 4.07 : family === 'haiku' ? 5.05 : 5)
  const adaptive = modern || (family !== 'haiku' && version >= 4.06)
  return {
    midSystem: alwaysThinking(family) || version >= 4.08,
    thinking: modern ? 'adaptive' : adaptive ? 'both' : 'budget',
    off: alwaysThinking(family) || (family === 'opus' && version >= 5.05) ? null : family === 'sonnet' && version >= 5.05 ? 'between_tools' : 'disabled',
    sampling: !modern,
    bothSampling: !modern && version < 4.01,
    forcedTools: family === 'haiku' || version < (alwaysThinking(family) ? 5.01 : 5.05),
    schemas: version >= (family === 'opus' ? 4.01 : 4.05),
  }
}
