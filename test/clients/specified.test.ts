/**
 * What vendors get is valid by their own descriptions, as a validator that is not ours reads them: it is the upstream of every recorded request
 * and of those of real clients, in each format. It does not stream, so that of a stream the request alone is looked at. Descriptions
 * are outside the project: `SPECS` is their folder.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { after, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { closeConnections, overAll, post } from '../conformance/ask.ts'
import { formats, vendorFor } from '../conformance/format-rig.ts'
import { clients } from '../conformance/format-clients.ts'
import { ofClients, recorded, type Said } from '../conformance/requests.ts'
import { CredentialTurns } from '../../src/routing/credentials.ts'
import { HealthBook } from '../../src/routing/health.ts'
import { startRig, testPrices } from '../gateway/harness.ts'

const folder = resolve(process.env['SPECS'] ?? join(import.meta.dirname, '../../../shared/specs'))
const program = join(import.meta.dirname, 'node_modules', '@stdy', 'cli', 'steady.js')

interface Described { format: string; provider: string; model: string; file: string; base: string }

const described: readonly Described[] = [
  { format: 'openai-chat', provider: 'openai', model: 'gpt-5-mini', file: 'openai.openapi.transformed.yml', base: '' },
  { format: 'openai-responses', provider: 'openai', model: 'gpt-5', file: 'openai.openapi.transformed.yml', base: '' },
  { format: 'anthropic-messages', provider: 'anthropic', model: 'claude-sonnet-4-5', file: 'anthropic.openapi.json', base: '/v1' },
  { format: 'gemini-generate', provider: 'google', model: 'gemini-2.5-pro', file: 'gemini-native.openapi.json', base: '/v1beta' },
  { format: 'ollama-chat', provider: 'ollama', model: 'qwen3', file: 'ollama.openapi.yaml', base: '' },
]

const children: ChildProcess[] = []
after(() => { for (const child of children) child.kill() })
after(closeConnections)

const formatsAsLists = ['query-array', 'form-array', 'query-object', 'form-object'].map((kind) => `--validator-${kind}-format=brackets`)

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}

/** The port of a validator that is ready. */
async function startValidator(file: string): Promise<number> {
  const port = await freePort()
  const child = spawn(process.execPath, [program, '--host', '127.0.0.1', '-p', String(port), '-q', '--no-color', '--log=false', ...formatsAsLists, join(folder, file)], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString() })
  for (let tries = 0; !said.includes('Ready to accept'); tries++) {
    if (child.exitCode !== null || tries > 300) throw new Error(`The validator of ${file} does not start: ${said}`)
    await wait(100)
  }
  return port
}

/** Stands before a validator and keeps what it says of each request, by the gateway's id of it. */
async function startUpstream(port: number): Promise<{ url: string; faults: Map<string, string[]> }> {
  const faults = new Map<string, string[]>()
  const server = createServer((asked, answer) => {
    const { headers, method, url } = asked
    const call = request({ host: '127.0.0.1', port, method, path: url, headers: { ...headers, host: `127.0.0.1:${port}` } }, (said) => {
      const named = (name: string): string => String(said.headers[`x-steady-${name}`] ?? '')
      const found = Array.from({ length: Number(named('error-count')) }, (_, i) => `${named(`error-${i + 1}-code`)} ${named(`error-${i + 1}-path`)}: ${named(`error-${i + 1}-message`)}`)
      faults.set(String(headers['x-client-request-id']).replace(/-\d+$/, ''), found)
      answer.writeHead(said.statusCode!, { 'content-type': said.headers['content-type'] ?? '' })
      said.pipe(answer)
    })
    call.on('error', () => answer.writeHead(502).end())
    asked.pipe(call)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  after(() => { server.closeAllConnections(); server.close() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, faults }
}

/** Answers of the validator are no streams: a vendor that fails so rests, which is right, and is not what is looked at. */
const fresh = (): object => ({ health: new HealthBook(() => 0.5), credentials: new CredentialTurns() })

/** As its client sends it, for this model. */
function sent({ protocol, body, place, path, headers }: Said, model: string): { path: string; headers: Record<string, string>; body: string } {
  if (path !== '') return { path: path.replace(/(?<=\/models\/)[^/:?]+|(?<=\/model\/)[^/]+/, model), headers: Object.fromEntries(Object.entries(headers).filter(([name]) => /^(anthropic-(version|beta)|content-type)$/.test(name))), body: JSON.stringify(place.model === undefined ? { ...body, model } : body) }
  const asks = clients[protocol.id]!.asks(model, place.stream === true)
  return { path: asks.path, headers: { ...asks.headers }, body: JSON.stringify('model' in asks.body ? { ...body, model } : body) }
}

const validators = new Map<string, Promise<number>>()
const upstreams = new Map(await Promise.all(described.map(async ({ format, file }) => {
  if (!validators.has(file)) validators.set(file, startValidator(file))
  return [format, await startUpstream(await validators.get(file)!)] as const
})))
const rig = await startRig({
  providers: () => described.map(({ format, provider, base }) => ({
    id: format, baseUrl: upstreams.get(format)!.url + base, vendor: vendorFor({ protocol: formats.find(({ id }) => id === format)!, provider }), socketPath: null, guarded: false,
    credentials: [{ id: `key-${format}`, secret: 'sk-test-upstream', last4: 'eam' }],
  })),
  attempts: 1,
})
rig.publish(({ deployments }) => {
  for (const { format, model } of described) deployments.push({ id: format, model: format, provider: format, upstreamModel: model, price: { version: 't', base: testPrices, tiers: [] }, priceAs: null })
})

for (const { format, file } of described) {
  const { faults } = upstreams.get(format)!
  describe(`${file}, ${format}`, () => {
    for (const from of formats) {
      if (from.id === format) continue
      const all = [...ofClients, ...recorded].filter(({ protocol }) => protocol === from)
      it(`${all.length} requests in ${from.id} are valid there`, async (t) => {
        const found: string[] = []
        let refused = 0
        await overAll(all, 4, async (said) => {
          const { path, headers, body } = sent(said, format)
          const answer = await post({ url: rig.url, key: rig.key }, path, body, headers)
          const faultsOf = faults.get(String(answer.headers['x-megarouter-request-id']))
          // It goes on from a response that nobody keeps, and is refused before anything is sent.
          if (faultsOf === undefined && said.body['previous_response_id'] !== undefined && answer.body.includes('"responses_not_stored"')) refused++
          else if (faultsOf === undefined) found.push(`${said.id}: ${answer.status} ${answer.body.toString('utf8', 0, 300)}`)
          else if (faultsOf!.length > 0) found.push(`${said.id}: ${faultsOf!.join('; ')}`)
          Object.assign(rig.gateway.tools, fresh())
        })
        assert.deepEqual(found, [])
        t.diagnostic(`${all.length - refused} requests as ${format} by ${file}, ${refused} refused before`)
      })
    }
  })
}
