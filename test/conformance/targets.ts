/** A vendor of each format with a model that it has: what requests become depends on the model. Each answers with one recorded answer. */
import { formats, recordedOf, type Recorded } from './format-rig.ts'

const models: Readonly<Record<string, string>> = {
  'openai-chat': 'gpt-5-mini', 'openai-responses': 'gpt-5', 'anthropic-messages': 'claude-sonnet-4-5', 'gemini-generate': 'gemini-2.5-pro', 'bedrock-converse': 'anthropic.claude-sonnet-4-5-20250929-v1:0',
  'bedrock-invoke': 'anthropic.claude-haiku-4-5-20251001-v1:0', 'cohere-chat': 'command-a-reasoning-08-2025', 'ollama-chat': 'qwen3',
}

export const targets: readonly Recorded[] = formats.map((protocol): Recorded => ({
  ...recordedOf(protocol).find(({ provider, status, stream }) => status === 200 && !stream && (protocol.id !== 'openai-chat' || provider === 'openai'))!, id: models[protocol.id]!,
}))
