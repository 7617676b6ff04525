/**
 * How much a model shall think, as its generation takes it: adaptive with an effort, or with a budget of tokens below the output
 * limit. Thinking excludes other sampling and forced calls; what has to give way is a loss.
 * https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 */
import type { ChatRequest, JsonObject, Reasoning } from '../canonical.ts'
import type { Target } from '../codec.ts'
import { budgetOf, effortOf } from '../effort.ts'
import type { Taste } from './claude.ts'
import type { Losses } from './losses.ts'

const leastBudget = 1024
const usualLimit = 4096

export interface Thinking {
  maxTokens: number
  thinking: JsonObject | null
  effort: string | undefined
}

/** `isForced`: a call of a tool is demanded. `goesOn`: the conversation ends within a turn that was not thought about. */
export function writeThinking(request: ChatRequest, target: Target, taste: Taste, losses: Losses, isForced: boolean, goesOn: boolean): Thinking {
  const { reasoning, maxOutputTokens } = request
  const limit = maxOutputTokens ?? (target.mostOutputTokens || null)
  const none: Thinking = { maxTokens: limit ?? usualLimit, thinking: null, effort: undefined }
  if (!reasoning) return none
  if (target.reasoning === 'none') {
    if (reasoning.mode !== 'off') losses.hint('thinking, which this model does not')
    return none
  }
  if (reasoning.mode === 'off') return { ...none, ...writeOff(taste, losses) }
  if (isForced) {
    losses.meaning('thinking, since the call of a tool is demanded')
    return none
  }
  if (!wantsBudget(reasoning, target, taste)) return { ...none, thinking: shown({ type: 'adaptive' }, reasoning, losses), effort: namedEffort(reasoning, limit) }
  if (goesOn) {
    losses.meaning('thinking, since the last turn has calls of tools and no thought')
    return none
  }
  return withBudget(reasoning, limit, losses) ?? none
}

function writeOff({ off }: Taste, losses: Losses): Partial<Thinking> {
  if (off !== null) return { thinking: { type: off } }
  losses.meaning('no thinking, since this model always thinks')
  return { effort: 'low' }
}

function wantsBudget({ mode }: Reasoning, target: Target, taste: Taste): boolean {
  if (target.reasoning !== null) return target.reasoning === 'budget'
  return taste.thinking === 'budget' || (taste.thinking === 'both' && mode === 'on')
}

function namedEffort({ effort, budgetTokens }: Reasoning, limit: number | null): string | undefined {
  const named = effort ?? (budgetTokens === undefined ? undefined : effortOf(budgetTokens, limit))
  return named === 'minimal' ? 'low' : named
}

/** Null where the output limit leaves no room for it. */
function withBudget(reasoning: Reasoning, limit: number | null, losses: Losses): Thinking | null {
  const { budgetTokens, effort } = reasoning
  const wanted = Math.max(leastBudget, budgetTokens ?? budgetOf(effort ?? 'medium', limit))
  const maxTokens = limit ?? wanted + usualLimit
  if (maxTokens <= leastBudget) {
    losses.meaning('thinking, for which the output limit leaves no room')
    return null
  }
  const budget = Math.min(wanted, maxTokens - 1)
  if (budgetTokens !== undefined && budget !== budgetTokens) losses.hint('the exact number of thinking tokens')
  return { maxTokens, thinking: shown({ type: 'enabled', budget_tokens: budget }, reasoning, losses), effort: budgetTokens === undefined ? undefined : effort }
}

function shown(thinking: JsonObject, { summary }: Reasoning, losses: Losses): JsonObject {
  if (summary === undefined) return thinking
  if (summary !== 'none' && summary !== 'auto') losses.hint('how full thoughts are shown')
  return { ...thinking, display: summary === 'none' ? 'omitted' : 'summarized' }
}
