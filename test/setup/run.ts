/**
 * The test run: types, lint, then every `*.test.ts` by node:test. Prints one line per file and, at the end, every failure in full;
 * the last line is the sum. Fails when anything failed, and in CI (CI=true) also when anything was skipped.
 */
import { spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'

interface Sum { passed: number; failed: number; skipped: number }

const root = resolve(import.meta.dirname, '../..')
const testTimeoutMs = 5 * 60_000
const totalTimeoutMs = 30 * 60_000
const concurrency = 2

const add = (sum: Sum, more: Sum): void => {
  sum.passed += more.passed
  sum.failed += more.failed
  sum.skipped += more.skipped
}
const line = (ok: boolean, text: string): void => console.log(`${ok ? '✔' : '✖'} ${text}`)

/** One program as one check. */
async function check(name: string, args: readonly string[], signal: AbortSignal): Promise<Sum> {
  const started = performance.now()
  const code = await new Promise<number>((done, fail) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit', signal })
    child.once('error', fail)
    child.once('close', (exitCode) => done(exitCode ?? 1))
  })
  line(code === 0, `${name} (${seconds(performance.now() - started)})`)
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/**
 * Runs test files, each in a process of its own, and counts single tests. A file that ends before its tests did, or holds none, is
 * itself reported by node:test as one; both count as failed. `failures` is fed with what the spec reporter prints at the end.
 */
async function files(paths: readonly string[], atOnce: number, failures: InstanceType<typeof spec>, signal: AbortSignal): Promise<Sum> {
  const total: Sum = { passed: 0, failed: 0, skipped: 0 }
  if (paths.length === 0) return total
  const sums = new Map(paths.map((path) => [path, { passed: 0, failed: 0, skipped: 0 }]))
  const open = new Set(paths)
  const close = (path: string): void => {
    const sum = sums.get(path)
    if (sum === undefined || !open.delete(path)) return
    if (sum.passed + sum.failed + sum.skipped === 0) sum.failed++
    add(total, sum)
    line(sum.failed === 0, `${relative(root, path)}: ${text(sum)}`)
  }
  for await (const { type, data } of run({ files: [...paths], concurrency: atOnce, timeout: testTimeoutMs, signal, cwd: root })) {
    if (type === 'test:stderr') process.stderr.write(data.message)
    if (type === 'test:fail') failures.write({ type, data })
    if (type === 'test:summary') close(data.file ?? '')
    if (type !== 'test:pass' && type !== 'test:fail') continue
    // A test may be declared in a helper: it belongs to the file that was started. What has no such file is node:test's own verdict on it.
    const { entryFile } = data as { entryFile?: string }
    const wholeFile = entryFile === undefined
    const sum = sums.get(entryFile ?? data.name)
    if (sum === undefined) throw new Error(`a result came from a file that was not run: ${entryFile ?? data.name}`)
    if (data.details.type === 'suite' && !wholeFile) continue
    if (data.skip !== undefined || data.todo !== undefined) sum.skipped++
    else if (type === 'test:fail') sum.failed++
    else if (wholeFile) console.error(`${data.name} holds no test`)
    else sum.passed++
  }
  for (const path of paths) close(path)
  return total
}

const text = (sum: Sum): string => `${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`

/** Without the tests of real clients, whose packages only `npm run proof clients` installs. */
function find(): { parallel: string[]; browser: string[] } {
  const all = globSync(['src/**/*.test.ts', 'console/src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'], { cwd: root, exclude: ['test/clients/**'] }).sort().map((path) => join(root, path))
  const browser = all.filter((path) => relative(root, path).startsWith(join('test', 'browser')))
  return { parallel: all.filter((path) => !browser.includes(path)), browser }
}

async function main(patterns: readonly string[]): Promise<boolean> {
  const overall = AbortSignal.timeout(totalTimeoutMs)
  overall.addEventListener('abort', () => {
    console.error(`The test run was stopped after ${totalTimeoutMs / 60_000} minutes.`)
    setTimeout(() => process.exit(1), 5000)
  })
  const asked = patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).map((path) => resolve(root, path))
  if (patterns.length > 0 && asked.length === 0) throw new Error(`No test file matches ${patterns.join(' ')}.`)
  const failures = new spec()
  const sum: Sum = { passed: 0, failed: 0, skipped: 0 }
  const { parallel, browser } = asked.length > 0 ? { parallel: asked, browser: [] } : find()
  if (asked.length === 0) {
    const tsc = join('node_modules', 'typescript', 'bin', 'tsc')
    add(sum, await check('types', [tsc, '-p', '.'], overall))
    if (existsSync(join(root, 'console', 'tsconfig.json'))) add(sum, await check('types of the console', [tsc, '-p', 'console'], overall))
    add(sum, await check('lint', [join('node_modules', 'oxlint', 'bin', 'oxlint'), '--deny-warnings', 'src', 'test', 'bench', 'bin', 'scripts', 'console/src'], overall))
  }
  add(sum, await files(parallel, concurrency, failures, overall))
  add(sum, await files(browser, 1, failures, overall))
  if (sum.failed > 0) {
    failures.pipe(process.stdout, { end: false })
    await new Promise((done) => failures.once('end', done).end())
  }
  console.log(text(sum))
  return sum.failed === 0 && (sum.skipped === 0 || process.env['CI'] !== 'true')
}

// node:test takes uncaught errors of this process for failures of a test that nobody sees: without this a mistake here would end silently.
let finished = false
process.on('exit', () => {
  if (!finished) console.error('The test run ended before its time.')
})
try {
  const good = await main(process.argv.slice(2))
  finished = true
  process.exit(good ? 0 : 1)
} catch (error) {
  finished = true
  console.error(error)
  process.exit(1)
}
