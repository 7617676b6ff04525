/**
 * Ollama on the operator's machine, usually `OLLAMA_BASE_URL=http://127.0.0.1:11434/v1`. It takes no key.
 * https://docs.ollama.com/api/openai-compatibility. Its own endpoints stand beside: https://docs.ollama.com/api
 */
import { vendor } from './provider.ts'

export const ollama = vendor({
  id: 'ollama', name: 'Ollama', docs: 'https://docs.ollama.com/api/openai-compatibility',
  env: [], auth: 'none', selfHosted: true, endpoints: ['chat', 'completions', 'embeddings'],
  formats: [{ protocol: 'openai-chat' }, { protocol: 'ollama-chat', path: '../api/chat' }, { protocol: 'ollama-embed', path: '../api/embed' }],
  quirks: { maxTokensField: 'max_tokens', otherLimit: 'renamed' },
})
