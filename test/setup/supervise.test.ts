import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'

const runtime = pathToFileURL(join(import.meta.dirname, '../../bin/runtime.js')).href

/** Starts the parent of `bin/start.js` over a program of our own; `printed` resolves when the output holds a text. */
function start(context: TestContext, program: string) {
  const folder = mkdtempSync(join(tmpdir(), 'megarouter start '))
  context.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'child.mjs'), program)
  writeFileSync(join(folder, 'parent.mjs'), `import { supervise } from ${JSON.stringify(runtime)}\nawait supervise(process.execPath, [${JSON.stringify(join(folder, 'child.mjs'))}])`)
  const parent = spawn(process.execPath, [join(folder, 'parent.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  parent.stdout.setEncoding('utf8')
  const printed = async (text: string): Promise<void> => {
    while (!out.includes(text)) out += String((await once(parent.stdout, 'data'))[0])
  }
  const ended = once(parent, 'close').then(([code]) => ({ code: code as number | null, out }))
  return { parent, printed, ended }
}

test('the exit code of the gateway is the exit code of npm start', async (context) => {
  assert.equal((await start(context, 'process.exit(7)').ended).code, 7)
  assert.equal((await start(context, 'process.kill(process.pid, "SIGKILL")').ended).code, 137)
})

test('a signal that comes twice at once reaches the gateway once, and it may take its time', async (context) => {
  const { parent, printed, ended } = start(context, `
    let count = 0
    process.on('SIGTERM', () => { count++; console.log('told'); setTimeout(() => { console.log('count ' + count); process.exit(0) }, 300) })
    setInterval(() => {}, 1000)
    console.log('ready')`)
  await printed('ready')
  parent.kill('SIGTERM')
  await printed('told')
  parent.kill('SIGTERM')
  await printed('count 1')
  assert.equal((await ended).code, 0)
})
