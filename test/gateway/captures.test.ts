/**
 * What real SDKs and coding tools send, byte for byte, through the gateway to vendors of every other format: served, answered in the
 * caller's form, every tool and every text arrives or is named in the warnings. The tools themselves run in `npm run proof clients`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAnswer, type ClientForm } from '../clients/answers.ts'
import { proofOf } from '../clients/vendor.ts'
import { clientRequests, type RecordedRequest } from '../fixtures/recorded.ts'
import { formats, startScripted, type Scripted } from './scripted.ts'

type Json = { [name: string]: unknown }
const forms: readonly [RegExp, ClientForm][] = [
  [/^\/v1\/chat\/completions$/, 'openai-chat'], [/^\/v1\/responses$/, 'openai-responses'], [/^\/v1\/messages(\?|$)/, 'anthropic-messages'],
  [/^\/v1(beta1?)?\/(publishers\/google\/)?models\/[^:]+:(streamG|g)enerateContent/, 'gemini-generate'], [/^\/v2\/chat$/, 'cohere-chat'], [/^\/api\/chat$/, 'ollama-chat'],
]
const formOf = ({ method, path }: RecordedRequest): ClientForm | undefined => (method === 'POST' ? forms.find(([pattern]) => pattern.test(path))?.[1] : undefined)
const captures = clientRequests()
const conversations = captures.filter((each) => formOf(each) !== undefined)
const modelOf = ({ path, body }: RecordedRequest): string => /models\/([^:]+):/.exec(path)?.[1] ?? (JSON.parse(body) as { model: string }).model
const models = [...new Set(conversations.map(modelOf))]
const capture = (id: string): RecordedRequest => captures.find((each) => each.id === id)!

async function replay({ rig }: Scripted, { method, path, headers, body }: RecordedRequest): Promise<{ status: number; headers: Headers; text: string }> {
  const kept = Object.entries(headers).filter(([name]) => !/^(host|connection|content-length|accept-encoding|authorization|x-api-key|x-goog-api-key|expect|sec-fetch-mode)$/i.test(name))
  const response = await fetch(`${rig.url}${path}`, { method, headers: { ...Object.fromEntries(kept), authorization: `Bearer ${rig.key}` }, ...(method === 'POST' && { body }) })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** Every text and number of a request with where it stands, in any form. */
function* texts(value: unknown, path: string): Generator<[path: string, text: string]> {
  if (typeof value === 'string' && /^\{.*\}$/.test(value) && path.endsWith('arguments')) yield* texts(JSON.parse(value), path)
  else if (typeof value === 'string') yield [path, value.replace(/^data:[^,]*;base64,/, '')]
  else if (typeof value === 'number') yield [path, `=${value}`]
  else if (Array.isArray(value)) for (const each of value) yield* texts(each, path)
  else if (typeof value === 'object' && value !== null) for (const [name, each] of Object.entries(value)) yield* texts(each, `${path}.${name}`)
}

/** Texts that say nothing to a model: its name, types and ids of items, and proofs, which are for their maker alone. A wish for proofs is met by the format itself. */
const notForModels = /^\.model$|^\.include$|^\.generationConfig\.responseMimeType$|\.(type|id|call_id|tool_call_id|tool_use_id|signature|thoughtSignature|encrypted_content|\$schema)$/
const short = 12
/** What the warnings call a member; others are called by their names. */
const called: readonly [member: RegExp, words: RegExp][] = [
  [/^\.prompt_cache_key$/, /cache key/], [/^\.metadata\.user_id$|^\.user$|^\.safety_identifier$/, /end user/], [/^\.tools\.description$/, /"namespace" of a tool/],
  [/top_?[kK]$/, /top_k/], [/budget_tokens$|thinkingBudget$/, /thinking tokens|tokens to think|thinking, since/], [/^\.max_tokens$/, /output limit below 16/], [/\.thinking$/, /thoughts? |reasoning of another/],
]

/** Numbers and long texts of a request that neither arrived nor are named in the warnings. */
function lost(sent: Json, arrived: Json, warnings: string): string[] {
  const all = [...texts(arrived, '')].map(([, text]) => text)
  const there = all.join('\n')
  const inJson = JSON.stringify(there)
  const isThere = (text: string): boolean => (text.startsWith('=') ? all.includes(text) : text.length < short || there.includes(text) || inJson.includes(JSON.stringify(text).slice(1, -1)))
  const isNamed = (path: string): boolean => path.split('.').some((name) => name.length > 2 && warnings.includes(`"${name.slice(0, 40)}`)) || called.some(([member, words]) => member.test(path) && words.test(warnings))
  return [...texts(sent, '')].filter(([path, text]) => !isThere(text) && !notForModels.test(path) && !isNamed(path)).map(([path, text]) => `${path}: ${text.slice(0, 80)}`)
}

/** Names of the functions that the client offers, in its own form. */
function offered(form: ClientForm, body: Json): string[] {
  const tools = (body['tools'] ?? []) as Json[]
  if (form === 'gemini-generate') return tools.flatMap((tool) => (tool['functionDeclarations'] ?? []) as Json[]).map(({ name }) => name as string)
  return tools.flatMap((tool): string[] => {
    if (tool['type'] === 'namespace') return (tool['tools'] as Json[]).map(({ name }) => `${tool['name'] as string}/${name as string}`)
    if (form === 'openai-responses') return tool['type'] === 'function' ? [tool['name'] as string] : []
    if (form === 'anthropic-messages') return tool['input_schema'] ? [tool['name'] as string] : []
    return [(tool['function'] as Json)['name'] as string]
  })
}

const finishes: Record<ClientForm, [text: string, calls: string]> = {
  'anthropic-messages': ['end_turn', 'tool_use'], 'openai-chat': ['stop', 'tool_calls'], 'openai-responses': ['completed', 'completed'], 'gemini-generate': ['STOP', 'STOP'], 'cohere-chat': ['COMPLETE', 'TOOL_CALL'], 'ollama-chat': ['stop', 'stop'],
}

for (const by of formats) {
  test(`what real clients send is served by a vendor of ${by}: all tools and texts arrive or are named, and the answer has the client’s form`, async (t) => {
    const rigged = await startScripted(models)
    const { rig, vendors, script, serve } = rigged
    serve(by)
    script(({ tools }) => (tools.length > 0 ? { text: 'I look – at “all”.', calls: tools.map(({ name }, i) => ({ id: `call_${i}`, name, arguments: { at: i, of: 'ä "quoted" text' } })) } : { text: 'Hello – “you”.' }))
    const others = conversations.filter((each) => formOf(each) !== by)
    for (const each of others) {
      const form = formOf(each)!
      const sent = JSON.parse(each.body) as Json
      const { status, headers, text } = await replay(rigged, each)
      assert.equal(status, 200, `${each.id}: ${text.slice(0, 500)} ${vendors[by].problems.join()}`)
      const arrived = vendors[by].arrived.at(-1)!
      const told = readAnswer(form, text, headers.get('content-type')!)
      const names = offered(form, sent)
      assert.equal(arrived.tools.length, names.length, `${each.id}: ${arrived.tools.map(({ name }) => name).join()}`)
      const calls = names.map((name, at) => ({ name, arguments: { at, of: 'ä "quoted" text' } }))
      assert.deepEqual([told.text, told.calls, told.outputTokens], [names.length > 0 ? 'I look – at “all”.' : 'Hello – “you”.', calls, wantsUsage(form, sent) ? 30 : 0], each.id)
      assert.equal(told.finish, finishes[form][names.length > 0 ? 1 : 0], each.id)
      assert.deepEqual(lost(sent, arrived.body, headers.get('x-megarouter-warnings') ?? ''), [], `${each.id}: ${headers.get('x-megarouter-warnings')}`)
    }
    const records = await rig.recorded(others.length)
    for (const { outcome, attempts: [attempt] } of records) assert.deepEqual([outcome, attempt!.usage.input, attempt!.usage.output, attempt!.costNano], ['success', 120, 30, 120 * 3_000 + 30 * 15_000])
    assert.equal(vendors[by].arrived.length, others.length)
    t.diagnostic(`${others.length} requests of real clients`)
  })
}

/** A streamed chat completion says its usage when asked. */
const wantsUsage = (form: ClientForm, sent: Json): boolean => form !== 'openai-chat' || sent['stream'] !== true || (sent['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true

test('a second turn of each coding tool carries its tool result to a vendor of every other format', async () => {
  const rigged = await startScripted(models)
  const { vendors, script, serve } = rigged
  script(() => ({ text: 'Done.' }))
  for (const by of formats) {
    serve(by)
    for (const id of ['claude-code-tool-003', 'codex-tool-002', 'gemini-cli-tool-002', 'opencode-tool-003']) {
      const each = capture(id)
      if (formOf(each) === by) continue
      assert.equal((await replay(rigged, each)).status, 200)
      const { results, body, proofs } = vendors[by].arrived.at(-1)!
      assert.equal(results.length, 1, id)
      assert.match(results[0]!.text, /hello file content/, id)
      assert.notEqual(results[0]!.name, '', `${id}: the result belongs to a call`)
      // Gemini refuses calls without a signature, and takes this word for one: https://ai.google.dev/gemini-api/docs/thought-signatures
      assert.deepEqual(proofs.filter((proof) => proof !== 'skip_thought_signature_validator'), [], `${id}: no proof of another vendor`)
      assert.doesNotMatch(JSON.stringify(body), /Y2FubmVkL/, `${id}: no proof of another vendor`)
    }
  }
})

/** How each tool goes on: what it was told, and the result of its tool. */
const goesOn: Record<string, (body: Json, parts: Json[]) => void> = {
  'gemini-cli-tool-001': (body, parts) => void (body['contents'] as Json[]).push({ role: 'model', parts: parts.filter(({ thought }) => thought !== true) }, { role: 'user', parts: [{ functionResponse: { name: 'read_file', response: { output: 'word-1' } } }] }),
  'claude-code-tool-002': (body, parts) => void (body['messages'] as Json[]).push({ role: 'assistant', content: parts }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: parts.at(-1)!['id'], content: 'word-1' }] }),
  'codex-tool-001': (body, parts) => void (body['input'] as Json[]).push(...parts, { type: 'function_call_output', call_id: parts.at(-1)!['call_id'], output: 'word-1' }),
}
const reader = ['read_file', 'Read', 'exec_command']

test('a signed thought of any vendor survives the round trip through Gemini CLI, Claude Code and Codex', async () => {
  const rigged = await startScripted(models)
  const { vendors, script, serve } = rigged
  script(({ results, tools }) => (results.length > 0 ? { text: 'Done.' } : { thought: 'I should look.', calls: [{ id: 'call_1', name: tools.find(({ name }) => reader.includes(name))!.name, arguments: { a: 1 } }] }))
  for (const by of formats.filter((format) => format !== 'openai-chat')) {
    serve(by)
    for (const [id, append] of Object.entries(goesOn)) {
      const { body, ...rest } = capture(id)
      const form = formOf(capture(id))!
      if (form === by) continue
      const { thought, parts } = readAnswer(form, (await replay(rigged, capture(id))).text, 'text/event-stream')
      assert.equal(thought, 'I should look.', `${id} by ${by}`)
      const next = JSON.parse(body) as Json
      append(next, parts)
      const { status, text } = await replay(rigged, { ...rest, body: JSON.stringify(next) })
      assert.equal(status, 200, `${id} by ${by}: ${text}`)
      const { results, proofs } = vendors[by].arrived.at(-1)!
      assert.match(results[0]!.text, /word-1/, `${id} by ${by}`)
      assert.deepEqual(proofs, [proofOf(by)], `${id} by ${by}`)
    }
  }
})

test('Gemini CLI’s classifier call gets JSON by its schema from a vendor of every other format', async () => {
  const rigged = await startScripted(models)
  const { vendors, script, serve } = rigged
  const answer = JSON.stringify({ complexity_reasoning: 'Simple.', complexity_score: 10 })
  script(() => ({ text: answer }))
  for (const by of formats.filter((format) => format !== 'gemini-generate')) {
    serve(by)
    const { status, text } = await replay(rigged, capture('gemini-router-001'))
    assert.equal(status, 200, text)
    assert.equal(readAnswer('gemini-generate', text, 'application/json').text, answer)
    const { schema } = vendors[by].arrived.at(-1)!
    const { type, properties, required } = schema as { type: string; properties: Record<string, { type: string }>; required: string[] }
    assert.deepEqual([type, properties['complexity_reasoning']!.type, properties['complexity_score']!.type, required], ['object', 'string', 'integer', ['complexity_reasoning', 'complexity_score']], by)
  }
})

test('tokens of Claude Code’s /context are counted for a model of every other vendor', async () => {
  const rigged = await startScripted(models)
  for (const by of formats.filter((format) => format !== 'anthropic-messages')) {
    rigged.serve(by)
    for (const each of captures.filter(({ path }) => path.startsWith('/v1/messages/count_tokens'))) {
      const { status, text } = await replay(rigged, each)
      assert.equal(status, 200, `${each.id}: ${text}`)
      assert.ok((JSON.parse(text) as { input_tokens: number }).input_tokens > 0)
    }
  }
})

test('what tools ask besides conversations is answered: HEAD /, their lists of models, and 426 to a WebSocket', async () => {
  const rigged = await startScripted(models)
  rigged.serve('openai-chat')
  assert.equal((await replay(rigged, capture('claude-code-001'))).status, 200)
  const listed = async (id: string): Promise<Json> => {
    const { status, text } = await replay(rigged, capture(id))
    assert.equal(status, 200, id)
    return JSON.parse(text) as Json
  }
  const page = (await listed('claude-code-bearer-002')) as { data: Json[]; has_more: boolean }
  assert.deepEqual([page.data[0]!['type'], page.has_more], ['model', false])
  assert.equal((await listed('sdk-007'))['object'], 'list')
  assert.ok(((await listed('sdk-025'))['models'] as Json[]).length > 0)
  const { request } = await import('node:http')
  const { path, headers } = capture('codex-openai-001-upgrade')
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request(`${rigged.rig.url}${path}`, { headers: { ...headers, host: 'localhost', authorization: `Bearer ${rigged.rig.key}`, connection: 'Upgrade', upgrade: 'websocket' } }, (response) => resolve(response.resume().statusCode))
    asked.once('error', reject).once('upgrade', () => reject(new Error('it was upgraded'))).end()
  })
  assert.equal(status, 426)
})
