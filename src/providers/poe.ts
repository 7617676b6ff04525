/**
 * Poe. Bills points by the bot, not tokens, and bots may run tools and other bots; prices by the token are approximations.
 * https://creator.poe.com/docs/external-applications/openai-compatible-api
 * `max_tokens`, and the roles system, user, assistant and tool: https://creator.poe.com/api-reference/createChatCompletion
 * When streams carry usage and how it is counted was not found.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const poe = vendor({
  id: 'poe', name: 'Poe', docs: 'https://creator.poe.com/api-reference/createChatCompletion',
  baseUrl: 'https://api.poe.com/v1', endpoints: ['chat'], billsAfterAbort: true,
  quirks: { maxTokensField: 'max_tokens' },
  bounds: {
    priceVaries: true, hidesReasoning: true,
    serverToolModels: ['*-search*', '*-Search*', '*-deep-research*', '*-Deep-Research*', '*-multi-agent*', '*-Multi-Agent*'],
  },
})
