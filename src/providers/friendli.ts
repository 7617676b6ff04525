/**
 * FriendliAI Model APIs. `max_tokens`, and usage in streams when asked; the role `developer` is not in the schema, and how cached and
 * reasoning tokens are counted is not said. https://friendli.ai/docs/guides/openai-compatibility.md
 * (schema: https://github.com/api-evangelist/friendliai). Built-in tools run at another address.
 * Abort: https://openrouter.ai/docs/api-reference/streaming#stream-cancellation
 */
import { vendor } from './provider.ts'

export const friendli = vendor({
  id: 'friendli', name: 'FriendliAI', docs: 'https://friendli.ai/docs/guides/openai-compatibility.md',
  env: ['FRIENDLI_API_KEY', 'FRIENDLI_TOKEN'],
  baseUrl: 'https://api.friendli.ai/serverless/v1', endpoints: ['chat', 'completions'],
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
