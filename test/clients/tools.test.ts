/**
 * Claude Code, Codex, Gemini CLI and opencode at work: the model asks for a file, the tool reads it, the model answers with what only the
 * file says. Each through a gateway process to vendors of other formats, in a network that is nothing but this loopback.
 * `npm run proof clients` installs the tools and makes the network.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { startGateway, type GatewayProcess } from '../gateway-process.ts'
import { runTool, tools, type Tool } from './tools.ts'
import { proofOf, startVendor, type Arrived, type Format, type Turn } from './vendor.ts'

const timeoutMs = 120_000

/** How a gateway is told of a vendor of this format, and a model of it. At another address than OpenAI's own its name would stand for chat completions, so Azure's does for Responses. */
const vendors: Record<Format, { name: string; path: string; model: string; proves: boolean }> = {
  'anthropic-messages': { name: 'ANTHROPIC', path: '/v1', model: 'anthropic/claude-sonnet-4-5', proves: true },
  'gemini-generate': { name: 'GEMINI', path: '/v1beta', model: 'google/gemini-2.5-pro', proves: true },
  'openai-responses': { name: 'AZURE_OPENAI', path: '/openai/v1', model: 'azure/gpt-5', proves: true },
  'openai-chat': { name: 'GROQ', path: '/openai/v1', model: 'groq/llama-3.3-70b-versatile', proves: false },
}

const loops: [tool: Tool, by: Format[]][] = [
  [tools.claudeCode, ['openai-responses', 'gemini-generate', 'openai-chat']],
  [tools.codex, ['anthropic-messages', 'gemini-generate', 'openai-chat']],
  [tools.codexOpenai, ['anthropic-messages']],
  [tools.geminiCli, ['anthropic-messages', 'openai-responses', 'openai-chat']],
  [tools.geminiCliRouter, ['anthropic-messages', 'openai-responses']],
  [tools.opencode, ['anthropic-messages', 'gemini-generate']],
  [tools.opencodeResponses, ['anthropic-messages', 'gemini-generate']],
]

/** The model's part. Titles and the like, which tools ask for beside, have no tools; Gemini CLI's classifier wants an object. */
const scriptOf = (tool: Tool) => ({ tools: offered, results, schema }: Arrived): Turn => {
  if (schema !== null) return { text: JSON.stringify(Object.fromEntries(Object.entries(schema['properties'] as Record<string, { type: string }>).map(([name, { type }]) => [name, type === 'integer' ? 10 : 'A note']))) }
  if (offered.length === 0) return { text: 'A note' }
  const calls = (results.length === 0 ? ['note.txt'] : results.length === 1 ? ['left.txt', 'right.txt'] : []).map((file, i) => ({ id: `call_${results.length + i}`, ...tool.reads(file) }))
  const missing = calls.find((call) => !offered.some(({ name }) => name === call.name))
  if (missing) throw new Error(`there is no tool ${missing.name} among ${offered.map(({ name }) => name).join(', ')}`)
  if (calls.length > 0) return { thought: `Thought ${results.length}: it must be read.`, text: 'I read on.', calls }
  return { text: `The notes say ${results.map(({ text }) => /word-[0-9a-f]+/.exec(text)?.[0] ?? `nothing: ${text}`).join(' ')}.` }
}

interface Logged { error_code: string | null; input_tokens: number; output_tokens: number }

/** The gateway's own log of requests, once it has so many. */
async function logged(gateway: GatewayProcess, count: number): Promise<Logged[]> {
  for (;;) {
    const { body: { data } } = await gateway.admin<{ data: Logged[] }>('GET', '/requests?limit=50')
    if (data.length >= count) return data
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('nothing but this loopback can be reached', () => {
  assert.deepEqual(Object.keys(networkInterfaces()), ['lo'], 'run by `npm run proof clients`, in a network of its own')
})

for (const [tool, formats] of loops) {
  for (const by of formats) {
    test(`${tool.name} with a vendor of ${by}`, { timeout: timeoutMs + 60_000 }, async (t) => {
      const vendor = await startVendor(by, scriptOf(tool))
      const { name, path, model, proves } = vendors[by]
      const gateway = await startGateway({ env: { [`${name}_API_KEY`]: 'sk-test-secret', [`${name}_BASE_URL`]: `${vendor.url}${path}` } })
      try {
        for (const alias of tool.asksFor ?? []) assert.equal((await gateway.admin('POST', '/aliases', { name: alias, targets: [{ model, weight: 1 }] })).status, 201)
        const { key } = await gateway.createKey({ models: [model, ...tool.asksFor ?? []] })
        const [first, left, right] = Array.from({ length: 3 }, () => `word-${randomBytes(8).toString('hex')}`) as [string, string, string]
        const ran = await runTool(tool, { url: gateway.url, key, model }, { 'note.txt': `Go on with left.txt and right.txt.\n${first}\n`, 'left.txt': `${left}\n`, 'right.txt': `${right}\n` }, 'What do my notes say?', timeoutMs)
        const told = `${ran.output}\n${ran.errors}`.slice(-4_000)
        assert.equal(ran.code, 0, told)
        assert.match(ran.output, new RegExp(`The notes say ${first} ${left} ${right}\\.`), told)
        assert.deepEqual(vendor.problems, [])
        const turns = vendor.arrived.filter(({ tools: offered }) => offered.length > 0)
        assert.deepEqual(turns.map(({ results }) => results.length), [0, 1, 3], 'one call, then two at once')
        assert.ok(turns.every(({ stream, system, users, tools: offered }) => stream && system.length > 500 && users.some((text) => text.includes('What do my notes say?')) && offered.every(({ schema }) => typeof schema === 'object')))
        const { results, proofs } = turns.at(-1)!
        const ids = results.map(({ id }) => id)
        assert.ok(by === 'gemini-generate' ? ids.every((id) => id === '') : new Set(ids).size === 3, `each result is of its own call: ${ids.join()}`)
        assert.deepEqual(proofs, proves && tool.keepsThoughts !== false ? [proofOf(by), proofOf(by)] : [], 'the thoughts came back to their maker')
        const requests = await logged(gateway, vendor.arrived.length + (tool.refusals?.length ?? 0))
        assert.deepEqual(requests.flatMap(({ error_code: code }) => code ?? []), tool.refusals ?? [])
        assert.ok(requests.every(({ error_code: code, input_tokens: input, output_tokens: output }) => code !== null || (input === 120 && output === 30)), 'what the vendor counted is billed')
        t.diagnostic(`${vendor.arrived.length} requests; ${turns[0]!.tools.length} tools arrived`)
      } finally {
        await gateway.remove()
        await vendor.close()
      }
    })
  }
}
