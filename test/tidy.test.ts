/** Holds the rules of the house over the whole tree. They are smoke alarms: an exception needs a reason, and is removed when it no longer applies. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { statuses } from '../src/control/errors.ts'
import { errorTable } from '../src/errors.ts'
import * as tidy from './setup/tidy.ts'

const root = join(import.meta.dirname, '..')

interface Exception { rule: string; path: string; reason: string }
const exceptions: Exception[] = [
]

/** What runs, besides the scripts: the gateway, the command line, and the console's page. Scripts run by themselves and vendors are read from their folder. Workers are reached through `new URL('./x.ts', import.meta.url)`. */
const entries = ['src/main.ts', 'src/cli/main.ts', 'console/src/main.tsx']
const folders = ['.ci', 'bench', 'bin', 'console', 'deploy', 'docs', 'runtime', 'schemas', 'scripts', 'src', 'test']
const skipped = new Set(['node_modules', 'dist', 'data', '.cache'])

function walk(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? (skipped.has(entry.name) ? [] : walk(path)) : [path]
  })
}
const topLevel = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(md|json|yaml|yml|js|ts)$|^(Dockerfile|LICENSE|NOTICE|\.npmrc|\.gitignore|\.dockerignore)$/.test(entry.name) && entry.name !== 'megarouter.yaml')
  .map((entry) => entry.name)
const everything = [...topLevel, ...folders.flatMap(walk)]
const read = (path: string): tidy.Source => ({ path, text: readFileSync(join(root, path), 'utf8') })
const code = everything.filter((path) => /^(src|console\/src|test|bench|scripts)\/.*\.tsx?$/.test(path)).map((path) => tidy.parse(read(path)))

function clean(findings: readonly tidy.Finding[], ...rules: string[]): void {
  const allowed = exceptions.filter((exception) => rules.includes(exception.rule))
  const left = findings.filter(({ rule, path }) => !allowed.some((exception) => exception.rule === rule && exception.path === path))
  assert.deepEqual(left.map(({ path, line, message }) => `${path}:${line} ${message}`), [])
  for (const { rule, path } of allowed) assert.ok(findings.some((each) => each.rule === rule && each.path === path), `the exception of ${path} from “${rule}” is no longer needed`)
}

test('files and functions stay short enough to read', () => clean(code.flatMap(tidy.sizes), 'file length', 'function length'))
test('parts import only what they may', () => clean(code.flatMap(tidy.imports), 'imports'))
test('the server imports only packages that production installs', () => {
  const manifest = JSON.parse(read('package.json').text) as { dependencies: Record<string, string> }
  clean(code.flatMap((file) => tidy.packages(file, new Set(Object.keys(manifest.dependencies)))), 'packages')
})
test('logic takes clock and randomness as arguments', () => clean(code.flatMap(tidy.clocks), 'clocks'))
test('no value is of type any and nothing silences the type checker', () => clean(code.flatMap(tidy.types), 'types'))
test('no text is run as code', () => clean(code.flatMap(tidy.evaluations), 'evaluation'))
test('every file is reached from something that runs', () => clean(tidy.deadFiles(code, [...entries, ...everything.filter((path) => /^(scripts|src\/providers)\/[^/]*\.ts$/.test(path))]), 'dead files'))
test('every error code has a page and every page a code', () => {
  const pages = existsSync(join(root, 'docs/errors')) ? readdirSync(join(root, 'docs/errors')) : []
  clean(tidy.errorPages([...Object.keys(errorTable), ...Object.keys(statuses)], pages), 'error pages')
})
test('nothing committed is unfinished, names a folder of one machine or a package registry, or breaks in a folder with a space', () => {
  clean(everything.map(read).filter(({ text }) => !text.includes('\0')).flatMap(tidy.text), 'leftovers', 'places', 'registries', 'file URLs')
})
test('the lockfiles are complete, so that npm ci works on every platform', () => {
  clean(['package-lock.json', 'runtime/package-lock.json', 'test/clients/package-lock.json'].map(read).flatMap(tidy.lockfile), 'lockfile')
})
test('every exception has a reason', () => {
  for (const { path, reason } of exceptions) assert.ok(reason.length > 20, path)
})

// The rules themselves, on samples that break them.
const sample = (text: string, path = 'src/governance/x.ts'): tidy.Parsed => tidy.parse({ path, text })
const rules = (findings: readonly tidy.Finding[]): string[] => findings.map(({ rule }) => rule)

test('a file of 401 lines and a function of 71 lines are found, and a list of tests is no function', () => {
  const lines = (count: number) => '\n'.repeat(count - 1)
  assert.deepEqual(rules(tidy.sizes(sample(`1${lines(401)}2`))), ['file length'])
  assert.deepEqual(rules(tidy.sizes(sample(`1${lines(400)}2`))), [])
  for (const [before, after] of [['function f() {', '}'], ['const f = () => {', '}'], ['class A { m() {', '} }'], ['x.on(function () {', '})']]) {
    assert.deepEqual(rules(tidy.sizes(sample(`${before}${lines(71)}${after}`))), ['function length'])
    assert.deepEqual(rules(tidy.sizes(sample(`${before}${lines(70)}${after}`))), [])
  }
  assert.deepEqual(rules(tidy.sizes(sample(`describe('x', () => {${lines(200)} test('y', f) })`, 'src/x.test.ts'))), [])
  assert.deepEqual(rules(tidy.sizes(sample(`test('x', () => {${lines(200)}})`, 'src/x.test.ts'))), ['function length'])
})

test('forbidden imports are found in every form', () => {
  const found = (path: string, text: string) => rules(tidy.imports(sample(text, path))).length
  for (const [path, specifier] of [
    ['src/gateway/stream.ts', '../control/publish.ts'], ['src/gateway/stream.ts', './meter.ts'], ['src/protocols/a.ts', '../gateway/exchange.ts'],
    ['src/providers/groq.ts', './openai.ts'], ['src/gateway/call.ts', 'undici'], ['src/control/a.ts', 'kysely'], ['src/cli/a.ts', 'better-sqlite3'],
    ['src/cli/a.ts', 'node:child_process'], ['src/wire/a.ts', 'node:vm'], ['src/main.ts', '../test/x.ts'], ['console/src/a.ts', '../../src/errors.ts'],
  ] as const) {
    assert.equal(found(path, `import { a } from '${specifier}'`), 1, `${path} ${specifier}`)
    assert.equal(found(path, `await import('${specifier}')`), 1)
    assert.equal(found(path, `export { a } from '${specifier}'`), 1)
    assert.equal(found(path.replace('.ts', '.test.ts'), `import '${specifier}'`), 0)
  }
  assert.equal(found('src/gateway/stream.ts', "import type { A } from './meter.ts'"), 0)
  assert.equal(found('src/gateway/transport.ts', "import 'undici'"), 0)
  assert.equal(found('src/store/a.ts', "import 'kysely'"), 0)
  assert.equal(tidy.packages(sample("import 'left-pad'"), new Set(['pg'])).length, 1)
  assert.equal(tidy.packages(sample("import 'pg/lib/x'; import 'node:fs'; import './y.ts'"), new Set(['pg'])).length, 0)
})

test('clocks, any, silenced types and evaluation are found', () => {
  for (const text of ['Date.now()', 'const f = Date.now', 'Math.random()', 'setTimeout(f, 1)', 'new Date()', 'performance.now()', 'randomUUID()']) {
    assert.deepEqual(rules(tidy.clocks(sample(text))), ['clocks'], text)
    assert.deepEqual(rules(tidy.clocks(sample(text, 'src/gateway/x.ts'))), [])
  }
  assert.deepEqual(rules(tidy.clocks(sample('new Date(at); const text = "Date.now()" // Math.random()'))), [])
  assert.deepEqual(rules(tidy.types(sample('const a: any = 1'))), ['types'])
  assert.deepEqual(rules(tidy.types(sample(`// @ts-${'ignore'}\nconst anything = 1`))), ['types'])
  for (const text of ['eval("1")', 'new Function("1")', 'Function("1")']) assert.deepEqual(rules(tidy.evaluations(sample(text))), ['evaluation'], text)
})

test('a file that nothing imports is found; a worker named by URL is alive', () => {
  const files = [
    sample("import './a.ts'; new Worker(new URL('./worker.ts', import.meta.url))", 'src/main.ts'), sample('', 'src/a.ts'), sample("export * from './b.ts'", 'src/worker.ts'),
    sample('', 'src/b.ts'), sample("import './dead-too.ts'", 'src/dead.ts'), sample('', 'src/dead-too.ts'), sample("import './dead.ts'", 'src/a.test.ts'),
  ]
  assert.deepEqual(tidy.deadFiles(files, ['src/main.ts']).map(({ path }) => path), ['src/dead.ts', 'src/dead-too.ts'])
})

test('missing and stale error pages are found', () => {
  assert.deepEqual(tidy.errorPages(['a', 'b'], ['b.md', 'c.md', 'README.md']).map(({ path }) => path), ['docs/errors/a.md', 'docs/errors/c.md'])
})

test('leftovers, machine folders and registries are found', () => {
  const found = (text: string) => rules(tidy.text({ path: 'a', text }))
  assert.deepEqual(found(`// ${'TO'}DO: later`), ['leftovers'])
  for (const path of [`cd /${'work'}/x`, `"/${'root'}/x"`, `/${'home'}/someone`]) assert.deepEqual(found(path), ['places'], path)
  assert.deepEqual(found('https://example.com/work/x and ./work/ and the root/ folder'), [])
  assert.deepEqual(found(`https://registry.${'npmjs'}.org/x`), ['registries'])
  assert.deepEqual(found(`new URL('x', import.meta.url).${'path'}name`), ['file URLs'])
  assert.deepEqual(found(`"resolved": "${'https'}://x"`), ['registries'])
})

test('a lockfile without an entry for a platform is found, wherever its entry may stand', () => {
  const lock = (...paths: string[]) => tidy.lockfile({ path: 'l', text: JSON.stringify({
    packages: { '': {}, 'node_modules/a': {}, 'node_modules/a/node_modules/b': { optionalDependencies: { 'b-mac': '1' } }, ...Object.fromEntries(paths.map((each) => [each, {}])) },
  }) }).length
  assert.equal(lock(), 1)
  assert.equal(lock('node_modules/c/node_modules/b-mac'), 1)
  for (const path of ['node_modules/b-mac', 'node_modules/a/node_modules/b-mac', 'node_modules/a/node_modules/b/node_modules/b-mac']) assert.equal(lock(path), 0, path)
})
