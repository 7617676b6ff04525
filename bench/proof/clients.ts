/** Real coding tools and SDKs, installed from their own lockfile, at work before vendors of other formats. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Measure } from '../proof.ts'
import { runTests } from '../tests.ts'

const root = resolve(import.meta.dirname, '..', '..')
const folder = join(root, 'test', 'clients')
const installMs = 10 * 60_000

/** A network of its own, with the loopback alone. Where this is not allowed (Linux without user namespaces, other systems), the tests fail and say so. */
const alone = ['unshare', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']

interface Lock { packages: Record<string, { integrity?: string }> }
const packagesOf = (path: string): Lock['packages'] => (existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Lock).packages : {})

/** What npm notes last of all of what it installed is part of what is asked for: packages of other platforms are left out. */
function isInstalled(): boolean {
  const wanted = packagesOf(join(folder, 'package-lock.json'))
  const present = Object.entries(packagesOf(join(folder, 'node_modules', '.package-lock.json')))
  return present.length > 0 && present.every(([path, { integrity }]) => wanted[path]?.integrity === integrity)
}

/** 1.2 GB, of tools that bring their own programs. Their install scripts are not run: they only link what is there. */
function install(): void {
  if (isInstalled()) return
  execFileSync('npm', ['ci', '--ignore-scripts', '--include=optional', '--no-fund', '--no-audit', '--no-progress', '--loglevel=error'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], timeout: installMs })
}

export const measure: Measure = async (signal) => {
  install()
  execFileSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder], { cwd: root, stdio: 'inherit' })
  const versions = (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { dependencies: Record<string, string>; optionalDependencies: Record<string, string> })
  return {
    title: 'Real clients',
    claim: 'An existing SDK or coding tool works unchanged with a model of another vendor behind it.',
    method: `The tools and libraries as published (${Object.entries({ ...versions.dependencies, ...versions.optionalDependencies }).map(([name, version]) => `${name} ${version}`).join(', ')}), set up as docs/guides/clients.md says, through the gateway to scripted vendors that speak another format. The tools run in a network namespace that has nothing but its loopback: the model asks for a file, the tool reads it, and the model's answer holds a random word that only the file had. The vendors check what arrives, with code that is not the gateway's. What the gateway emits is also given to a validator of the vendors' own descriptions (Steady): each recorded conversation and each request of a real client, translated to each format that has such a description.`,
    rows: [
      ...await runTests(['test/clients/specified.test.ts'], signal),
      ...await runTests(['test/clients/tools.test.ts'], signal, alone),
      ...await runTests(['test/clients/sdks.test.ts', 'test/gateway/sdks.test.ts', 'test/gateway/captures.test.ts'], signal),
    ],
  }
}
