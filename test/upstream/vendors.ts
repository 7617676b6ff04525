/**
 * How each recorded vendor behaves and counts, written from the vendors' documentation and the recordings, never from `src/`:
 * it is the second opinion that the gateway's own declarations are compared with.
 */
export interface VendorRules {
  /** A usage chunk of its own (empty `choices`) is sent only after `stream_options.include_usage`. False: streams carry usage unasked. */
  usageOnRequest: boolean
  /** An answer without any usage was recorded before the vendor had `include_usage`; asked today, it would send a chunk. */
  sendsUsageWhenAsked: boolean
  /** The whole answer is billed although the client left. */
  billsAfterAbort: boolean
  promptIncludesAudio: boolean
  completionIncludesReasoning: boolean
  /** Header of a key: as a bearer token in `authorization`, by itself in another; null: it takes none. */
  keyHeader: 'authorization' | 'api-key' | null
}

const usual: VendorRules = { usageOnRequest: true, sendsUsageWhenAsked: false, billsAfterAbort: false, promptIncludesAudio: true, completionIncludesReasoning: true, keyHeader: 'authorization' }

const rules: Record<string, Partial<VendorRules>> = {
  openai: { sendsUsageWhenAsked: true },
  'openai-compatible': { sendsUsageWhenAsked: true },
  groq: { billsAfterAbort: true },
  // Recorded: prompt_tokens 11 + audio_tokens 375 + completion_tokens 15 = total_tokens 401.
  // Streams carry usage unasked; the request has no option for it.
  mistral: { usageOnRequest: false, billsAfterAbort: true, promptIncludesAudio: false },
  openrouter: { usageOnRequest: false },
  together: { usageOnRequest: false },
  perplexity: { billsAfterAbort: true },
  ollama: { keyHeader: null },
  azure: { keyHeader: 'api-key' },
  // Recorded and documented: total = prompt + completion + reasoning.
  xai: { completionIncludesReasoning: false },
}

export const vendorRules = (vendor: string): VendorRules => ({ ...usual, ...rules[vendor] })
