/**
 * AIHubMix, an aggregator of vendors. `max_tokens`, and models that search, whose names are not listed:
 * https://docs.aihubmix.com/en/api-playground/inferUsages. When streams carry usage, how it is counted and whether `developer` is a role
 * was not found. https://docs.aihubmix.com/en/api/Aihubmix-Integration
 * Abort: no statement found, and it depends on the vendor behind it, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const aihubmix = vendor({
  id: 'aihubmix', name: 'AIHubMix', docs: 'https://docs.aihubmix.com/en/api/Aihubmix-Integration',
  baseUrl: 'https://aihubmix.com/v1', endpoints: ['chat'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens' },
  bounds: { priceVaries: true, hidesReasoning: true, serverToolModels: ['*-search*', '*-deep-research*'] },
})
