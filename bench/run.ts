/**
 * `npm run proof [name …]`: runs the measurements of `bench/proof/`, each in a process of its own and one after another, and writes
 * docs/measurements.md. Fails when a target was missed or a measurement broke; the others are still measured and written.
 */
import { execFileSync, spawn } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { failed, section, type Measure, type Proof } from './proof.ts'

const root = resolve(import.meta.dirname, '..')
const timeoutMs = 30 * 60_000
const document = join(root, 'docs', 'measurements.md')

/** In the child: measure, and hand the result up over IPC. */
async function measureHere(file: string): Promise<void> {
  const { measure } = (await import(file)) as { measure: Measure }
  const proof = await measure(AbortSignal.timeout(timeoutMs))
  process.send?.(proof)
  process.disconnect?.()
}

async function measureThere(file: string): Promise<Proof> {
  const child = spawn(process.execPath, [import.meta.filename, '--measure', file], { cwd: root, stdio: ['ignore', 'inherit', 'inherit', 'ipc'], timeout: timeoutMs + 10_000, killSignal: 'SIGKILL' })
  let proof: Proof | null = null
  child.on('message', (message) => { proof = message as Proof })
  const code = await new Promise((done) => child.once('close', done))
  if (proof === null || code !== 0) throw new Error(`${basename(file)} ended with exit code ${String(code)} and ${proof === null ? 'no' : 'a'} result`)
  return proof
}

/** Facts that a reader needs to judge the figures; nothing that names the machine. */
function machine(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
  // Other than by what is written here.
  const isChanged = git('status', '--porcelain', '--', '.', ':!docs/measurements.md') !== ''
  const commit = `${git('rev-parse', '--short', 'HEAD')}${isChanged ? '-dirty' : ''}`
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  return `${new Date().toISOString().slice(0, 10)}, commit ${commit}, Node.js ${process.version}, ${process.platform} ${release().split('-')[0]}, ${availableParallelism()} × ${model}, ${Math.round(totalmem() / 1024 ** 3)} GB.`
}

/** The sections of the last run by name, so that measuring one claim again keeps the others. */
function previous(): Map<string, string> {
  let text = ''
  try {
    text = readFileSync(document, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return new Map([...text.matchAll(/<!-- (\S+) -->\n([^]*?)(?=<!-- |$)/g)].map(([, name = '', body = '']) => [name, body]))
}

/** After each measurement: a run takes most of an hour. */
function write(files: readonly string[], sections: ReadonlyMap<string, string>): void {
  const kept = files.map((file) => basename(file, '.ts')).filter((name) => sections.has(name))
  const head = '# Measurements\n\nWritten by `npm run proof`; every figure can be measured again with the command beside it.\n\n'
  writeFileSync(document, `${head}${kept.map((name) => `<!-- ${name} -->\n${sections.get(name) ?? ''}`).join('')}`.trimEnd() + '\n')
}

async function main(names: readonly string[]): Promise<boolean> {
  const files = globSync('bench/proof/*.ts', { cwd: root }).sort().filter((file) => !file.endsWith('.test.ts'))
  const wanted = files.filter((file) => names.length === 0 || names.some((name) => basename(file, '.ts') === name))
  const unknown = names.filter((name) => !files.some((file) => basename(file, '.ts') === name))
  if (unknown.length > 0) throw new Error(`There is no measurement ${unknown.join(', ')}. There are: ${files.map((file) => basename(file, '.ts')).join(', ') || 'none'}.`)
  const sections = previous()
  let good = true
  for (const file of wanted) {
    const name = basename(file, '.ts')
    console.log(`${name} …`)
    try {
      const proof = await measureThere(join(root, file))
      const text = section(name, proof)
      console.log(text)
      sections.set(name, `${text}\n${machine()}\n\n`)
      write(files, sections)
      for (const { what, value, unit, target } of failed(proof)) { good = false; console.error(`missed: ${what}: ${value} ${unit}, target ${target}`) }
    } catch (error) {
      good = false
      console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return good
}

const [first, file] = process.argv.slice(2)
if (first === '--measure' && file !== undefined) await measureHere(file)
else process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => { console.error(error.message); return false }) ? 0 : 1
