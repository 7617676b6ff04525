import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadCatalog } from './load.ts'
import { groupKey, plainName, snapshotDate } from './naming.ts'

const key = (vendor: string, id: string): string => groupKey(plainName(vendor, id))

test('paths, case, separators and a host\'s own decoration do not make another model', () => {
  const same: [string, string, string][] = [
    ['claude-sonnet-4-5', 'openrouter', 'anthropic/claude-sonnet-4.5'],
    ['claude-sonnet-4-5-20250929', 'amazon-bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'],
    ['claude-sonnet-4-5-20250929', 'google-vertex-anthropic', 'claude-sonnet-4-5@20250929'],
    ['claude-opus-4-7', 'google-vertex', 'claude-opus-4-7@default'],
    ['claude-opus-4-7', 'databricks', 'databricks-claude-opus-4-7'],
    ['llama-3.3-70b-instruct', 'groq', 'llama-3.3-70b-versatile'],
    ['llama-3.3-70b-instruct', 'openrouter', 'meta-llama/llama-3.3-70b-instruct'],
    ['llama-3.3-70b-instruct', 'fireworks-ai', 'accounts/fireworks/models/llama-v3p3-70b-instruct'],
    ['llama-3.1-8b-instruct', 'abacus', 'meta-llama/Meta-Llama-3.1-8B-Instruct'],
    ['llama-4-scout', 'groq', 'meta-llama/llama-4-scout-17b-16e-instruct'],
    ['deepseek-v4-pro', 'together', 'deepseek-ai/DeepSeek-V4-Pro'],
    ['gpt-oss-120b', 'ollama-cloud', 'gpt-oss:120b'],
    ['gpt-4o-2024-08-06', 'openrouter', 'openai/gpt-4o-2024-08-06'],
    ['minimax-m2.5', 'together', 'MiniMaxAI/MiniMax-M2.5'],
  ]
  for (const [name, vendor, id] of same) assert.equal(key(vendor, id), groupKey(name), id)
})

test('size, precision, speed, tuning, price and date do make another model', () => {
  const different: [string, string][] = [
    ['gpt-4o', 'gpt-4o-mini'], ['gpt-4o', 'gpt-4o-2024-08-06'], ['gpt-4', 'gpt-4-turbo'], ['gpt-4', 'gpt-4.1'], ['gpt-4-0613', 'gpt-4'],
    ['gpt-3.5-turbo', 'gpt-3.5-turbo-instruct'], ['gpt-5', 'gpt-5-chat-latest'], ['gpt-5.1-codex', 'gpt-5.1-codex-max'], ['o1', 'o1-pro'],
    ['meta-llama/Llama-3.3-70B-Instruct-Turbo', 'meta-llama/llama-3.3-70b-instruct'], ['llama-3.1-8b', 'llama-3.1-8b-instruct'],
    ['meta-llama/llama-3.3-70b-instruct:free', 'meta-llama/llama-3.3-70b-instruct'], ['llama-3-8b-instruct', 'llama-3.1-8b-instruct'],
    ['Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8', 'qwen/qwen3-coder-480b-a35b-instruct'], ['qwen3-235b-a22b', 'qwen3-235b-a22b-2507'],
    ['Qwen/Qwen3-235B-A22B-Instruct-2507-tput', 'Qwen/Qwen3-235B-A22B-Instruct-2507'], ['qwen3-235b-a22b-thinking-2507', 'qwen3-235b-a22b-instruct-2507'],
    ['deepseek-r1', 'deepseek-r1-0528'], ['deepseek-v3', 'deepseek-v3-0324'], ['deepseek-v3.2', 'deepseek-v3.2-exp'], ['deepseek-v3.2', 'deepseek-v3.2:thinking'],
    ['deepseek-r1', 'deepseek-r1-distill-llama-70b'], ['kimi-k2', 'kimi-k2-thinking'], ['kimi-k2-thinking', 'kimi-k2:thinking'], ['kimi-k2-0905', 'kimi-k2'],
    ['glm-4.5', 'glm-4.5-air'], ['glm-5.1', 'zai-org/GLM-5.1-FP8'], ['gemma-4-31b-it', 'pearl-ai/gemma-4-31b-it'], ['gemma-3-4b', 'gemma-3n-4b'],
    ['claude-opus-4.7', 'claude-opus-4.7-fast'], ['claude-3-5-sonnet-20240620', 'claude-3-5-sonnet-20241022'], ['gemini-2.5-flash', 'gemini-2.5-flash-lite'],
    ['mistral-large-latest', 'mistral-large-2512'], ['mistral-small-2506', 'mistral-small-2603'], ['grok-4.20-0309-reasoning', 'grok-4.20-0309-non-reasoning'],
  ]
  for (const [a, b] of different) assert.notEqual(key('openrouter', a), key('openrouter', b), `${a} and ${b}`)
})

test('a router or a bare size never takes a name that clients mean otherwise', () => {
  assert.equal(plainName('openrouter', 'openrouter/auto'), 'openrouter-auto')
  assert.equal(plainName('simulated', 'small'), 'simulated-small')
  assert.notEqual(key('openrouter', '~anthropic/claude-sonnet-latest'), key('anthropic', 'claude-sonnet-latest'))
  const catalog = loadCatalog()
  for (const name of ['auto', 'auto:cheap', 'fast', 'free', 'best', 'small']) assert.deepEqual(catalog.logical(name), [], name)
})

test('only a full calendar date marks a snapshot', () => {
  assert.deepEqual(snapshotDate('gpt-4o-2024-08-06'), { undated: 'gpt-4o', date: '2024-08-06' })
  assert.deepEqual(snapshotDate('claude-sonnet-4-5-20250929'), { undated: 'claude-sonnet-4-5', date: '2025-09-29' })
  for (const name of ['gpt-4-0613', 'deepseek-r1-0528', 'qwen3-235b-a22b-2507', 'mistral-large-2512', 'grok-4-20-0309-reasoning', 'x-20259999']) {
    assert.equal(snapshotDate(name), null, name)
  }
})
