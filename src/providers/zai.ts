/**
 * Z.AI (GLM), outside China. Usage stands on the last chunk, which still has a choice; `max_tokens` bounds reasoning and answer
 * together; cached tokens are within the prompt (all recorded). https://docs.z.ai/api-reference/llm/chat-completion
 * `developer` is refused: https://github.com/openclaw/openclaw/issues/23115. No list of models:
 * https://hexdocs.pm/agentic/Agentic.LLM.Provider.Zai.html. Keys of the coding plan belong to another address, ZAI_BASE_URL.
 * Abort: no statement found, so a stream is drained.
 */
import { vendor } from './provider.ts'

export const zai = vendor({
  id: 'zai', name: 'Z.AI', docs: 'https://docs.z.ai/api-reference/llm/chat-completion',
  baseUrl: 'https://api.z.ai/api/paas/v4', modelsPath: null, endpoints: ['chat'], billsAfterAbort: true,
  quirks: { dialect: ['reasoning_content'], maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
