/**
 * Thinking, which each family of models has under names of its own. What a family would refuse beside it is left out as a loss.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html, https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
 */
import type { ChatRequest, Json, JsonObject, Reasoning } from '../canonical.ts'
import { budgetOf, effortOf } from '../effort.ts'
import type { Target } from '../codec.ts'
import { alwaysAdaptive, type Family, thinksByBudget } from './families.ts'
import { besides, isEmpty, isObject, isText } from './json.ts'
import { forcesTool } from './tools.ts'
import { lose, type Writing } from './writing.ts'

const leastBudget = 1024

/** Takes what is understood out of `fields`. */
export function decodeThinking(fields: JsonObject, family: Family): { reasoning: Reasoning | null; left: JsonObject } {
  switch (family.thinking) {
    case 'claude': return decodeClaude(fields)
    case 'nova': {
      const { reasoningConfig } = fields
      if (!isObject(reasoningConfig) || !isEmpty(besides(reasoningConfig, 'type', 'maxReasoningEffort'))) break
      const { type, maxReasoningEffort: effort } = reasoningConfig
      if (type === 'disabled' && effort === undefined) return { reasoning: { mode: 'off' }, left: besides(fields, 'reasoningConfig') }
      if (type === 'enabled' && isText(effort)) return { reasoning: { mode: 'on', effort }, left: besides(fields, 'reasoningConfig') }
      break
    }
    case 'effort': return named(fields, 'reasoning_effort')
    case 'qwen': return named(fields, 'reasoning_config')
  }
  return { reasoning: null, left: fields }
}

function named(fields: JsonObject, key: string): { reasoning: Reasoning | null; left: JsonObject } {
  const effort = fields[key]
  return isText(effort) ? { reasoning: { mode: 'on', effort }, left: besides(fields, key) } : { reasoning: null, left: fields }
}

function decodeClaude(fields: JsonObject): { reasoning: Reasoning | null; left: JsonObject } {
  const { thinking, output_config: output } = fields
  if (!isObject(thinking) || !isEmpty(besides(thinking, 'type', 'budget_tokens', 'display'))) return { reasoning: null, left: fields }
  const { type, budget_tokens: budget, display } = thinking
  const reasoning: Reasoning = { mode: type === 'disabled' ? 'off' : type === 'adaptive' ? 'adaptive' : 'on' }
  if (type === 'enabled' ? typeof budget !== 'number' : budget !== undefined || (type !== 'disabled' && type !== 'adaptive')) return { reasoning: null, left: fields }
  if (typeof budget === 'number') reasoning.budgetTokens = budget
  if (display === 'omitted' || display === 'summarized') reasoning.summary = display === 'omitted' ? 'none' : 'auto'
  else if (display !== undefined) return { reasoning: null, left: fields }
  const left = besides(fields, 'thinking')
  if (type !== 'adaptive' || !isObject(output) || !isText(output['effort'])) return { reasoning, left }
  const rest = besides(output, 'effort')
  return { reasoning: { ...reasoning, effort: output['effort'] }, left: isEmpty(rest) ? besides(left, 'output_config') : { ...left, output_config: rest } }
}

/** Members of `additionalModelRequestFields`; `isOn`: the model will think. */
export function encodeThinking(writing: Writing, request: ChatRequest, target: Target, turns: readonly JsonObject[]): { fields: JsonObject; isOn: boolean } {
  const { reasoning } = request
  if (reasoning === undefined) return { fields: {}, isOn: false }
  const how = writing.family.thinking
  if (reasoning.wantsProof && how !== 'claude') lose(writing, 'the proof of the thought', 'hint')
  if (how === null || target.reasoning === 'none') {
    if (reasoning.mode !== 'off') lose(writing, 'thinking', 'meaning')
    return { fields: {}, isOn: false }
  }
  if (reasoning.mode !== 'off' && (how === 'claude' || how === 'nova') && forcesTool(writing, request)) {
    lose(writing, 'thinking beside a tool that must be called', 'meaning')
    return { fields: {}, isOn: false }
  }
  const fields = how === 'claude' ? encodeClaude(writing, reasoning, request, target) : encodeEffort(writing, how, reasoning, request)
  if (isObject(fields['thinking']) && fields['thinking']['type'] === 'enabled' && answersWithoutThought(turns)) {
    lose(writing, 'thinking, since the calls that are answered came without their thought', 'meaning')
    return { fields: {}, isOn: false }
  }
  return { fields, isOn: reasoning.mode !== 'off' && !isEmpty(fields) }
}

/** Claude with a budget refuses results of calls whose turn does not begin with its own thought: that of others was left out. */
function answersWithoutThought(turns: readonly JsonObject[]): boolean {
  const has = (turn: JsonObject | undefined, kind: string): boolean => Array.isArray(turn?.['content']) && turn['content'].some((block) => isObject(block) && Object.hasOwn(block, kind))
  const asked = turns.at(-2)
  return has(turns.at(-1), 'toolResult') && asked?.['role'] === 'assistant' && !has(asked, 'reasoningContent')
}

function encodeClaude(writing: Writing, reasoning: Reasoning, { maxOutputTokens }: ChatRequest, { model, reasoning: asked, mostOutputTokens }: Target): JsonObject {
  const { mode, effort, budgetTokens, summary } = reasoning
  const display = summary === undefined ? {} : { display: summary === 'none' ? 'omitted' : 'summarized' }
  if (mode === 'off') return alwaysAdaptive(model) ? {} : { thinking: { type: 'disabled', ...display } }
  const limit = maxOutputTokens ?? (mostOutputTokens > 0 ? mostOutputTokens : null)
  const byBudget = asked === 'budget' || (asked !== 'effort' && (thinksByBudget(model) || (mode === 'on' && !alwaysAdaptive(model))))
  if (!byBudget) {
    if (budgetTokens !== undefined) lose(writing, 'the exact number of tokens to think with', 'hint')
    const asEffort = effort ?? (budgetTokens === undefined ? undefined : effortOf(budgetTokens, limit))
    return { thinking: { type: 'adaptive', ...display }, ...(asEffort === undefined ? {} : { output_config: { effort: claudeEffort(asEffort) } }) }
  }
  if (mode === 'adaptive') lose(writing, 'thinking as much as the model finds right', 'hint')
  const wanted = budgetTokens ?? budgetOf(effort ?? 'medium', limit)
  // The answer's limit holds the thought, and has to leave room beside it.
  const budget = maxOutputTokens === undefined ? wanted : Math.min(wanted, maxOutputTokens - 1)
  if (budget < leastBudget && budget < wanted) {
    lose(writing, 'thinking, since the output limit leaves no room for it', 'meaning')
    return {}
  }
  if (budgetTokens !== undefined && budget < budgetTokens) lose(writing, 'the exact number of tokens to think with', 'hint')
  return { thinking: { type: 'enabled', budget_tokens: budget, ...display } }
}

const claudeEffort = (effort: string): string => (effort === 'minimal' ? 'low' : effort)

function encodeEffort(writing: Writing, how: 'nova' | 'effort' | 'qwen', { mode, effort, budgetTokens, summary }: Reasoning, { maxOutputTokens }: ChatRequest): JsonObject {
  if (summary !== undefined) lose(writing, 'how much of its thought the model shows', 'hint')
  if (mode === 'off') {
    if (how === 'nova') return { reasoningConfig: { type: 'disabled' } }
    lose(writing, 'that the model must not think', 'meaning')
    return {}
  }
  if (budgetTokens !== undefined) lose(writing, 'the exact number of tokens to think with', 'hint')
  const wanted = effort ?? (budgetTokens === undefined ? 'medium' : effortOf(budgetTokens, maxOutputTokens ?? null))
  let level: string = levels[wanted] ?? wanted
  if (how === 'qwen') return { reasoning_config: level === 'low' ? 'low' : 'high' }
  if (how === 'effort') return { reasoning_effort: level }
  // Nova at its highest takes no output limit.
  if (level === 'high' && maxOutputTokens !== undefined) {
    lose(writing, 'thinking with high effort beside an output limit', 'hint')
    level = 'medium'
  }
  return { reasoningConfig: { type: 'enabled', maxReasoningEffort: level } }
}

const levels: Readonly<Record<string, string>> = { minimal: 'low', xhigh: 'high', max: 'high' }

/** What a model refuses while it thinks: Claude any sampling, Nova at its highest as well. */
export function refusesSampling({ family }: Writing, fields: JsonObject): boolean {
  if (family.thinking === 'claude') return isObject(fields['thinking']) && fields['thinking']['type'] !== 'disabled'
  const config: Json | undefined = fields['reasoningConfig']
  return isObject(config) && config['maxReasoningEffort'] === 'high'
}
