/** The first minutes of somebody new: a fresh clone in an empty home folder, the first command, a key, a stream. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import type { Measure } from '../proof.ts'

const root = resolve(import.meta.dirname, '..', '..')
const adminToken = 'proof-admin-token-0123456789'

/** The PATH of a machine that has only its own Node and npm: ours are left out. */
const foreignPath = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules')).join(delimiter)

export const measure: Measure = async (signal) => {
  const folder = mkdtempSync(join(tmpdir(), 'megarouter clone '))
  const clone = join(folder, 'megarouter')
  const env = { PATH: foreignPath, HOME: folder, PORT: '0', MEGAROUTER_ADMIN_TOKEN: adminToken, LANG: 'C.UTF-8' }
  execFileSync('git', ['clone', '--quiet', root, clone])
  const nodeVersion = execFileSync('node', ['--version'], { env, encoding: 'utf8' }).trim()
  const began = performance.now()
  const child = spawn('npm', ['start'], { cwd: clone, env, stdio: ['ignore', 'pipe', 'inherit'], detached: true, signal })
  try {
    const url = await new Promise<string>((done, failed) => {
      let output = ''
      child.stdout!.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        const address = /listening on (http:\/\/\S+)/.exec(output)?.[1]
        if (address) done(address)
      })
      child.once('exit', (code) => failed(new Error(`npm start ended with ${String(code)}:\n${output}`)))
    })
    const seconds = (performance.now() - began) / 1000
    const made = await fetch(`${url}/api/v1/keys`, { method: 'POST', headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' }, body: '{"name":"first"}' })
    const { key } = (await made.json()) as { key: string }
    const body = JSON.stringify({ model: 'simulated/small', stream: true, messages: [{ role: 'user', content: 'Say hello' }] })
    const stream = execFileSync('curl', ['-sN', `${url}/v1/chat/completions`, '-H', `authorization: Bearer ${key}`, '-H', 'content-type: application/json', '-d', body], { encoding: 'utf8' })
    const events = stream.split('\n\n').filter((event) => event.startsWith('data: ')).length
    const page = await fetch(`${url}/`, { headers: { accept: 'text/html' } })
    return {
      title: 'Set-up',
      claim: 'On a machine with nothing but Node 20 or newer and npm, one command serves within two minutes.',
      method: 'A fresh clone in an empty home folder, `npm start`, then a key by the admin API and a streamed chat completion of the simulated provider by curl. Packages come over the network, so the time depends on it.',
      rows: [
        { what: `Node.js of the machine`, value: nodeVersion, unit: '' },
        { what: 'From `npm start` to serving', value: seconds, unit: 's', target: '≤ 120', met: seconds <= 120 },
        { what: 'Events of the first stream', value: events, unit: '', target: 'ends with [DONE]', met: stream.trimEnd().endsWith('data: [DONE]') },
        { what: 'Console page', value: page.status, unit: '', target: '200', met: page.status === 200 && (await page.text()).includes('<script') },
      ],
    }
  } finally {
    // npm and the server are one process group of ours.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await new Promise((done) => (child.exitCode === null ? child.once('exit', done) : done(null)))
    rmSync(folder, { recursive: true, force: true })
  }
}
