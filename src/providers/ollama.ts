/**
 * Ollama on the operator's machine, usually `OLLAMA_BASE_URL=http://127.0.0.1:11434/v1`. It takes no key.
 * https://docs.ollama.com/api/openai-compatibility
 */
import { vendor } from './provider.ts'

export const ollama = vendor({
  id: 'ollama', name: 'Ollama', docs: 'https://docs.ollama.com/api/openai-compatibility',
  env: [], auth: 'none', selfHosted: true, endpoints: ['chat', 'completions', 'embeddings'],
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
