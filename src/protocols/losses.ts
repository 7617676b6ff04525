/** What of a request a target cannot express, collected by name. Members are told by what is carried, so that a new one is never lost in silence. */
import type { ChatFormat, ChatRequest, Extras, JsonObject, Sampling } from './canonical.ts'
import type { Loss } from './codec.ts'
import { own } from './members.ts'

/** Names of members as their vendors or the console's readers know them. */
const names: Readonly<Record<string, string>> = {
  cache: 'cache mark', id: 'id', itemId: 'id of the item', proof: 'proof', phase: 'phase', citations: 'citations', detail: 'detail', cites: 'wish for citations', name: 'name', isError: 'mark of an error',
  deferred: 'defer_loading', strict: 'strict', namespace: 'namespace', custom: 'kind', mediaType: 'media type', summary: 'summary', redacted: 'redaction',
  toolChoice: 'tool_choice', parallelToolCalls: 'parallel_tool_calls', output: 'output format', maxOutputTokens: 'output limit', choices: 'n', serviceTier: 'service_tier', endUser: 'user', cacheKey: 'prompt_cache_key',
  cacheRetention: 'prompt_cache_retention', topP: 'top_p', topK: 'top_k', minP: 'min_p', frequencyPenalty: 'frequency_penalty', presencePenalty: 'presence_penalty', repetitionPenalty: 'repetition_penalty', logitBias: 'logit_bias',
}

/** The answer means the same without them. */
const hints = new Set([
  'cache', 'id', 'itemId', 'proof', 'phase', 'citations', 'detail', 'cites', 'name', 'isError', 'deferred', 'strict', 'namespace', 'mediaType', 'redacted', 'summary',
  'serviceTier', 'endUser', 'metadata', 'store', 'cacheKey', 'cacheRetention', 'betas',
])

export class Losses {
  readonly list: Loss[] = []

  add(what: string, kind: Loss['kind']): void {
    if (!this.list.some((each) => each.what === what)) this.list.push({ what, kind })
  }

  /** Every member that is not `carried`. `of`: of what it is a member, in words; '' for the request itself. */
  members(object: object, carried: ReadonlySet<string>, of: string): void {
    for (const [key, value] of Object.entries(object)) {
      if (carried.has(key) || value === undefined) continue
      if (key === 'extras') for (const field of Object.keys((value as Extras).fields)) this.add(`the field "${field}"${of && ` of ${of}`}`, 'meaning')
      else this.add(`${own(names, key) ?? key}${of && ` of ${of}`}`, hints.has(key) ? 'hint' : 'meaning')
    }
  }

  /** The fields of a format's own extras; another's are lost. */
  extras(extras: Extras | undefined, format: ChatFormat, of: string): JsonObject {
    if (extras === undefined) return {}
    if (extras.format === format) return extras.fields
    for (const key of Object.keys(extras.fields)) this.add(`the field "${key}"${of && ` of ${of}`}`, 'meaning')
    return {}
  }

  /** Settings that formats of few words have none of. `carried` names those that it has. */
  settings(request: ChatRequest, carried: ReadonlySet<keyof ChatRequest>): void {
    const { choices, modalities, parallelToolCalls, extras: _, ...rest } = request
    this.members(rest, carried, '')
    if (choices !== undefined && choices !== 1) this.add('n', 'meaning')
    if (modalities !== undefined) this.add('modalities', modalities.some((each) => each !== 'text') ? 'meaning' : 'hint')
    if (parallelToolCalls !== undefined) this.add('parallel_tool_calls', parallelToolCalls ? 'hint' : 'meaning')
  }

  sampling(sampling: Sampling | undefined, carried: ReadonlySet<keyof Sampling>): void {
    if (sampling) this.members(sampling, carried, '')
  }
}
