import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { page } from '../../scripts/vendors-table.ts'
import { matchesModel } from '../governance/model-patterns.ts'
import { vendors } from './index.ts'
import { asServed } from './provider.ts'

const folder = new URL('.', import.meta.url)
const notVendors = new Set(['provider.ts', 'index.ts'])
/** Where a vendor's own documents have made another name the standard one. */
const standardNames: Record<string, string> = { google: 'GEMINI', azure: 'AZURE_OPENAI', 'azure-anthropic': 'ANTHROPIC_FOUNDRY' }
/** Clouds whose credentials are no keys of an API by the name of it. */
const otherNames: Record<string, readonly [key: string, baseUrl: string]> = { bedrock: ['AWS_BEARER_TOKEN_BEDROCK', 'BEDROCK_BASE_URL'], vertex: ['VERTEX_CREDENTIALS', 'VERTEX_BASE_URL'] }
const declarations = readdirSync(folder).filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts') && !notVendors.has(name))

test('every declaration is in the registry, under the name of its file', () => {
  assert.deepEqual([...vendors.keys()], declarations.map(name => name.slice(0, -3)).sort())
  for (const [id, vendor] of vendors) assert.equal(vendor.id, id)
})

test('a declaration is plain data that crosses threads', () => {
  for (const vendor of vendors.values()) assert.deepEqual(structuredClone(vendor), vendor)
})

test('base URLs are https without a trailing slash; without one a vendor is the operator\'s own or simulated', () => {
  for (const { id, baseUrl, places = {}, selfHosted, simulated } of vendors.values()) {
    if (baseUrl === undefined) assert.ok(selfHosted === true || simulated === true, id)
    else assert.match(baseUrl.replaceAll(/\{[A-Z_]+\}/g, 'place'), /^https:\/\/[a-z0-9.-]+(\/[a-z0-9/-]+)?$/, id)
    assert.deepEqual([...new Set([...(baseUrl ?? '').matchAll(/\{([A-Z_]+)\}/g)].map(([, name]) => name))], Object.keys(places), id)
  }
})

test('no two vendors are switched on by the same variable, and each has the standard name', () => {
  const names = [...vendors.values()].flatMap(vendor => [...vendor.env, vendor.baseUrlEnv])
  assert.equal(new Set(names).size, names.length)
  for (const { id, env, auth, baseUrlEnv } of vendors.values()) {
    const name = standardNames[id] ?? id.toUpperCase().replaceAll('-', '_')
    assert.deepEqual([env[0], baseUrlEnv], otherNames[id] ?? [auth === 'none' ? undefined : `${name}_API_KEY`, `${name}_BASE_URL`], id)
  }
})

test('every vendor that the product promises is declared', () => {
  const promised = `openai azure groq together fireworks deepseek mistral xai perplexity openrouter cerebras nvidia moonshot zai alibaba minimax deepinfra nebius sambanova novita siliconflow
    hyperbolic huggingface github-models vercel cloudflare cloudflare-ai-gateway scaleway ovhcloud ionos baseten venice upstage inception morph ollama lmstudio llamacpp vllm sglang google anthropic bedrock vertex azure-anthropic`
  assert.deepEqual(promised.split(/\s+/).filter(id => !vendors.has(id)), [])
})

test('the rules of a family of models replace the vendor’s own, for its models alone', () => {
  const openai = vendors.get('openai')!
  const served = (model: string) => asServed(openai, models => matchesModel(models, model))
  assert.equal(served('gpt-5.1-mini').quirks.otherLimit, 'renamed')
  assert.deepEqual(served('gpt-5.1-mini'), { ...openai, quirks: { ...openai.quirks, otherLimit: 'renamed' } })
  assert.equal(served('gpt-4o'), openai)
  const deepinfra = vendors.get('deepinfra')!
  const gemma = asServed(deepinfra, models => matchesModel(models, 'google/gemini-2.5-flash'))
  assert.deepEqual([gemma.usage.completionIncludesReasoning, gemma.usage.promptIncludesCached], [false, true])
  const cloudflare = vendors.get('cloudflare')!
  assert.deepEqual(['@cf/meta/llama', 'openai/gpt-5'].map(model => asServed(cloudflare, models => matchesModel(models, model)).billsAfterAbort), [false, true])
})

test('ids can be the first segment of a model name', () => {
  for (const id of vendors.keys()) assert.match(id, /^[a-z][a-z0-9-]*$/)
})

test('a declaration names the page that its facts come from', () => {
  for (const name of declarations.filter(each => each !== 'simulated.ts')) {
    assert.match(readFileSync(new URL(name, folder), 'utf8'), /^\/\*\*[\s\S]*?https:\/\/[\s\S]*?\*\//, name)
  }
})

test('docs/vendors.md says what the declarations say', () => {
  assert.ok(readFileSync(new URL('../../docs/vendors.md', folder), 'utf8') === page(), 'It is out of date: node scripts/vendors-table.ts')
})
