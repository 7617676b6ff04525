/**
 * The rules of the house as functions over source text; `test/tidy.test.ts` applies them to the tree and proves on samples that each
 * can fail. Every finding is one line: file, place, what is wrong.
 */
import { dirname, join, normalize } from 'node:path/posix'
import { parseSync, Visitor } from 'vite'

export interface Source {
  /** Relative to the root, with `/`. */
  path: string
  text: string
}
export interface Finding { rule: string; path: string; line: number; message: string }
export interface Import { specifier: string; typeOnly: boolean; start: number }
export interface Parsed extends Source {
  imports: Import[]
  functions: { name: string; start: number; end: number }[]
  /** Names such as `Date.now`, and `new Date()` without an argument. */
  clocks: { name: string; start: number }[]
  anyTypes: number[]
  evaluations: { name: string; start: number }[]
}

export const fileLines = 400
export const functionLines = 70

/** The steps of docs/request-path.md that are files of their own; `call` speaks through transport.ts, which is a mechanism and no step. */
const steps = ['receive', 'authenticate', 'admit', 'inspect', 'choose', 'translate', 'call', 'stream', 'meter', 'record']
const clockNames = new Set(['Date.now', 'Math.random', 'performance.now', 'setTimeout', 'setInterval', 'setImmediate', 'crypto.randomUUID', 'crypto.randomBytes', 'randomUUID', 'randomBytes'])

type Node = { type: string; start: number; end: number } & Record<string, unknown>
const node = (value: unknown): Node | null => (typeof value === 'object' && value !== null && 'type' in value ? (value as Node) : null)
const nameOf = (value: unknown): string => {
  const at = node(value)
  if (at?.type === 'Identifier') return String(at.name)
  return at?.type === 'MemberExpression' ? `${nameOf(at.object)}.${nameOf(at.property)}` : ''
}

export function parse(source: Source): Parsed {
  const { program, module, errors } = parseSync(source.path, source.text)
  if (errors.length > 0) throw new Error(`${source.path}: ${errors[0]?.message}`)
  const parsed: Parsed = { ...source, imports: [], functions: [], clocks: [], anyTypes: [], evaluations: [] }
  for (const each of module.staticImports) {
    const typeOnly = /^import\s+type\b/.test(source.text.slice(each.start, each.end)) || (each.entries.length > 0 && each.entries.every((entry) => entry.isType))
    parsed.imports.push({ specifier: each.moduleRequest.value, typeOnly, start: each.start })
  }
  for (const each of module.staticExports) for (const entry of each.entries) {
    if (entry.moduleRequest !== null) parsed.imports.push({ specifier: entry.moduleRequest.value, typeOnly: entry.isType, start: each.start })
  }
  const tests: number[] = []
  const named = new Map<unknown, string>()
  const addFunction = (at: Node): void => {
    parsed.functions.push({ name: nameOf(at.id) || named.get(at) || 'a function', start: at.start, end: at.end })
  }
  const addModule = (value: unknown, start: number, base = ''): void => {
    const literal = node(value)
    if (literal?.type !== 'Literal' || typeof literal.value !== 'string') return
    parsed.imports.push({ specifier: /^[./]/.test(literal.value) ? literal.value : `${base}${literal.value}`, typeOnly: false, start })
  }
  const nameChild = (child: unknown, name: unknown): void => void named.set(child, nameOf(name))
  new Visitor({
    FunctionDeclaration: (at) => addFunction(at as unknown as Node),
    FunctionExpression: (at) => addFunction(at as unknown as Node),
    ArrowFunctionExpression: (at) => addFunction(at as unknown as Node),
    VariableDeclarator: (at) => nameChild(at.init, at.id),
    MethodDefinition: (at) => nameChild(at.value, at.key),
    TSAnyKeyword: (at) => void parsed.anyTypes.push(at.start),
    ImportExpression: (at) => addModule(at.source, at.start),
    MemberExpression: (at) => {
      const name = nameOf(at)
      if (clockNames.has(name)) parsed.clocks.push({ name, start: at.start })
    },
    CallExpression: (at) => {
      const name = nameOf(at.callee)
      if (name === 'test' || name === 'it') tests.push(at.start)
      if (clockNames.has(name) && !name.includes('.')) parsed.clocks.push({ name, start: at.start })
      if (name === 'eval' || name === 'Function') parsed.evaluations.push({ name, start: at.start })
    },
    NewExpression: (at) => {
      const name = nameOf(at.callee)
      if (name === 'Date' && at.arguments.length === 0) parsed.clocks.push({ name: 'new Date()', start: at.start })
      if (name === 'Function') parsed.evaluations.push({ name: 'new Function', start: at.start })
      // Workers and files that belong to the code are named as `new URL('./worker.ts', import.meta.url)`.
      const base = node(at.arguments[1])
      if (name === 'URL' && base !== null && source.text.slice(base.start, base.end) === 'import.meta.url') addModule(at.arguments[0], at.start, './')
    },
  }).visit(program)
  // A function that holds tests is a list of them, not a unit to be understood at once.
  if (isTest(source.path)) parsed.functions = parsed.functions.filter(({ start, end }) => !tests.some((at) => at > start && at < end))
  return parsed
}

export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length
const isTest = (path: string): boolean => /\.test\.tsx?$/.test(path)
/** The file that a relative import means, or the package's name. */
const target = (from: string, specifier: string): string => {
  if (specifier.startsWith('.')) return normalize(join(dirname(from), specifier))
  return specifier.startsWith('node:') ? specifier : specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
}

export function sizes(file: Parsed): Finding[] {
  const lines = file.text.trimEnd().split('\n').length
  const long = file.functions.flatMap(({ name, start, end }) => {
    const length = lineOf(file.text, end) - lineOf(file.text, start) + 1
    return length > functionLines ? [finding('function length', file, start, `${name} has ${length} lines; at most ${functionLines}`)] : []
  })
  return lines > fileLines ? [finding('file length', file, 0, `${lines} lines; at most ${fileLines}`), ...long] : long
}

const finding = (rule: string, file: Source, start: number, message: string): Finding => ({ rule, path: file.path, line: lineOf(file.text, start), message })

const databaseDrivers = ['better-sqlite3', 'pg', 'kysely']
const codeRunners = ['node:child_process', 'child_process', 'node:vm', 'vm', 'node:repl', 'node:inspector']

/** Why an import is not allowed, or null. Tests may import anything of ours; the rules are about what runs in production. */
export function importProblem(from: string, to: string): string | null {
  const step = (path: string): string | undefined => steps.find((name) => path === `src/gateway/${name}.ts`)
  if (isTest(from)) return null
  if (from.startsWith('console/') && to.startsWith('src/')) return 'the console talks to the server only through the admin API'
  if (!from.startsWith('src/')) return null
  if (to.startsWith('console/dist')) return null // what the build made, served as files
  if (/^(console|test|bench)\//.test(to)) return `src never imports ${to.split('/')[0]}`
  if (codeRunners.includes(to)) return 'the server runs no programs and no code from text'
  if (databaseDrivers.includes(to) && !from.startsWith('src/store/')) return 'only src/store/ imports a database driver'
  if (to === 'undici' && from !== 'src/gateway/transport.ts') return 'only src/gateway/transport.ts imports undici'
  if (from.startsWith('src/gateway/') && to.startsWith('src/control/')) return 'the data plane never imports the control plane'
  if (step(from) !== undefined && step(to) !== undefined && step(from) !== step(to)) return 'a step never imports another step: they meet in the exchange'
  if (from.startsWith('src/protocols/') && to.startsWith('src/') && !/^src\/(protocols|wire)\//.test(to)) return 'protocols import only protocols and src/wire/'
  if (/^src\/providers\/(?!index\.ts|all\.ts|provider\.ts|auth\/)/.test(from) && to !== 'src/providers/provider.ts') return 'a vendor imports only provider.ts'
  return null
}

export function imports(file: Parsed): Finding[] {
  return file.imports.flatMap(({ specifier, typeOnly, start }) => {
    const to = target(file.path, specifier)
    // A type is erased: it lets parts agree on a shape without depending on one another's code.
    const problem = typeOnly && to.startsWith('src/') ? null : importProblem(file.path, to)
    return problem === null ? [] : [finding('imports', file, start, `imports ${specifier}: ${problem}`)]
  })
}

/** `declared`: packages that production installs. */
export function packages(file: Parsed, declared: ReadonlySet<string>): Finding[] {
  if (!file.path.startsWith('src/') || isTest(file.path)) return []
  return file.imports
    .filter(({ specifier, typeOnly }) => !typeOnly && !/^(\.|node:)/.test(specifier) && !declared.has(target(file.path, specifier)))
    .map(({ specifier, start }) => finding('packages', file, start, `imports ${specifier}, which is not among the dependencies of package.json`))
}

const pure = /^src\/(governance|ledger|catalog|protocols|routing|wire)\//

export function clocks(file: Parsed): Finding[] {
  if (!pure.test(file.path) || isTest(file.path)) return []
  return file.clocks.map(({ name, start }) => finding('clocks', file, start, `${name}: clock and randomness are passed in here`))
}

export function types(file: Parsed): Finding[] {
  const silenced = [...file.text.matchAll(/@ts-(ignore|expect-error|nocheck)/g)].map(({ index }) => finding('types', file, index, 'silences the type checker'))
  return [...silenced, ...file.anyTypes.map((start) => finding('types', file, start, 'uses the type any'))]
}

export function evaluations(file: Parsed): Finding[] {
  return file.path.startsWith('src/') ? file.evaluations.map(({ name, start }) => finding('evaluation', file, start, `${name} runs text as code`)) : []
}

/** Files of `src/` and `console/src/` that no entry point reaches. */
export function deadFiles(files: readonly Parsed[], entries: readonly string[]): Finding[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const reached = new Set<string>()
  const visit = (path: string): void => {
    const file = byPath.get(path)
    if (file === undefined || reached.has(path)) return
    reached.add(path)
    for (const { specifier } of file.imports) {
      const to = target(path, specifier)
      for (const candidate of [to, `${to}.ts`, `${to}.tsx`, `${to}/index.ts`, `${to}/index.tsx`]) visit(candidate)
    }
  }
  for (const entry of entries) visit(entry)
  return files
    .filter(({ path }) => /^(src|console\/src)\//.test(path) && !isTest(path) && !path.endsWith('.d.ts') && !reached.has(path))
    .map((file) => finding('dead files', file, 0, `is reached from none of ${entries.slice(0, 3).join(', ')} … (${entries.length} entries)`))
}

/** Written in two halves so that this file passes its own rules. */
const leftovers = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`, 'g')
const places = new RegExp(`(?<![\\w.$}])(${['/wo' + 'rk/', '/ro' + 'ot/', '/ho' + 'me/\\w', '/Us' + 'ers/\\w', '[A-Z]:\\\\\\\\Us' + 'ers'].join('|')})`, 'g')
const registries = new RegExp(['registry\\.npm' + 'js\\.org', 'npm\\.pkg\\.' + 'github', 'arti' + 'factory', '"resolved": *"' + 'http'].join('|'), 'g')

export function text(source: Source): Finding[] {
  const rules: [string, RegExp, string][] = [
    ['leftovers', leftovers, 'finish it, or open an issue'],
    ['places', places, 'names a folder of one machine'],
    ['registries', registries, 'names a package registry'],
    ['file URLs', /import\.meta\.url\)\.path()name/g, 'breaks in a folder with a space in its name: use fileURLToPath'],
  ]
  return rules.flatMap(([rule, pattern, why]) => [...source.text.matchAll(pattern)].map((match) => finding(rule, source, match.index, `${match[0]}: ${why}`)))
}

/** Pages that belong to no single code of ours: the index, and the errors of vendors. */
const otherPages = ['README.md', 'upstream.md']

/** One page per error code, and no page without its code. */
export function errorPages(codes: readonly string[], pages: readonly string[]): Finding[] {
  const missing = codes.filter((code) => !pages.includes(`${code}.md`)).map((code) => ({ rule: 'error pages', path: `docs/errors/${code}.md`, line: 1, message: 'is missing' }))
  const stale = pages.filter((page) => !otherPages.includes(page) && !codes.includes(page.replace(/\.md$/, ''))).map((page) => ({ rule: 'error pages', path: `docs/errors/${page}`, line: 1, message: 'belongs to no error code' }))
  return [...missing, ...stale]
}

interface Lock { packages: Record<string, { optionalDependencies?: Record<string, string> }> }

/** `npm ci` refuses a lockfile that names a platform's package without an entry for it, on every machine. */
export function lockfile({ path, text: json }: Source): Finding[] {
  const { packages: entries } = JSON.parse(json) as Lock
  const found = (from: string, name: string): boolean => {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      if (Object.hasOwn(entries, `${at === '' ? '' : `${at}/`}node_modules/${name}`)) return true
      if (at === '') return false
    }
  }
  return Object.entries(entries).flatMap(([at, { optionalDependencies = {} }]) => Object.keys(optionalDependencies)
    .filter((name) => !found(at, name))
    .map((name) => ({ rule: 'lockfile', path, line: 1, message: `names ${name} (for ${at}) and has no entry for it: choose versions that exist for every platform` })))
}
