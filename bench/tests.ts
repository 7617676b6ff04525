/** Tests as measurements: runs test files at full counts and turns what they report (`t.diagnostic`) into rows. */
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import type { Row } from './proof.ts'

const root = resolve(import.meta.dirname, '..')

/** Rows: one for each test with its diagnostics, and one that all passed. */
export async function runTests(files: readonly string[], signal: AbortSignal): Promise<Row[]> {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', '--test-concurrency=1', ...files.map((file) => join(root, file))], {
    cwd: root, env: { ...process.env, MEGAROUTER_PROOF: '1', NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'], signal,
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  await new Promise((done) => child.once('close', done))
  const lines = output.split('\n').map((line) => line.trim())
  const passed = Number(/^# pass (\d+)$/m.exec(output)?.[1] ?? 0)
  const failed = Number(/^# fail (\d+)$/m.exec(output)?.[1] ?? 1)
  const broken = lines.filter((line) => /^not ok \d+ - /.test(line) && !line.endsWith('.test.ts'))
  for (const line of broken) console.error(line)
  if (failed > 0) console.error(output.slice(-20_000))
  return [
    { what: `Tests in ${files.join(', ')}`, value: `${passed} passed, ${failed} failed`, unit: '', target: 'none fails', met: failed === 0 && passed > 0 },
    ...reports(lines),
  ]
}

/** TAP prints a test's diagnostics as comments behind its result. */
function reports(lines: readonly string[]): Row[] {
  const rows: Row[] = []
  let name = ''
  for (const line of lines) {
    const result = /^(?:not )?ok \d+ - (.*?)(?: #.*)?$/.exec(line)
    if (result) name = result[1]!
    else if (line.startsWith('# ') && !/^# (Subtest|tests|suites|pass|fail|cancelled|skipped|todo|duration_ms)/.test(line)) rows.push({ what: name, value: line.slice(2), unit: '' })
  }
  return rows
}
