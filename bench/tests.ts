/** Tests as measurements: runs test files at full counts and turns what they report (`t.diagnostic`) into rows. */
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import type { Row } from './proof.ts'

const root = resolve(import.meta.dirname, '..')

/** Rows: one for each test with its diagnostics, and one that all passed. `within`: a command that runs another. */
export async function runTests(files: readonly string[], signal: AbortSignal, within: readonly string[] = []): Promise<Row[]> {
  const [command, ...before] = [...within, process.execPath]
  const child = spawn(command!, [...before, '--test', '--test-reporter=tap', '--test-concurrency=1', ...files.map((file) => join(root, file))], {
    cwd: root, env: { ...process.env, MEGAROUTER_PROOF: '1', NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit'], signal,
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const exitCode = await new Promise<number | null>((done) => child.once('close', done))
  const rows = rowsOf(files, output, exitCode)
  if (rows[0]!.met !== true) {
    for (const line of output.split('\n')) if (/^\s*not ok \d+ - /.test(line) && !line.endsWith('.test.ts')) console.error(line.trim())
    console.error(output.slice(-20_000))
  }
  return rows
}

/** Of a run's TAP. A test that never finished or was left out proves nothing. */
export function rowsOf(files: readonly string[], output: string, exitCode: number | null): Row[] {
  const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(output)?.[1] ?? NaN)
  const [passed, failed, skipped] = [count('pass'), count('fail') + count('cancelled'), count('skipped') + count('todo')]
  return [
    { what: `Tests in ${files.join(', ')}`, value: `${passed} passed, ${failed} failed, ${skipped} left out, exit code ${exitCode}`, unit: '', target: 'all pass', met: passed > 0 && failed === 0 && skipped === 0 && exitCode === 0 },
    ...reports(output.split('\n').map((line) => line.trim())),
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
