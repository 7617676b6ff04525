/** Load without other programs: an upstream in a process of its own, clients that take several keys by turns, CPU of a gateway from the kernel. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'

export const modelName = 'measured'

const upstreamCode = `
const http = require('node:http')
const body = JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(600) }, finish_reason: 'stop' }], usage: { prompt_tokens: 200, completion_tokens: 150, total_tokens: 350 } })
http.createServer((request, response) => { request.resume(); request.on('end', () => response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)) })
  .listen(0, '127.0.0.1', function () { console.log(this.address().port) })
`

/** Answers at once. */
export async function startUpstream(): Promise<{ port: number; close(): void }> {
  const child = spawn(process.execPath, ['-e', upstreamCode], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = await new Promise<number>((resolve) => child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk))))
  return { port, close: () => void child.kill() }
}

/** Configuration of a gateway that sends `modelName` to it. */
export const configFor = (port: number): string => JSON.stringify({
  providers: { mock: { base_url: `http://127.0.0.1:${port}/v1`, credentials: ['sk-test'] } },
  deployments: [{ model: modelName, provider: 'mock', upstream_model: modelName, price: { input: '1.25', output: '10' } }],
  settings: { budget: { limit_usd: 1_000_000, period: 'month', mode: 'standard' }, rate_limit: { rpm: 100_000_000, tpm: 1_000_000_000 } },
})

export const payloadOf = (model: string, text = 'Say what this costs. '.repeat(45)): Buffer => Buffer.from(JSON.stringify({ model, max_tokens: 500, messages: [{ role: 'user', content: text }] }))
const usual = payloadOf(modelName)

/** Status of one request, once its answer is here. */
export function ask(agent: Agent, url: string, key: string, payload = usual): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': payload.length }
    const sent = request({ agent, hostname, port, path: '/v1/chat/completions', method: 'POST', headers }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject)
    sent.end(payload)
  })
}

/** Requests on so many connections, each with the next key; how many were served. */
export async function load(url: string, keys: readonly string[], connections: number, forMs: number, payload = usual): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const until = performance.now() + forMs
  let sent = 0
  const lane = async (): Promise<void> => {
    while (performance.now() < until) {
      const status = await ask(agent, url, keys[sent++ % keys.length]!, payload)
      if (status !== 200) throw new Error(`A request of the load was answered with ${status}.`)
    }
  }
  await Promise.all(Array.from({ length: connections }, lane)).finally(() => agent.destroy())
  return sent
}

/** CPU of all threads of a process, and of its first one. */
export function cpuUs(pid: number): { all: number; main: number } {
  const ofTask = (task: string): number => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]) / 1000
  return { all: readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + ofTask(task), 0), main: ofTask(String(pid)) }
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
export const percentile = (values: readonly number[], share: number): number => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.ceil(values.length * share) - 1)]!
