/**
 * Claude Code, Codex, Gemini CLI and opencode at work: the model asks for a file, the tool reads it, the model answers with what only the
 * file says. Each through a gateway process to vendors of other formats, in a network that is nothing but this loopback.
 * `npm run proof clients` installs the tools and makes the network.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { startGateway } from '../gateway-process.ts'
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
  [tools.geminiCli, ['anthropic-messages', 'openai-responses', 'openai-chat']],
  [tools.opencode, ['anthropic-messages', 'gemini-generate']],
  [tools.opencodeResponses, ['anthropic-messages', 'gemini-generate']],
]

/** The model's part. Titles and the like, which tools ask for beside, have no tools. */
const scriptOf = (tool: Tool) => ({ tools: offered, results }: Arrived): Turn => {
  if (offered.length === 0) return { text: 'A note' }
  const call = tool.reads('note.txt')
  if (!offered.some(({ name }) => name === call.name)) throw new Error(`there is no tool ${call.name} among ${offered.map(({ name }) => name).join(', ')}`)
  if (results.length === 0) return { thought: 'The file must be read.', text: 'I read it.', calls: [{ id: 'call_1', ...call }] }
  return { text: `The note says ${/word-[0-9a-f]+/.exec(results.at(-1)!.text)?.[0] ?? `nothing: ${results.at(-1)!.text}`}` }
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
        const { key } = await gateway.createKey({ models: [model] })
        const secret = `word-${randomBytes(8).toString('hex')}`
        const ran = await runTool(tool, { url: gateway.url, key, model }, { 'note.txt': `The password is ${secret}.\n` }, 'What does note.txt say?', timeoutMs)
        const told = `${ran.output}\n${ran.errors}`.slice(-4_000)
        assert.equal(ran.code, 0, told)
        assert.match(ran.output, new RegExp(`The note says ${secret}`), told)
        assert.deepEqual(vendor.problems, [])
        const [first, second, ...more] = vendor.arrived.filter(({ tools: offered }) => offered.length > 0)
        assert.deepEqual([first!.results.length, second!.results.length, more.length], [0, 1, 0], 'one call, one result')
        assert.match(second!.results[0]!.text, new RegExp(secret))
        assert.ok(first!.stream && second!.stream)
        assert.ok(first!.system.length > 500 && first!.users.some((text) => text.includes('What does note.txt say?')))
        assert.ok(first!.tools.every(({ schema }) => typeof schema === 'object'))
        if (proves && tool.keepsThoughts !== false) assert.deepEqual(second!.proofs, [proofOf(by)], 'the thought came back to its maker')
        t.diagnostic(`${first!.tools.length} tools of the tool, ${vendor.arrived.length} requests`)
      } finally {
        await gateway.remove()
        await vendor.close()
      }
    })
  }
}
